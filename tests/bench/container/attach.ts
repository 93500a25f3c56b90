import { execa } from 'execa';
import { packagePath } from '../../../results/package-root.ts';
import { createCgroup } from '../../../runtimes/cgroup/cgroup.ts';
import { isUnified } from '../../../runtimes/cgroup/layout.ts';
import { compileC } from '../../../runtimes/compile/compile-c.ts';
import { LIMITS, type BenchRig } from './rig.ts';

/** The ways to put a process into its v1 cgroups, one of each in turn; the program beside this file says why. */
export async function printWaysToAttach(rig: BenchRig, cacheDir: string, rounds: number): Promise<void> {
  const cgroup = createCgroup(rig.owner, 'attach', LIMITS);
  try {
    if (isUnified(cgroup.layout)) return;
    const folder = packagePath('tests', 'bench', 'container-attach');
    const program = await compileC(cacheDir, { name: 'container-attach', folder });
    const { stdout } = await execa(program, [String(rounds), ...cgroup.folders]);
    console.log(`\njoining ${cgroup.folders.length} v1 cgroups, ms (min, median, upper quartile)\n${stdout}`);
  } finally {
    await cgroup.destroy();
  }
}
