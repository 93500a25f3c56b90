import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  readCheckpointRecord,
  streamsOf,
  writeCheckpointRecord,
} from '../../../../runtimes/container/oci/checkpoint/checkpoint-record.ts';
import {
  criuErrors,
  dumpWords,
  restoreWords,
} from '../../../../runtimes/container/oci/checkpoint/criu-words.ts';
import { externalMounts } from '../../../../runtimes/container/oci/checkpoint/external-mounts.ts';
import { findCriu } from '../../../../runtimes/container/oci/checkpoint/run-criu.ts';
import { suite } from '../../../suite.ts';
import { refusal } from '../../../workloads/refusal.ts';

const test = suite('what criu is told');

/** Of a container with a volume, a masked file, a read-only path and its cgroup (shortened). */
const MOUNTINFO = `
500 400 0:50 / / ro,relatime - overlay overlay rw,lowerdir=/l
501 500 0:51 / /proc rw - proc proc rw
502 500 0:52 / /dev rw - tmpfs tmpfs rw
503 502 0:53 / /dev/pts rw - devpts devpts rw
504 500 0:54 / /sys ro - sysfs sysfs ro
505 504 0:27 /tare-oci/web /sys/fs/cgroup ro - cgroup2 cgroup rw
506 500 254:0 /srv/my\\040data /data rw - ext4 /dev/vda rw
507 501 0:51 /sys /proc/sys ro - proc proc rw
508 501 0:6 /null /proc/kcore rw - devtmpfs udev rw
509 504 0:55 / /sys/firmware ro - tmpfs tmpfs ro
510 500 0:24 /shared/x /run/x rw - tmpfs tmpfs rw
`.trim();

test('what leads out of a container is external; what is its own, and parts of it, is not', () => {
  assert.equal(externalMounts(MOUNTINFO), ['/sys/fs/cgroup', '/data', '/proc/kcore', '/run/x']);
});

test('mount points are told with their blanks', () => {
  assert.equal(externalMounts('1 2 254:0 / /a\\040b rw - ext4 /dev/vda rw'), ['/a b']);
});

const choices = { imagePath: '/images', workPath: '/work', tcpEstablished: true };

test('both ends are told the same of mounts and streams, and to leave cgroups to us', () => {
  const streams = [
    { fd: 1, key: 'pipe:[77]' },
    { fd: 2, key: 'file[1f:2a]' },
  ];
  const dump = dumpWords({ ...choices, leaveRunning: true }, { pid: 42, externals: ['/data'], streams });
  assert.equal(dump.slice(0, 3), ['dump', '--images-dir', '/images']);
  for (const words of [
    '--tree 42',
    '--external mnt[/data]:/data',
    '--external file[1f:2a]',
    '--leave-running',
  ])
    assert.match(dump.join(' '), words);
  assert.not.match(dump.join(' '), 'pipe:');
  const restore = restoreWords(choices, {
    root: '/work/root',
    pidFile: '/work/pid',
    externals: [{ at: '/data', source: '/srv/data' }],
    streams,
  });
  for (const words of [
    '--root /work/root',
    '--external mnt[/data]:/srv/data',
    '--inherit-fd fd[1]:pipe:[77]',
    '--inherit-fd fd[2]:file[1f:2a]',
    '--tcp-established',
    '--manage-cgroups=ignore',
  ])
    assert.match(restore.join(' '), words);
  assert.not.match(restore.join(' '), '--file-locks');
});

test('of a log only the errors are told', () => {
  const log =
    '(00.1) Dumping\n(00.2) Error (criu/net.c:1): Locking failed\nError (criu/util.c:6): no ip\n(00.3) Unlock';
  assert.equal(criuErrors(log), ['Error (criu/net.c:1): Locking failed', 'Error (criu/util.c:6): no ip']);
});

test('without criu the error says how to get it', () => {
  const error = refusal(() => findCriu('/nowhere/criu'));
  assert.is(error.code, 'criu-missing');
  assert.match(error.hint ?? '', 'apt-get install');
  assert.is(refusal(() => findCriu('no-such-criu', '/nowhere')).code, 'criu-missing');
  assert.is(findCriu('sh', '/nowhere:/bin'), '/bin/sh');
});

test('what is kept beside the images is read back, and nothing else is taken for it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tare-checkpoint-'));
  try {
    const record = { schema: 'tare.oci-checkpoint/1', externals: ['/data'], streams: [] } as const;
    writeCheckpointRecord(folder, { ...record, externals: ['/data'], streams: [] });
    assert.equal(readCheckpointRecord(folder), record);
    writeFileSync(join(folder, 'tare-checkpoint.json'), '{"schema":"other"}');
    assert.is(refusal(() => readCheckpointRecord(folder)).code, 'checkpoint-unreadable');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('only streams that a process can find again by name are left to it', () => {
  for (const { fd, key } of streamsOf(process.pid)) {
    assert.ok(fd >= 0 && fd <= 2);
    assert.match(key, /^(pipe:\[\d+\]|socket:\[\d+\]|file\[[0-9a-f]+:[0-9a-f]+\])$/);
  }
});

test.run();
