import { execa } from 'execa';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { runOnce } from '../../../../runtimes/container/run-once.ts';
import { defaultSpec } from '../../../../runtimes/container/spec/default-spec.ts';
import type { OciSpec } from '../../../../runtimes/container/spec/oci-spec.ts';
import type { ExecResult } from '../../../../runtimes/contract.ts';
import { runPlan, startPlan } from '../../../../runtimes/launch/launch.ts';
import type { LaunchPlan } from '../../../../runtimes/launch/ops.ts';
import { processStartTime } from '../../../../runtimes/sweep/owner.ts';
import { suite } from '../../../suite.ts';
import { openRig, type Rig } from './rig.ts';

const test = suite('time namespaces and mapped mounts');
const DAY_S = 86_400;
const IDS = [{ containerID: 0, hostID: 100000, size: 65536 }];
let rig: Rig;
let count = 0;
test.before(async () => {
  rig = await openRig();
});
test.after(() => rig.close());

/** One container; its upper layer belongs to the inside's root where that is not ours. */
async function box(script: string, change: (spec: OciSpec) => void, mapped = false): Promise<ExecResult> {
  const folder = join(rig.scratchDir, `it-${count++}`);
  const parts = ['upper', 'work', 'root'];
  for (const name of parts) mkdirSync(join(folder, name), { recursive: true });
  if (mapped) {
    await execa('chmod', ['755', rig.scratchDir]);
    await execa('chown', ['100000:100000', folder, ...parts.map((name) => join(folder, name))]);
  }
  const spec = defaultSpec({
    rootfs: join(folder, 'root'),
    argv: ['sh', '-c', script],
    cgroupMount: false,
    ...(mapped ? { mappings: { uid: IDS, gid: IDS } } : {}),
  });
  change(spec);
  return runOnce({
    launcher: rig.launcher,
    spec,
    overlay: { lower: [rig.image.rootfs], upper: join(folder, 'upper'), work: join(folder, 'work') },
    cgroup: null,
    timeoutMs: 30_000,
  });
}

const uptime = (text: string): number => Number(text.split(' ')[0]);

test('a container can have clocks of its own, and the host keeps its', async () => {
  const read = 'cat /proc/uptime; readlink /proc/self/ns/time';
  const plain = await box(read, () => undefined);
  const shifted = await box(read, ({ linux }) => {
    linux!.namespaces!.push({ type: 'time' });
    linux!.timeOffsets = { boottime: { secs: DAY_S }, monotonic: { secs: 2 * DAY_S, nanosecs: 500 } };
  });
  assert.ok(shifted.exitCode === 0, shifted.stderr);
  assert.ok(Math.abs(uptime(shifted.stdout) - uptime(plain.stdout) - DAY_S) < 600, shifted.stdout);
  assert.is.not(shifted.stdout.split('\n')[1], plain.stdout.split('\n')[1]);
  assert.ok(Math.abs(uptime(readFileSync('/proc/uptime', 'utf8')) - uptime(plain.stdout)) < 600);
});

test('a process that joins another has its clocks', async () => {
  const sleeper: LaunchPlan = [
    { op: 'unshare', flags: 0x80 },
    { op: 'write-file', path: '/proc/self/timens_offsets', text: `boottime ${DAY_S} 0\n` },
    { op: 'clone', flags: 0, parentOps: 0, cgroupSlot: -1 },
    { op: 'exec', argv: ['sleep', '60'], env: ['PATH=/usr/bin:/bin'], search: 1 },
  ];
  const running = await startPlan({ launcher: rig.launcher, plan: sleeper });
  try {
    const startTime = BigInt(processStartTime(running.pid) ?? '0');
    const joined = await runPlan({
      launcher: rig.launcher,
      plan: [
        { op: 'setns-pid', pid: running.pid, startTime, flags: 0x80 },
        { op: 'clone', flags: 0, parentOps: 0, cgroupSlot: -1 },
        { op: 'exec', argv: ['cat', '/proc/uptime'], env: ['PATH=/usr/bin:/bin'], search: 1 },
      ],
    });
    const here = uptime(readFileSync('/proc/uptime', 'utf8'));
    assert.ok(Math.abs(uptime(joined.stdout) - here - DAY_S) < 600, joined.stdout + joined.stderr);
  } finally {
    await running.stop();
  }
});

test("layers belong to the inside's users without a change on the disk", async () => {
  const before = (await execa('stat', ['-c', '%u:%g', join(rig.image.rootfs, 'etc/shadow')])).stdout;
  const script =
    'stat -c %u:%g /etc/shadow /etc/passwd; echo new >> /etc/passwd; touch /etc/shadow && echo writable; cat /proc/self/uid_map';
  const result = await box(script, () => undefined, true);
  const [shadow, passwd, writable, map] = result.stdout.split('\n');
  assert.equal([shadow, passwd, writable], [before, '0:0', 'writable'], result.stdout + result.stderr);
  assert.match(map ?? '', /0 +100000 +65536/);
  assert.is((await execa('stat', ['-c', '%u:%g', join(rig.image.rootfs, 'etc/shadow')])).stdout, before);
  assert.not.match(readFileSync(join(rig.image.rootfs, 'etc/passwd'), 'utf8'), /^new$/m);
});

test('a mapped bind, with the mappings of the container or its own; without them its files are nobody', async () => {
  const source = join(rig.scratchDir, 'mapped');
  mkdirSync(source);
  writeFileSync(join(source, 'file'), 'x');
  const mounts =
    (options: string[], own = {}) =>
    (spec: OciSpec): void =>
      void spec.mounts!.push({ destination: '/v', type: 'bind', source, options, ...own });
  const owner = 'stat -c %u /v/file; : > /v/made && stat -c %u /v/made';
  const plain = await box('stat -c %u /v/file', mounts(['bind']), true);
  assert.is(plain.stdout, '65534\n', plain.stderr);
  assert.is((await box(owner, mounts(['bind', 'idmap']), true)).stdout, '0\n0\n');
  assert.is(
    (await execa('stat', ['-c', '%u', join(source, 'made')])).stdout,
    '0',
    'on the disk it is root’s',
  );
  const own = [{ containerID: 0, hostID: 100042, size: 1 }];
  const other = await box(
    'stat -c %u /v/file',
    mounts(['bind'], { uidMappings: own, gidMappings: own }),
    true,
  );
  assert.is(other.stdout, '42\n', other.stderr);
});

test.run();
