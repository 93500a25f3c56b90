import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { containerRuntime } from '../../../../runtimes/container/container-runtime.ts';
import type { Instance } from '../../../../runtimes/contract.ts';
import { nativeRuntime } from '../../../../runtimes/native/native-runtime.ts';
import { suite } from '../../../suite.ts';
import { hostState, openRig, type Rig } from './rig.ts';

const test = suite('native and container boxes');
let rig: Rig;
test.before(async () => {
  rig = await openRig();
});
test.after(() => rig.close());

async function sh(box: Instance, script: string, options = {}): Promise<string> {
  const result = await box.exec(['sh', '-c', script], { timeoutMs: 20_000, ...options });
  return (result.stdout + result.stderr).trim();
}

for (const [name, start] of [
  ['native', () => rig.start(nativeRuntime, 'n1', {})],
  ['container', () => rig.start(containerRuntime, 'c1', {})],
] as const) {
  test(`${name}: runs the image's programs under the limits, and leaves the host as it was`, async () => {
    const before = hostState(rig.owner);
    const box = await start();
    try {
      assert.is(await sh(box, 'nproc'), '1');
      assert.is(await sh(box, 'cat', { stdin: 'in' }), 'in');
      assert.is(await sh(box, 'echo $X', { env: { X: 'y' } }), 'y');
      assert.is(await sh(box, 'pwd', { cwd: '/usr' }), '/usr');
      assert.is((await box.exec(['sh', '-c', 'exit 3'])).exitCode, 3);
      assert.is((await box.exec(['no-such'])).exitCode, 127);
      const late = await box.exec(['sleep', '30'], { timeoutMs: 150 });
      assert.ok(late.timedOut);
      await sh(box, `dd if=/dev/zero of=${box.dataDir}/f bs=1M count=4 oflag=direct 2>&1`);
      const cost = await box.usage();
      assert.ok(cost.cpuMs > 0);
      assert.ok((cost.ioWriteBytes ?? 0) >= 4 << 20, `only ${cost.ioWriteBytes} bytes written were seen`);
      assert.ok((cost.diskBytes ?? 0) >= 4 << 20);
      assert.is(await box.throttledMs(), 0);
    } finally {
      await box.destroy();
    }
    await box.destroy();
    assert.equal(hostState(rig.owner), before);
  });

  test(`${name}: a memory hog is killed alone and reported`, async () => {
    const box = await start();
    try {
      const hog = await box.exec(['perl', '-e', '$x = "a" x (700 << 20); print length $x'], {
        timeoutMs: 30_000,
      });
      assert.is(hog.signal, 'SIGKILL');
      assert.is(await sh(box, 'echo alive'), 'alive');
    } finally {
      await box.destroy();
    }
  });

  test(`${name}: files go in and come out as they were`, async () => {
    const box = await start();
    const folder = join(rig.scratchDir, 'files');
    mkdirSync(join(folder, 'sub'), { recursive: true });
    const bytes = Buffer.from(Array.from({ length: 4096 }, (_, index) => index % 256));
    writeFileSync(join(folder, 'sub', 'a.bin'), bytes);
    try {
      await box.copyIn(folder, '/data/in');
      assert.is(await sh(box, 'stat -c %s /data/in/sub/a.bin'), '4096');
      await box.copyOut('/data/in', join(rig.scratchDir, 'out'));
      assert.equal(readFileSync(join(rig.scratchDir, 'out', 'sub', 'a.bin')), bytes);
    } finally {
      await box.destroy();
      rmSync(join(rig.scratchDir, 'out'), { recursive: true, force: true });
    }
  });

  test(`${name}: iperf3 reaches a peer that runs the image's own program`, async () => {
    const box = await start();
    try {
      const peer = await box.network.peer.spawn(['iperf3', '-s', '-p', '5987', '-1', '--forceflush']);
      const client = ['iperf3', '-c', box.network.peer.address, '-p', '5987', '-n', '1M', '-J'];
      // It says so when it listens.
      for (let tries = 0; tries < 200 && !peer.output().includes('listening'); tries++) await sleep(20);
      const out = await box.exec(client, { timeoutMs: 10_000 });
      assert.is((JSON.parse(out.stdout) as { error?: string }).error, undefined);
      await peer.stop();
      await peer.stop();
      assert.throws(() => process.kill(peer.pid, 0));
    } finally {
      await box.destroy();
    }
  });

  test(`${name}: paused, nothing runs; resumed, it goes on`, async () => {
    const box = await start();
    try {
      const counting = box.exec(
        ['sh', '-c', 'for i in 1 2 3 4 5 6; do echo $i >> /data/n; sleep 0.1; done'],
        {
          timeoutMs: 20_000,
        },
      );
      await sh(box, 'until [ -s /data/n ]; do sleep 0.02; done');
      await box.pause?.();
      const before = (await box.usage()).cpuMs;
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.is((await box.usage()).cpuMs, before);
      await box.resume?.();
      assert.is((await counting).exitCode, 0);
    } finally {
      await box.destroy();
    }
  });
}

test('container: it is a box of its own, and the image below it stays untouched', async () => {
  const box = await rig.start(containerRuntime, 'c2', {});
  try {
    assert.is(await sh(box, 'hostname'), 'tare');
    assert.is(await sh(box, 'cat /proc/1/comm'), 'tare-init');
    assert.is(await sh(box, 'ls /sys/class/net | tr "\\n" " "'), 'eth0 lo');
    assert.is(await sh(box, 'touch /usr/made && ls /usr/made'), '/usr/made');
    assert.throws(() => readFileSync(join(rig.image.rootfs, 'usr/made')));
    assert.match(await sh(box, 'cat /proc/self/cgroup'), /:\/$/m);
    for (const space of ['mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup'])
      assert.is.not(
        await sh(box, `readlink /proc/self/ns/${space}`),
        // The host's, as this process sees it.
        (await import('node:fs')).readlinkSync(`/proc/self/ns/${space}`),
      );
  } finally {
    await box.destroy();
  }
});

test('container: two at once have their own networks and do not meet', async () => {
  const [a, b] = [await rig.start(containerRuntime, 'c3', {}), await rig.start(containerRuntime, 'c4', {})];
  try {
    assert.is.not(a.network.address, b.network.address);
    const peer = await a.network.peer.spawn(['iperf3', '-s', '-p', '5988']);
    const other = await b.exec(
      ['iperf3', '-c', a.network.peer.address, '-p', '5988', '-n', '1K', '--connect-timeout', '300'],
      {
        timeoutMs: 5_000,
      },
    );
    assert.is.not(other.exitCode, 0);
    await peer.stop();
  } finally {
    await a.destroy();
    await b.destroy();
  }
});

test.run();
