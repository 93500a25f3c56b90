import { execa } from 'execa';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { createCgroup } from '../../../../../runtimes/cgroup/cgroup.ts';
import { runOnce } from '../../../../../runtimes/container/run-once.ts';
import { defaultSpec } from '../../../../../runtimes/container/spec/default-spec.ts';
import type { ExecResult } from '../../../../../runtimes/contract.ts';
import { suite } from '../../../../suite.ts';
import { openRig, type Rig } from '../rig.ts';
import { boxesOf, mkdirp } from './box.ts';

/** What it may use, and who it is outside: each test fails when the guard it names is taken out. */
const test = suite('container security: limits and users');
let rig: Rig;
const { says } = boxesOf(() => rig);
test.before(async () => {
  rig = await openRig();
});
test.after(() => rig.close());

test('a fork bomb stops at the pids limit', async () => {
  const script = 'i=0; while [ $i -lt 60 ]; do sleep 5 & i=$((i+1)); done; echo never';
  const said = await says({ script, limits: { pids: 20 } });
  assert.match(said, /(Cannot fork|Resource temporarily unavailable)/);
});

test('a memory hog is killed alone and the cgroup says so', async () => {
  const cgroup = createCgroup(rig.owner, 'oom', { memoryMiB: 64 });
  try {
    const result = await runOnce({
      launcher: rig.launcher,
      spec: defaultSpec({
        rootfs: join(rig.scratchDir, 'oom-root'),
        argv: ['sh', '-c', `perl -e '$x = "a" x (200 << 20)'; echo "after: $?"`],
      }),
      overlay: {
        lower: [rig.image.rootfs],
        upper: mkdirp(join(rig.scratchDir, 'oom-upper')),
        work: mkdirp(join(rig.scratchDir, 'oom-work')),
      },
      cgroup,
    });
    assert.match(result.stdout, /after: 137/);
    assert.is(cgroup.oomKills(), 1);
  } finally {
    await cgroup.destroy();
  }
});

test('user remapping: root inside is nobody outside, and setgroups is denied for a single id', async () => {
  const folder = mkdirp(join(rig.scratchDir, 'userns'));
  for (const name of ['upper', 'work', 'root']) mkdirSync(join(folder, name));
  // The inside's root must get there, and the upper layer belongs to it.
  await execa('chmod', ['755', rig.scratchDir]);
  for (const name of ['', 'upper', 'work', 'root'])
    await execa('chown', ['100000:100000', join(folder, name)]);
  const remapped = (size: number): Promise<ExecResult> =>
    runOnce({
      launcher: rig.launcher,
      spec: defaultSpec({
        rootfs: join(folder, 'root'),
        argv: [
          'sh',
          '-c',
          'id -u; cat /proc/self/uid_map /proc/self/setgroups | tr -s " "; touch /made; ls /dev/null',
        ],
        mappings: {
          uid: [{ containerID: 0, hostID: 100000, size }],
          gid: [{ containerID: 0, hostID: 100000, size }],
        },
        ttyGroup: size > 5,
        cgroupMount: false,
      }),
      overlay: { lower: [rig.image.rootfs], upper: join(folder, 'upper'), work: join(folder, 'work') },
      cgroup: null,
    });
  const many = await remapped(65536);
  assert.is(many.stdout, '0\n 0 100000 65536\nallow\n/dev/null\n', many.stderr);
  assert.is((await execa('stat', ['-c', '%u', join(folder, 'upper/made')])).stdout, '100000');
  const one = await remapped(1);
  assert.match(one.stdout, /deny/);
});

test.run();
