import { execa } from 'execa';
import { VERSION_LIMIT_MS } from './defaults.ts';

/** Host programs that make or run boxes, and how each says its version. Those of the image are hashed from inside instead. */
const programs: readonly { name: string; argv: readonly [string, ...string[]]; version: RegExp }[] = [
  { name: 'qemu', argv: ['qemu-system-x86_64', '--version'], version: /version (\S+(?: \([^)]*\))?)/ },
  { name: 'qemu-img', argv: ['qemu-img', '--version'], version: /version (\S+(?: \([^)]*\))?)/ },
  { name: 'mke2fs', argv: ['mke2fs', '-V'], version: /mke2fs (\S+)/ },
  { name: 'mmdebstrap', argv: ['mmdebstrap', '--version'], version: /mmdebstrap (\S+)/ },
  { name: 'gcc', argv: ['gcc', '--version'], version: /gcc.*? (\d\S*)$/m },
  { name: 'ip', argv: ['ip', '-V'], version: /iproute2-(\S+?),/ },
  { name: 'runc', argv: ['runc', '--version'], version: /runc version (\S+)/ },
  { name: 'crun', argv: ['crun', '--version'], version: /crun version (\S+)/ },
  { name: 'podman', argv: ['podman', '--version'], version: /version (\S+)/ },
  { name: 'docker', argv: ['docker', '--version'], version: /version ([^\s,]+)/ },
];

/** Name → version of what is installed; what is not is left out. Spawns side by side; call it before the run only. */
export async function readTools(): Promise<Record<string, string>> {
  const versions = await Promise.all(
    programs.map(async ({ name, argv: [file, ...rest], version }) => {
      const result = await execa(file, rest, {
        reject: false,
        all: true,
        stdin: 'ignore',
        timeout: VERSION_LIMIT_MS,
        env: { LC_ALL: 'C' },
      });
      const found = version.exec(result.all ?? '')?.[1];
      return found === undefined ? [] : [[name, found] as const];
    }),
  );
  return Object.fromEntries([['node', process.version.slice(1)], ...versions.flat()]);
}
