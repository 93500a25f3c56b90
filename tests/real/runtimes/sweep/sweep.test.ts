import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { once } from 'node:events';
import * as assert from 'uvu/assert';
import { packagePath } from '../../../../results/package-root.ts';
import {
  listOwners,
  processStartTime,
  registerOwner,
  releaseOwner,
} from '../../../../runtimes/sweep/owner.ts';
import { sweep } from '../../../../runtimes/sweep/sweep.ts';
import { suite } from '../../../suite.ts';
import { hostState } from '../container/rig.ts';

const test = suite('sweep');

/** Another harness: starts both boxes with a program in each, says their pids, and waits to be killed. */
const VICTIM = `
import { containerRuntime } from '${packagePath('runtimes/container/container-runtime.ts')}';
import { ensureLauncher } from '${packagePath('runtimes/launch/ensure-launcher.ts')}';
import { createPeerNetwork } from '${packagePath('runtimes/network/peer-network.ts')}';
import { nativeRuntime } from '${packagePath('runtimes/native/native-runtime.ts')}';
import { registerOwner } from '${packagePath('runtimes/sweep/owner.ts')}';
import { findImage } from '${packagePath('runtimes/image/ensure-image.ts')}';
import { machinePaths } from '${packagePath('harness/run/paths.ts')}';
const [owner, scratchDir] = process.argv.slice(2);
const { cacheDir } = machinePaths();
await registerOwner(owner, scratchDir);
const image = await findImage(cacheDir);
const context = { owner, cacheDir, scratchDir, signal: new AbortController().signal, log() {} };
for (const runtime of [nativeRuntime, containerRuntime]) {
  const box = await (await runtime.prepare(image, {}, context)).start(runtime.id, { cpus: 1, memoryMiB: 256, cpuset: [0], housekeeping: [] });
  await box.network.peer.spawn(['iperf3', '-s', '-p', '5986']);
  // Ignores all but SIGKILL and leaves its parent: only the cgroup knows it.
  await box.exec(['sh', '-c', '(trap "" TERM HUP; setsid sleep 600 </dev/null >/dev/null 2>&1 &) ; sleep 0.2'], { timeoutMs: 20000 });
}
await createPeerNetwork({ launcher: await ensureLauncher(cacheDir), owner, trial: 'vm', rootfs: image.rootfs, housekeeping: [], link: { kind: 'tap', queues: 1 } });
console.log('ready');
setInterval(() => {}, 1000);
`;

test('after kill -9 of the harness, sweep leaves the host as it was', async () => {
  const scratchDir = mkdtempSync('/var/tmp/tare-victim-');
  const owner = basename(scratchDir).toLowerCase();
  const named = join('/var/tmp', owner);
  mkdirSync(named, { recursive: true });
  const script = join(scratchDir, 'victim.mts');
  writeFileSync(script, VICTIM);
  const before = hostState(owner);
  const victim = spawn('npx', ['--no-install', 'tsx', script, owner, named], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: packagePath(),
    detached: true,
  });
  try {
    await once(victim.stdout, 'data');
    const during = hostState(owner);
    assert.ok((during.mounts?.length ?? 0) > (before.mounts?.length ?? 0));
    assert.ok((during.cgroups?.length ?? 0) > 0);
    assert.equal(await sweep(), [], 'a living owner must be left alone');
    const pid = listOwners().find((each) => each.owner === owner)?.pid;
    process.kill(pid ?? -1, 'SIGKILL');
    await once(victim, 'exit');
    while (processStartTime(pid ?? -1) !== undefined) await new Promise((resolve) => setTimeout(resolve, 10));
    const removed = await sweep();
    assert.ok(removed.some((line) => line.startsWith('cgroup tare/')));
    assert.ok(removed.some((line) => line.startsWith('mount ')));
    assert.ok(removed.some((line) => line.startsWith('network namespace ')));
    assert.equal(hostState(owner), before);
    assert.not(existsSync(named));
    assert.equal(await sweep(), []);
  } finally {
    endGroup(victim.pid);
    rmSync(scratchDir, { recursive: true, force: true });
  }
});

/** All of it, npx's children too: one that lived would hold our end of its output open. */
function endGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

test('a process that took over a dead owner’s number is not taken for it', async () => {
  const folder = mkdtempSync('/tmp/tare-owners-');
  await registerOwner('tare-t0', '/nonexistent/tare-t0', folder);
  const [owner] = listOwners(folder);
  writeFileSync(join(folder, 'tare-t0.json'), JSON.stringify({ ...owner, startTime: '1' }));
  const removed = await sweep(folder);
  assert.match(removed.join('\n'), /claim of tare-t0/);
  await releaseOwner('tare-t0', folder);
  rmSync(folder, { recursive: true });
});

test('a claim cannot make the sweep delete a folder that does not carry its name', async () => {
  const folder = mkdtempSync('/tmp/tare-owners-');
  const precious = mkdtempSync('/tmp/precious-');
  writeFileSync(
    join(folder, 'tare-t1.json'),
    JSON.stringify({ owner: 'tare-t1', pid: 1, startTime: '1', scratchDir: precious }),
  );
  await sweep(folder).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /is not removed/),
  );
  assert.ok(existsSync(precious));
  rmSync(folder, { recursive: true });
  rmSync(precious, { recursive: true });
});

test.run();
