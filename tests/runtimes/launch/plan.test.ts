import { execa } from 'execa';
import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { packagePath } from '../../../results/package-root.ts';
import { describeOp } from '../../../runtimes/launch/describe.ts';
import { encodePlan } from '../../../runtimes/launch/encode.ts';
import { ensureLauncher } from '../../../runtimes/launch/ensure-launcher.ts';
import { runPlan, startPlan } from '../../../runtimes/launch/launch.ts';
import { OPS, type FieldKind, type LaunchPlan, type Op } from '../../../runtimes/launch/ops.ts';
import { StatusReader } from '../../../runtimes/launch/status.ts';
import { processStartTime } from '../../../runtimes/sweep/owner.ts';
import { suite } from '../../suite.ts';

const test = suite('launch plans');
const folder = mkdtempSync(join(tmpdir(), 'tare-launch-test-'));
const PATH = ['PATH=/usr/bin:/bin'];
let launcher = '';

test.before(async () => {
  launcher = await ensureLauncher(folder);
});
test.after(() => rmSync(folder, { recursive: true }));

const values: Record<FieldKind, fc.Arbitrary<unknown>> = {
  i: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  s: fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replaceAll('\0', '')),
  b: fc.uint8Array({ maxLength: 64 }),
  v: fc.array(
    fc.string({ maxLength: 20 }).map((text) => text.replaceAll('\0', '')),
    { maxLength: 6 },
  ),
};
const anyOp = fc
  .constantFrom(...Object.keys(OPS))
  .chain((name) =>
    fc
      .record(
        Object.fromEntries(
          Object.entries(OPS[name as keyof typeof OPS].fields as Record<string, FieldKind>).map(
            ([field, kind]) => [field, values[kind]],
          ),
        ),
      )
      .map((fields) => ({ op: name, ...fields }) as unknown as Op),
  );

async function check(bytes: Uint8Array): Promise<string> {
  const result = await execa(launcher, ['--check'], { input: bytes, reject: false });
  return result.stdout;
}

test('the table of operations is the same on both sides', async () => {
  const { stdout } = await execa(launcher, ['--operations']);
  const ours = Object.entries(OPS)
    .map(([name, { code, fields }]) => ({ code, line: `${code} ${name} ${Object.values(fields).join('')}` }))
    .sort((a, b) => a.code - b.code)
    .map(({ line }) => line.trimEnd());
  assert.equal(
    stdout.split('\n').map((line) => line.trimEnd()),
    ours,
  );
});

test('whatever we encode, the launcher reads', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyOp, { maxLength: 40 }), async (plan) => {
      assert.is(await check(encodePlan(plan)), `ok: ${plan.length} operations`);
    }),
    { numRuns: 25 },
  );
});

test('a plan cut short anywhere is refused', async () => {
  const bytes = encodePlan([
    { op: 'exec', argv: ['a', 'bc'], env: [], search: 1 },
    { op: 'chdir', path: '/x' },
  ]);
  for (const length of [0, 7, 15, 16, 20, 30, bytes.length - 1])
    assert.match(await check(bytes.subarray(0, length)), /^refused: /);
});

test('a string with a NUL inside is refused before it is written', () => {
  assert.throws(() => encodePlan([{ op: 'chdir', path: '/a\0b' }]), /NUL/);
});

test('mutated plans never make the reader misbehave (sanitised build)', async () => {
  const fuzzer = join(folder, 'fuzz-plan');
  const sources = [
    packagePath('tests', 'runtimes', 'launch', 'fuzz-plan.c'),
    packagePath('runtimes', 'launch', 'c', 'plan.c'),
  ];
  const flags = [
    '-std=c11',
    '-D_GNU_SOURCE',
    '-g',
    '-O1',
    '-fsanitize=address,undefined',
    '-fno-sanitize-recover=all',
  ];
  await execa('cc', [...flags, '-o', fuzzer, ...sources]);
  const seed: LaunchPlan = [
    { op: 'mount', source: 'a', target: '/b', type: 'c', flags: 5, data: 'size=1', follow: 0 },
    { op: 'seccomp', program: new Uint8Array(24), flags: 0 },
    { op: 'exec', argv: ['/bin/sh', '-c', 'true'], env: ['A=b', 'C=d'], search: 1 },
    { op: 'run', file: '/x', argv: ['x'], env: [], stdin: '{}', timeoutS: 3 },
  ];
  writeFileSync(join(folder, 'seed'), encodePlan(seed));
  const { stdout } = await execa(fuzzer, [join(folder, 'seed'), '100000', '20240229'], { timeout: 60_000 });
  const [iterations, accepted] = stdout.split(' ').map(Number);
  assert.is(iterations, 100_000);
  // Some must get past the door, or only the door was tested.
  assert.ok((accepted ?? 0) > 1000, `only ${accepted} accepted`);
});

test('a failure names the operation and the errno', async () => {
  await runPlan({ launcher, plan: [{ op: 'chdir', path: '/no/such/place' }] }).then(
    () => assert.unreachable(),
    (error: Error) =>
      assert.is(error.message, 'entering the working directory /no/such/place: No such file or directory'),
  );
});

test('exit codes and signals are passed on through a clone', async () => {
  const clone: Op = { op: 'clone', flags: 0, parentOps: 0, cgroupSlot: -1 };
  const sh = (script: string): Op => ({ op: 'exec', argv: ['sh', '-c', script], env: PATH, search: 1 });
  const exit = await runPlan({ launcher, plan: [clone, sh('echo out; echo err >&2; exit 7')] });
  assert.equal([exit.exitCode, exit.signal, exit.stdout, exit.stderr], [7, null, 'out\n', 'err\n']);
  const killed = await runPlan({ launcher, plan: [clone, sh('kill -TERM $$')] });
  assert.equal([killed.exitCode, killed.signal], [null, 'SIGTERM']);
});

test('a program that is not there is exit code 127, one that may not be executed 126', async () => {
  const run = (argv: string[]): LaunchPlan => [{ op: 'exec', argv, env: PATH, search: 1 }];
  const missing = await runPlan({ launcher, plan: run(['no-such-program']) });
  assert.equal(
    [missing.exitCode, missing.stderr],
    [127, 'executing no-such-program: No such file or directory\n'],
  );
  const folderAsProgram = await runPlan({ launcher, plan: run(['/tmp']) });
  assert.is(folderAsProgram.exitCode, 126);
});

test('a time-out kills the whole session and says so', async () => {
  const plan: LaunchPlan = [
    { op: 'clone', flags: 0, parentOps: 0, cgroupSlot: -1 },
    { op: 'death-signal', signal: 9, parent: 0 },
    { op: 'session' },
    { op: 'exec', argv: ['sh', '-c', 'sleep 61 & echo $!; sleep 62'], env: PATH, search: 1 },
  ];
  const launched = await startPlan({ launcher, plan, timeoutMs: 200 });
  const exit = await launched.exited;
  assert.ok(exit.timedOut);
  assert.is(exit.signal, 'SIGKILL');
  // A zombie that its new parent has not reaped yet has ended.
  assert.is(processStartTime(Number(exit.stdout)), undefined);
});

test('no descriptor but the three standard ones reaches the program', async () => {
  const plan: LaunchPlan = [
    { op: 'open', slot: 1, path: '/', flags: 0, mode: 0 },
    { op: 'dup', slot: 1, fd: 17 },
    { op: 'close-fds', from: 3, keepSlot: -1 },
    { op: 'exec', argv: ['ls', '/proc/self/fd'], env: PATH, search: 1 },
  ];
  const { stdout } = await runPlan({ launcher, plan });
  // The fourth is ls's own, of the folder it lists.
  assert.equal(stdout.trim().split('\n'), ['0', '1', '2', '3']);
});

test('a process joins by `tasks`, which waits for nothing, and by cgroup.procs where there is none', async () => {
  const joined = async (...files: string[]): Promise<string[]> => {
    const cgroup = mkdtempSync(join(folder, 'cgroup-'));
    for (const file of files) writeFileSync(join(cgroup, file), '');
    await runPlan({ launcher, plan: [{ op: 'join-cgroup', directory: cgroup }] });
    return files.map((file) => readFileSync(join(cgroup, file), 'utf8'));
  };
  assert.equal(await joined('tasks', 'cgroup.procs'), ['0', '']);
  assert.equal(await joined('cgroup.procs'), ['0']);
});

test('status lines are read whole whatever way they arrive', () => {
  const lines = 'pid 42\nnote 3 1 Operation not permitted\nreport created now\nexit -1 9\nio 2 4\n';
  fc.assert(
    fc.property(fc.array(fc.nat(lines.length), { maxLength: 8 }), (cuts) => {
      const reader = new StatusReader();
      const points = [0, ...cuts.sort((a, b) => a - b), lines.length];
      for (let k = 1; k < points.length; k++) reader.push(lines.slice(points[k - 1], points[k]));
      assert.is(reader.status.childPid, 42);
      assert.equal(reader.status.exit, { code: null, signal: 9 });
      assert.equal(reader.status.io, { readBytes: 1024, writeBytes: 2048 });
      assert.is(reader.status.notes[0]?.words, 'Operation not permitted');
      assert.is(reader.status.reports[0]?.words, 'created now');
    }),
  );
});

test('every operation has words', () => {
  fc.assert(
    fc.property(anyOp, (op) => {
      assert.ok(describeOp(op).length > 2);
    }),
  );
});

test.run();
