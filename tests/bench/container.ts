import { execa } from 'execa';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { machinePaths } from '../../harness/run/paths.ts';
import { packagePath } from '../../results/package-root.ts';
import { Cgroup, createCgroup } from '../../runtimes/cgroup/cgroup.ts';
import { isUnified } from '../../runtimes/cgroup/layout.ts';
import { pssBytes } from '../../runtimes/cgroup/read-cost.ts';
import { compileC } from '../../runtimes/compile/compile-c.ts';
import { ALL_NAMESPACES, execPlan } from '../../runtimes/container/plan/exec-plan.ts';
import { containerPlan, type PlanContext } from '../../runtimes/container/plan/container-plan.ts';
import { oncePlan } from '../../runtimes/container/run-once.ts';
import { compileSeccomp } from '../../runtimes/container/seccomp/compile.ts';
import { defaultSeccomp } from '../../runtimes/container/seccomp/default-profile.ts';
import { DEFAULT_CAPABILITIES } from '../../runtimes/container/spec/capabilities.ts';
import { defaultProcess, defaultSpec } from '../../runtimes/container/spec/default-spec.ts';
import type { OciSpec } from '../../runtimes/container/spec/oci-spec.ts';
import { ensureImage } from '../../runtimes/image/ensure-image.ts';
import { ensureLauncher } from '../../runtimes/launch/ensure-launcher.ts';
import { diesWithUs, runPlan, startPlan, type Launched } from '../../runtimes/launch/launch.ts';
import { insideLinkOps, peerNamespaceOps, vethParentOps } from '../../runtimes/network/peer-network.ts';
import { nextSubnet } from '../../runtimes/network/subnet.ts';
import { processStartTime } from '../../runtimes/sweep/owner.ts';

/**
 * `npm run bench:container [rounds]`: start to exit of /bin/true by our runtime, the C floor beside this file, runc, crun,
 * bubblewrap and (when its daemon runs) docker, all from this warm process, one of each in turn, medians. Then exec into a
 * running container, one hundred one after another, two hundred idle at once.
 *
 * crun refuses hybrid cgroup hosts, so this program first enters a mount namespace of its own without the unified mount.
 */
const ROUNDS = Number(process.argv[2] ?? 30);
const IDLE = 200;
const SERIAL = 100;

interface Contender {
  name: string;
  run(): Promise<void>;
}

async function main(): Promise<void> {
  const { cacheDir } = machinePaths();
  const image = await ensureImage(cacheDir, (line) => console.error(line));
  const launcher = await ensureLauncher(cacheDir);
  const floor = await compileC(cacheDir, {
    name: 'container-floor',
    folder: packagePath('tests', 'bench', 'container-floor'),
    flags: [],
  });
  const scratch = mkdtempSync('/var/tmp/tare-bench-');
  const owner = basename(scratch).toLowerCase();
  try {
    const rig = { rootfs: image.rootfs, launcher, floor, scratch, owner };
    const contenders = await allContenders(rig);
    const times = await inTurn(contenders);
    printTable(times);
    await serialAndIdle(rig);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    await new Cgroup(join('tare', owner)).destroy();
  }
}

interface BenchRig {
  rootfs: string;
  launcher: string;
  floor: string;
  scratch: string;
  owner: string;
}

const LIMITS = { cpuShares: 512, memoryMiB: 256, pids: 100 };
let serial = 0;

function folders(rig: BenchRig): { upper: string; work: string; root: string; path: string } {
  const path = join(rig.scratch, `c${serial++}`);
  const made = { upper: join(path, 'upper'), work: join(path, 'work'), root: join(path, 'root'), path };
  for (const folder of [made.upper, made.work, made.root]) mkdirSync(folder, { recursive: true });
  return made;
}

function spec(rootfs: string, limited: boolean): OciSpec {
  return defaultSpec({
    rootfs,
    argv: ['/bin/true'],
    seccomp: defaultSeccomp(DEFAULT_CAPABILITIES),
    cgroupMount: limited,
  });
}

/** Ours, as the harness does it: folders, cgroup, plan, launch, and everything removed again. */
async function ours(rig: BenchRig, limited: boolean, network: boolean): Promise<void> {
  const { upper, work, root, path } = folders(rig);
  const cgroup = limited ? createCgroup(rig.owner, basename(path), LIMITS) : null;
  const subnet = network ? nextSubnet(rig.owner) : null;
  const plan = oncePlan({
    launcher: rig.launcher,
    spec: spec(root, limited),
    overlay: { lower: [rig.rootfs], upper, work },
    cgroup,
    before: subnet ? peerNamespaceOps() : [],
    network: subnet ? { parent: vethParentOps(subnet), inside: insideLinkOps(subnet) } : undefined,
  });
  const result = await runPlan({ launcher: rig.launcher, plan });
  if (result.exitCode !== 0) throw new Error(`ours: ${result.stderr}`);
  await cgroup?.destroy();
  rmSync(path, { recursive: true, force: true });
}

async function allContenders(rig: BenchRig): Promise<Contender[]> {
  const filter = join(rig.scratch, 'filter.bpf');
  writeFileSync(filter, compileSeccomp(defaultSeccomp(DEFAULT_CAPABILITIES)).program);
  const must = async (file: string, argv: string[], env?: Record<string, string>): Promise<void> => {
    const result = await execa(file, argv, { reject: false, stdin: 'ignore', env });
    if (result.exitCode !== 0) throw new Error(`${file}: ${result.stderr || result.stdout}`);
  };
  const floorRun = async (limited: boolean): Promise<void> => {
    const { upper, work, root, path } = folders(rig);
    const cgroup = limited ? createCgroup(rig.owner, basename(path), LIMITS) : null;
    const argv = [rig.rootfs, upper, work, root, filter, ...(cgroup?.folders ?? []), '--', '/bin/true'];
    await must(rig.floor, argv);
    await cgroup?.destroy();
    rmSync(path, { recursive: true, force: true });
  };
  const list: Contender[] = [
    { name: 'C floor', run: () => floorRun(false) },
    { name: 'ours', run: () => ours(rig, false, false) },
    { name: 'C floor + cgroup', run: () => floorRun(true) },
    { name: 'ours + cgroup', run: () => ours(rig, true, false) },
    { name: 'ours + cgroup + veth', run: () => ours(rig, true, true) },
  ];
  for (const tool of ['runc', 'crun']) {
    if (!(await has(tool))) continue;
    const bundle = makeBundle(rig, tool);
    const argv = ['--root', join(rig.scratch, `${tool}-state`), 'run', '-b', bundle];
    list.push({ name: `${tool} + cgroup`, run: () => must(tool, [...argv, `tare-b${serial++}`]) });
  }
  if (await has('bwrap')) {
    const argv = [
      '--unshare-all',
      '--bind',
      rig.rootfs,
      '/',
      '--proc',
      '/proc',
      '--dev',
      '/dev',
      '/bin/true',
    ];
    list.push({ name: 'bwrap --unshare-all', run: () => must('bwrap', argv) });
  }
  if (await dockerImage(rig)) {
    const argv = [
      'run',
      '--rm',
      '--network',
      'none',
      '-m',
      '256m',
      '--pids-limit',
      '100',
      'tare-bench',
      '/bin/true',
    ];
    list.push({ name: 'docker --network none', run: () => must('docker', argv) });
  }
  list.push(...(await execContenders(rig)));
  return list;
}

/** A bundle with the same policy and limits; its root is the plain tree, so no overlay is asked of the others. */
function makeBundle(rig: BenchRig, tool: string): string {
  const bundle = join(rig.scratch, `${tool}-bundle`);
  mkdirSync(bundle, { recursive: true });
  const config = spec(rig.rootfs, true);
  const resources = {
    cpu: { shares: LIMITS.cpuShares },
    memory: { limit: LIMITS.memoryMiB << 20 },
    pids: { limit: LIMITS.pids },
    devices: [{ allow: false, access: 'rwm' }],
  };
  const linux = { ...config.linux, resources, cgroupsPath: undefined };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify({ ...config, ociVersion: '1.0.2', linux }));
  return bundle;
}

/** exec of /bin/true in a container that runs already. */
async function execContenders(rig: BenchRig): Promise<Contender[]> {
  const list: Contender[] = [];
  const idle = await startIdle(rig, true);
  list.push({
    name: 'ours exec',
    run: async () => {
      const result = await runPlan({ launcher: rig.launcher, plan: idle.exec() });
      if (result.exitCode !== 0) throw new Error(result.stderr);
    },
  });
  cleanUp.push(idle.stop);
  for (const tool of ['runc', 'crun']) {
    if (!(await has(tool))) continue;
    const bundle = makeBundle(rig, `${tool}-exec`);
    const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')) as OciSpec;
    const sleeping = { ...config, process: { ...config.process, args: ['sleep', '3600'] } };
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(sleeping));
    const root = ['--root', join(rig.scratch, `${tool}-state`)];
    const id = `tare-x${serial++}`;
    // Its output is not ours to wait for: the container keeps what it is given.
    await execa(tool, [...root, 'run', '-d', '-b', bundle, id], { stdio: 'ignore' });
    cleanUp.push(async () => {
      await execa(tool, [...root, 'delete', '-f', id], { reject: false });
    });
    list.push({
      name: `${tool} exec`,
      run: async () => {
        await execa(tool, [...root, 'exec', id, '/bin/true']);
      },
    });
  }
  return list;
}

const cleanUp: (() => Promise<void>)[] = [];

interface Idle {
  init: Launched;
  exec(): ReturnType<typeof execPlan>;
  stop(): Promise<void>;
}

async function startIdle(rig: BenchRig, limited: boolean): Promise<Idle> {
  const { upper, work, root, path } = folders(rig);
  const cgroup = limited ? createCgroup(rig.owner, basename(path), LIMITS) : null;
  const unified = cgroup !== null && isUnified(cgroup.layout);
  const seccomp = compileSeccomp(defaultSeccomp(DEFAULT_CAPABILITIES));
  const birthCgroup = unified ? (cgroup?.folders[0] ?? null) : null;
  const context: PlanContext = {
    owner: diesWithUs(),
    overlay: { lower: [rig.rootfs], upper, work },
    attachOps: cgroup && !unified ? cgroup.attachChildOps() : [],
    birthCgroup,
    network: { parent: [], inside: [] },
    seccomp,
    preserveFds: 0,
    main: 'init',
    before: [],
    beforeExec: [],
    terminal: [],
    hookState: '',
    isFolder: () => true,
    cgroupFolders: cgroup?.folders ?? [],
    unified,
  };
  const init = await startPlan({ launcher: rig.launcher, plan: containerPlan(spec(root, limited), context) });
  const container = {
    pid: init.pid,
    startTime: processStartTime(init.pid) ?? '',
    namespaces: ALL_NAMESPACES,
    joinOps: cgroup?.joinOps() ?? [],
  };
  const common = { owner: diesWithUs(), seccomp, preserveFds: 0, before: [], terminal: [], setGroups: true };
  return {
    init,
    exec: () => execPlan(container, defaultProcess({ argv: ['/bin/true'] }), { ...common, birthCgroup }),
    async stop() {
      await init.stop();
      await cgroup?.destroy();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

async function inTurn(contenders: Contender[]): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  try {
    for (const { run } of contenders) await run(); // once each unmeasured: caches warm, lazy code loaded
    for (let round = 0; round < ROUNDS; round++) {
      for (const { name, run } of contenders) {
        const begun = process.hrtime.bigint();
        await run();
        times.get(name)?.push(Number(process.hrtime.bigint() - begun) / 1e6);
      }
    }
  } finally {
    for (const clean of cleanUp.splice(0)) await clean();
  }
  return times;
}

function printTable(times: Map<string, number[]>): void {
  const median = (name: string): number => quantile(times.get(name) ?? [], 0.5);
  console.log(`\nstart to exit of /bin/true, ms, median of ${ROUNDS} in turn (quartiles)`);
  for (const [name, list] of times) {
    const [low, middle, high] = [0.25, 0.5, 0.75].map((q) => quantile(list, q).toFixed(1));
    console.log(`  ${name.padEnd(24)} ${String(middle).padStart(7)}  (${low} – ${high})`);
  }
  const bar = (words: string, ratio: number, limit: number): void => {
    if (Number.isFinite(ratio))
      console.log(`  ${ratio <= limit ? 'ok  ' : 'OVER'} ${words}: ${ratio.toFixed(2)} (bar ${limit})`);
  };
  console.log('');
  bar('ours / C floor', median('ours') / median('C floor'), 1.3);
  bar('ours with cgroup / crun', median('ours + cgroup') / median('crun + cgroup'), 0.5);
  bar('ours with cgroup / runc', median('ours + cgroup') / median('runc + cgroup'), 0.4);
  bar('ours with veth / with cgroup', median('ours + cgroup + veth') / median('ours + cgroup'), 1.2);
  bar('ours exec / crun exec', median('ours exec') / median('crun exec'), 1);
  const attach = median('ours + cgroup') - median('ours');
  console.log(`  cgroup attach, limits and removal: ${attach.toFixed(1)} ms, the kernel's own waits`);
}

async function serialAndIdle(rig: BenchRig): Promise<void> {
  const times: number[] = [];
  for (let k = 0; k < SERIAL; k++) {
    const begun = performance.now();
    await ours(rig, true, false);
    times.push(performance.now() - begun);
  }
  const [first, last] = [times.slice(0, SERIAL / 4), times.slice(-SERIAL / 4)].map((part) =>
    quantile(part, 0.5),
  );
  console.log(
    `\n${SERIAL} one after another: median of the first quarter ${first?.toFixed(1)} ms, of the last ${last?.toFixed(1)} ms`,
  );
  const idle: Idle[] = [];
  try {
    while (idle.length < IDLE) idle.push(await startIdle(rig, false));
    const pids = idle.flatMap(({ init }) => [init.pid, init.launcherPid]);
    const kib = (pssBytes(pids) ?? 0) / 1024 / IDLE;
    const verdict = kib <= 512 ? 'ok  ' : 'OVER';
    console.log(
      `${verdict} ${IDLE} idle at once: ${kib.toFixed(0)} KiB PSS of ours each, init and waiting parent (bar 512)`,
    );
  } finally {
    for (const each of idle) await each.stop();
  }
}

function quantile(values: number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}

/** Whether a tool takes part; said once when it does not. */
async function has(tool: string): Promise<boolean> {
  const found = (await execa('which', [tool], { reject: false })).exitCode === 0;
  const apt = tool === 'bwrap' ? 'bubblewrap' : tool;
  if (!found) console.error(`${tool} is left out: apt-get install -y --no-install-recommends ${apt}`);
  return found;
}

/** Docker takes part when its daemon answers; the image is imported from the same tree. */
async function dockerImage(rig: BenchRig): Promise<boolean> {
  const answers = await execa('docker', ['version'], { reject: false, timeout: 5_000 });
  if (answers.exitCode !== 0) {
    console.error('docker: its daemon does not answer, so it is left out');
    return false;
  }
  const imported = await execa(
    'sh',
    ['-c', 'tar -C "$1" -c . | docker import - tare-bench', 'sh', rig.rootfs],
    {
      reject: false,
    },
  );
  return imported.exitCode === 0;
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
