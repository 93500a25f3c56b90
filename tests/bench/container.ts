import { execa } from 'execa';
import { mkdtempSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { machinePaths } from '../../harness/run/paths.ts';
import { packagePath } from '../../results/package-root.ts';
import { Cgroup } from '../../runtimes/cgroup/cgroup.ts';
import { compileC } from '../../runtimes/compile/compile-c.ts';
import { ensureImage } from '../../runtimes/image/ensure-image.ts';
import { ensureLauncher } from '../../runtimes/launch/ensure-launcher.ts';
import { runPlan } from '../../runtimes/launch/launch.ts';
import { LauncherAhead } from '../../runtimes/launch/launcher-ahead.ts';
import { sealedLauncher } from '../../runtimes/launch/sealed-launcher.ts';
import { printWaysToAttach } from './container/attach.ts';
import { docker } from './container/docker.ts';
import { floors, others, othersExec } from './container/others.ts';
import { ours, serialAndIdle, startIdle } from './container/ours.ts';
import type { BenchRig, Contender } from './container/rig.ts';
import { inTurn, printBars, printTable } from './container/table.ts';

/**
 * `npm run bench:container [rounds]`: start to exit of /bin/true by our runtime, the C floor beside this file, runc, crun,
 * bubblewrap and docker, all from this warm process, one of each in turn, medians. Then the ways to join a cgroup, exec
 * into a running container, one hundred one after another, two hundred idle at once.
 *
 * crun refuses hybrid cgroup hosts, so this program first enters a mount namespace of its own without the unified mount.
 */
const ROUNDS = Number(process.argv[2] ?? 30);

async function main(): Promise<void> {
  const { cacheDir } = machinePaths();
  const image = await ensureImage(cacheDir, (line) => console.error(line));
  const launcherFile = await ensureLauncher(cacheDir);
  const floor = await compileC(cacheDir, {
    name: 'container-floor',
    folder: packagePath('tests', 'bench', 'container-floor'),
  });
  const scratch = mkdtempSync('/var/tmp/tare-bench-');
  const owner = basename(scratch).toLowerCase();
  const launcher = await sealedLauncher(launcherFile);
  const rig = { rootfs: image.rootfs, launcher, launcherFile, floor, scratch, owner };
  const cleanUp: (() => Promise<void>)[] = [];
  try {
    const times = await inTurn(await contenders(rig, cleanUp), ROUNDS).finally(async () => {
      for (const clean of cleanUp.splice(0)) await clean();
    });
    printTable(times, ROUNDS);
    printBars(times);
    await printWaysToAttach(rig, cacheDir, ROUNDS);
    await serialAndIdle(rig);
  } finally {
    for (const clean of cleanUp) await clean();
    rmSync(scratch, { recursive: true, force: true });
    await new Cgroup(join('tare', owner)).destroy();
  }
}

async function contenders(rig: BenchRig, cleanUp: (() => Promise<void>)[]): Promise<Contender[]> {
  const ahead = new LauncherAhead(rig.launcher);
  const idle = await startIdle(rig, true);
  cleanUp.push(idle.stop, () => Promise.resolve(ahead.close()));
  const exec = async (): Promise<void> => {
    const result = await runPlan({ launcher: rig.launcher, plan: idle.exec() });
    if (result.exitCode !== 0) throw new Error(result.stderr);
  };
  return [
    ...floors(rig),
    { name: 'ours', run: () => ours(rig, { limited: false }) },
    { name: 'ours + cgroup', run: () => ours(rig, { limited: true }) },
    { name: 'ours + cgroup, launcher from file', run: () => ours(rig, { limited: true, fromFile: true }) },
    {
      name: 'ours + cgroup, launcher waiting',
      ready: () => ahead.prepare(),
      run: () => ours(rig, { limited: true, ahead }),
    },
    { name: 'ours + cgroup + veth', run: () => ours(rig, { limited: true, network: true }) },
    ...(await others(rig)),
    ...(await docker(rig, cleanUp)),
    { name: 'ours exec', run: exec },
    ...(await othersExec(rig, cleanUp)),
  ];
}

if (!process.env.TARE_BENCH_INSIDE) {
  const script = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"';
  const inside = await execa(
    'unshare',
    ['-m', 'sh', '-c', script, 'sh', 'npx', 'tsx', ...process.argv.slice(1)],
    {
      stdio: 'inherit',
      reject: false,
      env: { TARE_BENCH_INSIDE: '1' },
    },
  );
  process.exitCode = inside.exitCode ?? 1;
} else {
  await main();
}
