import type { OciVerb } from './oci-verb.ts';

/** list, spec, features. */
export const INFORMATION: readonly OciVerb[] = [
  {
    usage: 'list',
    description: 'list all containers',
    example: 'list --format json',
    options: [
      { flags: '-f, --format <format>', help: 'table or json', default: 'table' },
      { flags: '-q, --quiet', help: 'ids only' },
    ],
    async act({ root, options, out }) {
      const { currentStatus, publicState } = await import('../../../runtimes/container/oci/status.ts');
      const { stateTable } = await import('../../../runtimes/container/oci/state-table.ts');
      const states = root.list().map((state) => publicState(state, currentStatus(root, state)));
      if (options['quiet']) return states.forEach(({ id }) => out(String(id)));
      if (options['format'] === 'json') return out(JSON.stringify(states));
      out(stateTable(states));
    },
  },
  {
    usage: 'spec',
    description: 'write a config.json to start from',
    example: 'spec --bundle ./hello',
    options: [{ flags: '-b, --bundle <folder>', help: 'where to', default: '.' }],
    async act({ options }) {
      const { writeSpec } = await import('../../../runtimes/container/oci/write-spec.ts');
      writeSpec(String(options['bundle']));
    },
  },
  {
    usage: 'features',
    description: 'print what this runtime can do, as JSON',
    example: 'features',
    async act({ out }) {
      const { features } = await import('../../../runtimes/container/oci/features.ts');
      out(JSON.stringify(features(), null, 2));
    },
  },
];
