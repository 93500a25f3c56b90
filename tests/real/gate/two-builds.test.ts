import { execa } from 'execa';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { machinePaths } from '../../../harness/run/paths.ts';
import { packagePath } from '../../../results/package-root.ts';
import { gateSchema, type GateRecord } from '../../../results/record/gate.ts';
import { readRun } from '../../../results/store/read-run.ts';
import { summarize } from '../../../results/summarize/summarize.ts';
import { compileC } from '../../../runtimes/compile/compile-c.ts';
import { ensureImage } from '../../../runtimes/image/ensure-image.ts';
import { ensureLauncher } from '../../../runtimes/launch/ensure-launcher.ts';
import { suite } from '../../suite.ts';
import { anotherKernel } from './another-kernel.ts';

/** Far above the start-up of a container (tens of ms), so that the verdict does not hang on the machine's mood. */
const INJECTED_MS = 400;
const QEMU = '/usr/bin/qemu-system-x86_64';

const test = suite('the gate interleaves two builds');
const { cacheDir } = machinePaths();
let folder = '';
test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'tare-builds-'));
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  exitCode: number | undefined;
  stderr: string;
  /** What it answered; a job that ended without an answer fails the test with its own words. */
  answer(): GateRecord;
}

/** `bench gate` as a person calls it, in the folder that holds the matrix, which names files beside it. */
async function gate(matrix: string, rules: string, reference: string, candidate: string): Promise<Ended> {
  // Whether neighbours disturb a window is not judged here: the verdict must hold on the machine as it is.
  const policy =
    '\npolicy: { maxSteal: 1, maxForeignCpu: 10, maxRunQueue: 1000, maxThermalEvents: 1000000 }\n';
  writeFileSync(join(folder, 'm.yaml'), matrix + policy);
  writeFileSync(join(folder, 'bench.gate.yaml'), rules);
  const args = ['gate', '--matrix', 'm.yaml', '--reference', reference, '--candidate', candidate, '--json'];
  const main = packagePath('harness/cli/main.ts');
  const { exitCode, stdout, stderr } = await execa(packagePath('node_modules/.bin/tsx'), [main, ...args], {
    ...{ cwd: folder, reject: false, stdin: 'ignore' },
  });
  const answer = (): GateRecord => {
    if (!stdout.startsWith('{')) throw new Error(`no answer (exit ${exitCode}): ${stderr}`);
    return gateSchema.parse(JSON.parse(stdout));
  };
  return { exitCode, stderr, answer };
}

/** Our launcher's sources with a delay before it plays a plan: a real build that is slower at nothing but starting. */
async function slowLauncher(): Promise<string> {
  const sources = join(folder, 'slow-sources');
  mkdirSync(sources);
  const from = packagePath('runtimes', 'launch', 'c');
  for (const name of readdirSync(from)) copyFileSync(join(from, name), join(sources, name));
  const main = readFileSync(join(sources, 'main.c'), 'utf8');
  const slowed = main.replace(
    '  size_t length = 0;\n  const char *why',
    `  usleep(${INJECTED_MS * 1000});\n$&`,
  );
  assert.is.not(slowed, main, 'the launcher no longer has the place where the delay goes');
  writeFileSync(join(sources, 'main.c'), slowed);
  const flags = ['-Wpedantic', '-Wl,-z,norelro'];
  return compileC(join(folder, 'cache'), { name: 'tare-launch-slow', folder: sources, flags });
}

const STARTUP_ONLY = `
looks: [6, 12]
metrics:
  instance.startup: { tolerance: 100% }
  mutex.total_time: { ignore: true }
`;

test('two launchers: the slower one fails, one that is the same by another name does not', async () => {
  mkdirSync(join(folder, 'slow'));
  mkdirSync(join(folder, 'copy'));
  copyFileSync(await slowLauncher(), join(folder, 'slow/tare-launch'));
  copyFileSync(await ensureLauncher(cacheDir), join(folder, 'copy/tare-launch'));
  const matrix = `
runtimes:
  ours: { runtime: container }
  copy: { runtime: container, options: { launcher: copy/tare-launch } }
  slow: { runtime: container, options: { launcher: ./slow/tare-launch } }
workloads:
  mutex: { workload: sysbench-mutex, options: { locks: 1000, loops: 1000 } }
`;
  const slow = await gate(matrix, STARTUP_ONLY, 'ours', 'slow');
  assert.is(slow.exitCode, 1, slow.stderr);
  assert.is(slow.answer().answer, 'fail', slow.answer().why);
  assert.is(slow.answer().metrics[0]?.name, 'instance.startup');
  assert.match(slow.answer().differs?.join() ?? '', /^launcher: .* against .*slow\/tare-launch/);

  // It was ended at the first look of two: what was not run is not missing, also when the summary is made afresh.
  const run = await readRun(slow.answer().run ?? '');
  assert.is(slow.answer().look, 1);
  assert.is(run.plan.rounds, 12);
  assert.is(run.gate?.answer, 'fail');
  const summary = summarize(run);
  assert.is(summary.counts.missing, 0);
  assert.match(
    summary.stopping?.[0]?.why ?? '',
    /^stopped at look 1 of 2, after 6 of 12 rounds, by the gate/,
  );
  const arm = run.plan.arms.find(({ id }) => id === 'slow');
  assert.is(arm?.label, 'container, launcher slow/tare-launch');
  assert.is(arm?.parts?.launcher?.chosen, true);

  const copy = await gate(matrix, STARTUP_ONLY.replace('[6, 12]', '[6]'), 'ours', 'copy');
  assert.is.not(copy.answer().answer, 'fail', copy.answer().why);
  assert.equal(copy.answer().differs, [], 'the same bytes are no difference, whatever they are called');
});

test('an arm that cannot be made ready ends the job before its first trial, with the reason', async () => {
  const matrix = `
runtimes:
  ours: { runtime: container }
  other: { runtime: container, options: { launcher: no/such/file } }
workloads:
  mutex: { workload: sysbench-mutex }
`;
  const { exitCode, stderr } = await gate(matrix, STARTUP_ONLY, 'ours', 'other');
  assert.is(exitCode, 2, stderr);
  assert.match(stderr, /launcher: there is no file .*tare-builds-.*\/no\/such\/file/);
});

const WORK_ONLY = `
looks: [6]
metrics:
  cpu.events_per_second: { tolerance: 100% }
`;

test('two builds of QEMU: one that takes a second longer to start fails on start-up; both are named', async () => {
  // A tree of its own, as make install lays one out: bin/ beside lib/ (QEMU looks for its modules relative to itself).
  mkdirSync(join(folder, 'qemu/usr/bin'), { recursive: true });
  mkdirSync(join(folder, 'qemu/usr/lib/x86_64-linux-gnu'), { recursive: true });
  copyFileSync(QEMU, join(folder, 'qemu/usr/bin/real'));
  symlinkSync('/usr/lib/x86_64-linux-gnu/qemu', join(folder, 'qemu/usr/lib/x86_64-linux-gnu/qemu'));
  const slow = join(folder, 'qemu/usr/bin/qemu-system-x86_64');
  const real = join(folder, 'qemu/usr/bin/real');
  writeFileSync(slow, `#!/bin/sh\ncase "$*" in *-name*) sleep 2;; esac\nexec ${real} "$@"\n`);
  chmodSync(slow, 0o755);
  const ended = await gate(
    `
resources: { cpus: 1, memory: 256MiB }
runtimes:
  system: { runtime: qemu, options: { accel: tcg } }
  built: { runtime: qemu, options: { accel: tcg, emulator: qemu/usr/bin/qemu-system-x86_64 } }
workloads:
  mutex: { workload: sysbench-mutex, options: { locks: 1000, loops: 1000 } }
`,
    STARTUP_ONLY.replace('[6, 12]', '[6]'),
    'system',
    'built',
  );
  const answer = ended.answer();
  assert.is(answer.answer, 'fail', `${answer.why}\n${ended.stderr}`);
  assert.match(
    answer.differs?.join('\n') ?? '',
    /^emulator: QEMU \S+ .*\/usr\/bin\/qemu-system-x86_64 .* against QEMU /,
  );
  const { plan } = await readRun(answer.run ?? '');
  assert.match(plan.arms[1]?.label ?? '', /QEMU bin\/qemu-system-x86_64$/);
});

// From the machine's Debian mirror the first time; a machine without one cannot have another kernel.
const fetched = await anotherKernel(join(cacheDir, 'test-kernels')).catch((error: unknown) =>
  (error instanceof Error ? error.message : String(error)).slice(0, 200),
);
const twoKernels = 'two kernels, the other as a package unpacks: each guest runs its own';
if (typeof fetched === 'string') test.skipBecause(fetched, twoKernels, () => undefined);
else test(twoKernels, () => gateKernels(fetched));

async function gateKernels(other: { folder: string; release: string }): Promise<void> {
  symlinkSync(other.folder, join(folder, 'other-kernel'));
  const ended = await gate(
    `
resources: { cpus: 1, memory: 256MiB }
runtimes:
  image: { runtime: qemu, options: { accel: tcg } }
  other: { runtime: qemu, options: { accel: tcg, kernel: other-kernel/boot/vmlinuz-${other.release} } }
workloads:
  cpu: { workload: sysbench-cpu, options: { seconds: 1 } }
`,
    WORK_ONLY,
    'image',
    'other',
  );
  const answer = ended.answer();
  assert.is.not(answer.answer, 'fail', `${answer.why}\n${ended.stderr}`);
  assert.match(
    answer.differs?.join('\n') ?? '',
    new RegExp(`^kernel: .* against ${other.release.replaceAll('+', '\\+')} `),
  );
  const { trials, plan } = await readRun(answer.run ?? '');
  const kernels = (arm: string): Set<string | undefined> =>
    new Set(trials.filter((trial) => trial.arm === arm).map(({ inside }) => inside?.kernel));
  assert.equal([...kernels('other')], [other.release]);
  assert.equal([...kernels('image')], [plan.arms[0]?.parts?.kernel?.version]);
  assert.is(plan.arms[0]?.parts?.kernel?.chosen, false);
}

test('two images: a tarball and the run’s own, native; the same tools are the same', async () => {
  const { rootfs } = await ensureImage(cacheDir, () => undefined);
  // What an archive of somebody's own would be: no kernel, no /data, no mount points.
  const without = [
    './boot',
    './lib/modules',
    './usr/lib/modules',
    './data',
    './proc',
    './sys',
    './dev',
    './var/lib/apt',
  ];
  await execa('tar', [
    '-C',
    rootfs,
    ...without.map((path) => `--exclude=${path}`),
    '-cf',
    join(folder, 'own.tar'),
    '.',
  ]);
  const ended = await gate(
    `
runtimes:
  ours: { runtime: native }
  own: { runtime: native, options: { image: own.tar } }
workloads:
  cpu: { workload: sysbench-cpu, options: { seconds: 1 } }
`,
    WORK_ONLY,
    'ours',
    'own',
  );
  const answer = ended.answer();
  const { plan, trials } = await readRun(answer.run ?? '');
  const sha256 = plan.arms[1]?.parts?.image?.sha256 ?? '';
  rmSync(join(cacheDir, 'images', `tar-${sha256.slice(0, 24)}`), { recursive: true, force: true });
  assert.is.not(answer.answer, 'fail', `${answer.why}\n${ended.stderr}`);
  assert.match(
    answer.differs?.join() ?? '',
    /^image: bookworm the run's guest image .* against bookworm .*own\.tar/,
  );
  assert.ok(
    trials.every(({ outcome }) => outcome.status === 'completed'),
    'every trial completed on both trees',
  );
});

test.run();
