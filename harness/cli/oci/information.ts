import type { Command } from 'commander';
import type { VerbContext } from '../verb.ts';
import { action, verb } from './action.ts';

/** state, list, spec, features. */
export function information(group: Command, context: VerbContext): void {
  verb(group, 'state <id>', 'print the state of a container as JSON', 'state web').action(
    action(context, async (root, [id]) => {
      const { currentStatus, publicState } = await import('../../../runtimes/container/oci/status.ts');
      const state = root.read(id);
      context.terminal.out(JSON.stringify(publicState(state, currentStatus(root, state)), null, 2));
    }),
  );
  verb(group, 'list', 'list all containers', 'list --format json')
    .option('-f, --format <format>', 'table or json', 'table')
    .option('-q, --quiet', 'ids only')
    .action(
      action(context, async (root, _words, options) => {
        const { currentStatus, publicState } = await import('../../../runtimes/container/oci/status.ts');
        const { stateTable } = await import('../../../runtimes/container/oci/state-table.ts');
        const states = root.list().map((state) => publicState(state, currentStatus(root, state)));
        if (options['quiet']) return states.forEach(({ id }) => context.terminal.out(String(id)));
        if (options['format'] === 'json') return context.terminal.out(JSON.stringify(states));
        context.terminal.out(stateTable(states));
      }),
    );
  verb(group, 'spec', 'write a config.json to start from', 'spec --bundle ./hello')
    .option('-b, --bundle <folder>', 'where to', '.')
    .action(
      action(context, async (_root, _words, options) => {
        const { writeSpec } = await import('../../../runtimes/container/oci/write-spec.ts');
        writeSpec(String(options['bundle']));
      }),
    );
  verb(group, 'features', 'print what this runtime can do, as JSON', 'features').action(
    action(context, async () => {
      const { features } = await import('../../../runtimes/container/oci/features.ts');
      context.terminal.out(JSON.stringify(features(), null, 2));
    }),
  );
}
