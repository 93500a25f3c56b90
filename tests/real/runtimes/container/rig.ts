import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { machinePaths } from '../../../../harness/run/paths.ts';
import type { Image, Instance, Runtime } from '../../../../runtimes/contract.ts';
import { ensureImage } from '../../../../runtimes/image/ensure-image.ts';
import { hierarchies, hostLayout } from '../../../../runtimes/cgroup/layout.ts';
import { ensureLauncher } from '../../../../runtimes/launch/ensure-launcher.ts';

/** What real tests of boxes share: the image, a scratch folder of an owner of this process, and a view of what is left. */
export const resources = { cpus: 1, memoryMiB: 512, cpuset: [0], housekeeping: [] };

export interface Rig {
  image: Image;
  launcher: string;
  owner: string;
  scratchDir: string;
  start<Options>(runtime: Runtime<Options>, trial: string, options: Options): Promise<Instance>;
  close(): void;
}

export async function openRig(): Promise<Rig> {
  const { cacheDir } = machinePaths();
  const image = await ensureImage(cacheDir, (line) => console.error(line));
  const launcher = await ensureLauncher(cacheDir);
  const scratchDir = mkdtempSync('/var/tmp/tare-');
  const owner = basename(scratchDir).toLowerCase();
  const context = {
    owner,
    cacheDir,
    scratchDir,
    resources: { cpus: 1, memoryMiB: 512, cpuset: [1], housekeeping: [0] },
    signal: new AbortController().signal,
    log: () => undefined,
  };
  return {
    image,
    launcher,
    owner,
    scratchDir,
    async start(runtime, trial, options) {
      const prepared = await runtime.prepare(image, options, context);
      return prepared.start(trial, resources);
    },
    close: () => rmSync(scratchDir, { recursive: true, force: true }),
  };
}

/** Everything of the host that a box may change: mounts, named network namespaces, our cgroups. */
export function hostState(owner: string): Record<string, string[]> {
  const names = (folder: string): string[] => {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  };
  return {
    // Of the owner, and on or below the image: what others mount meanwhile is theirs.
    mounts: readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter(
        (line) =>
          /\/images\//.test(line.split(' ')[4] ?? '') || line.split(' ')[4]?.toLowerCase().includes(owner),
      ),
    namespaces: names('/run/netns').filter((name) => name.startsWith(owner)),
    cgroups: hierarchies(hostLayout()).flatMap((mount) => names(join(mount, 'tare', owner))),
  };
}
