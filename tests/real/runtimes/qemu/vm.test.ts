import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Instance } from '../../../../runtimes/contract.ts';
import { listCgroups } from '../../../../runtimes/cgroup/cgroup.ts';
import { allowedCpus, threadsOf } from '../../../../runtimes/qemu/machine/pinning.ts';
import type { QemuInstance } from '../../../../runtimes/qemu/qemu-instance.ts';
import { suite } from '../../../suite.ts';
import { openVmSetting, type VmSetting } from './fixture.ts';

/** One guest, booted cold, for all tests that do not break it. */
const test = suite('a virtual machine (emulated)');
let setting: VmSetting;
let vm: Instance;

test.before(async () => {
  setting = await openVmSetting('vm');
  const prepared = await setting.prepare({ format: 'qcow2', start: 'cold' });
  assert.is(prepared.emulated, true);
  assert.equal(prepared.caveats, ['emulated (TCG)']);
  vm = await prepared.start('r0-vm', setting.resources);
});

test.after(async () => {
  await vm?.destroy();
  await setting?.close();
});

test('runs a command, its output, exit code and streams apart', async () => {
  const result = await vm.exec(['sh', '-c', 'echo out; echo err >&2; exit 7']);
  assert.is(result.exitCode, 7);
  assert.is(result.stdout, 'out\n');
  assert.is(result.stderr, 'err\n');
  assert.is(result.signal, null);
  assert.ok(result.wallNs > 0);
});

test('gives stdin, environment and working directory', async () => {
  const result = await vm.exec(['sh', '-c', 'cat; echo "$WORD"; pwd'], {
    stdin: 'from stdin\n',
    env: { WORD: 'two words' },
    cwd: '/usr',
  });
  assert.is(result.stdout, 'from stdin\ntwo words\n/usr\n');
});

test('says when a program does not exist, and which signal ended one', async () => {
  const missing = await vm.exec(['no-such-program']);
  assert.is(missing.exitCode, 127);
  assert.match(missing.stderr, /no-such-program: ENOENT/);
  const killed = await vm.exec(['sh', '-c', 'kill -SEGV $$']);
  assert.is(killed.exitCode, null);
  assert.is(killed.signal, 'SIGSEGV');
});

test('loses nothing of an output larger than the agent captures', async () => {
  const result = await vm.exec(['sh', '-c', 'seq 1 300000; seq 1 20000 >&2']);
  assert.is(result.stdout.length, 1988895);
  assert.ok(result.stdout.endsWith('\n299999\n300000\n'));
  assert.ok(result.stderr.endsWith('\n19999\n20000\n'));
  const left = await vm.exec(['ls', '/var/lib/tare-exec']);
  assert.is(left.stdout.split('\n').filter((name) => name.endsWith('.out')).length, 1, 'only its own');
});

test('takes a large stdin', async () => {
  const bytes = Buffer.alloc(300_000, 'tare');
  const result = await vm.exec(['sha256sum'], { stdin: bytes });
  assert.is(result.stdout.slice(0, 64), createHash('sha256').update(bytes).digest('hex'));
});

test('ends a command at its limit, with everything it started', async () => {
  const result = await vm.exec(['sh', '-c', 'sleep 97 & sleep 98'], { timeoutMs: 700 });
  assert.is(result.timedOut, true);
  assert.is(result.signal, 'SIGKILL');
  const left = await vm.exec(['sh', '-c', 'ps -eo args 2>/dev/null || busybox ps']);
  assert.not.match(left.stdout, /sleep 9[78]/);
});

test('does not poll while a command runs', async () => {
  const written = (): number => {
    const io = readFileSync('/proc/self/io', 'utf8');
    return Number(/^syscw: (\d+)$/m.exec(io)?.[1]);
  };
  const running = vm.exec(['sleep', '3']);
  await new Promise((resolve) => setTimeout(resolve, 50));
  // Requests go in order: when this one is answered, the command was started, however busy the machine is.
  await (vm as QemuInstance).parts.link.agent.execute('guest-ping');
  await new Promise((resolve) => setTimeout(resolve, 200));
  // The process writes for other reasons too, now and then; one that polls writes in every window.
  const windows: number[] = [];
  for (let i = 0; i < 4; i++) {
    const before = written();
    await new Promise((resolve) => setTimeout(resolve, 400));
    windows.push(written() - before);
  }
  await running;
  assert.ok(
    windows.includes(0),
    `written in windows of 400 ms in the middle of the command: ${windows.join()}`,
  );
});

test('copies files and folders in and out', async () => {
  const folder = join(setting.context.scratchDir, 'copy');
  await mkdir(join(folder, 'tree/deep'), { recursive: true });
  const bytes = Buffer.from(Array.from({ length: 700_001 }, (_, index) => (index * 7) & 255));
  await writeFile(join(folder, 'bytes'), bytes, { mode: 0o750 });
  await writeFile(join(folder, 'tree/deep/leaf'), 'leaf');
  await vm.copyIn(join(folder, 'bytes'), '/data/new/bytes');
  await vm.copyIn(join(folder, 'tree'), '/data/tree');
  const inside = await vm.exec(['sh', '-c', 'stat -c %a /data/new/bytes; cat /data/tree/deep/leaf']);
  assert.is(inside.stdout, '750\nleaf');
  await vm.copyOut('/data/new/bytes', join(folder, 'back'));
  assert.ok(bytes.equals(await readFile(join(folder, 'back'))));
  await vm.copyOut('/data/tree', join(folder, 'tree-back'));
  assert.is(await readFile(join(folder, 'tree-back/deep/leaf'), 'utf8'), 'leaf');
  await rm(folder, { recursive: true });
});

test('is as large as asked, has its clock from the host, and says what runs it', async () => {
  const result = await vm.exec(['sh', '-c', 'nproc; grep MemTotal /proc/meminfo; date +%s']);
  const [nproc, memory, seconds] = result.stdout.split('\n');
  assert.is(nproc, '1');
  const mib = Number(/(\d+) kB/.exec(memory ?? '')?.[1]) / 1024;
  assert.ok(mib > 200 && mib < 256, `${mib} MiB inside for 256 MiB of RAM`);
  assert.ok(Math.abs(Number(seconds) - Date.now() / 1000) < 5);
  const facts = vm.facts();
  assert.match(String(facts.hypervisorSeenInside), /^TCG/);
  assert.is(facts.accelerator, 'tcg');
});

test('its data disk is an empty file system on the format asked for, and its growth is seen', async () => {
  const before = Number(vm.facts().diskBytesNow);
  const mounted = await vm.exec(['sh', '-c', 'grep " /data " /proc/mounts; ls -A /data | grep -v lost']);
  assert.match(mounted.stdout, /^\/dev\/vdb \/data ext4 /);
  const wrote = await vm.exec([
    'sh',
    '-c',
    'dd if=/dev/zero of=/data/f bs=1M count=8 conv=fsync 2>/dev/null',
  ]);
  assert.is(wrote.exitCode, 0);
  assert.ok(Number(vm.facts().diskBytesNow) - before >= 8 << 20, 'the qcow2 grew by what was written');
});

test('vCPU threads run on the measured CPU only, the others off it', () => {
  const { pid } = vm as QemuInstance;
  const places = threadsOf(pid).map((tid) => ({
    name: readFileSync(`/proc/${pid}/task/${tid}/comm`, 'utf8').trim(),
    cpus: allowedCpus(pid, tid),
  }));
  const vcpus = places.filter(({ name }) => /^CPU \d/.test(name));
  assert.is(vcpus.length, 1);
  assert.equal(vcpus[0]?.cpus, [1]);
  for (const { name, cpus } of places.filter((place) => !vcpus.includes(place)))
    assert.equal(cpus, [0], `${name} is on the housekeeping CPU`);
});

test('reaches its peer over the tap', async () => {
  const server = await vm.network.peer.spawn(['iperf3', '-s', '-1', '-B', vm.network.peer.address]);
  try {
    let result = await vm.exec(['iperf3', '-c', vm.network.peer.address, '-t', '1', '-J']);
    // The server's socket may open a moment after it was started.
    if (/Connection refused/.test(result.stdout))
      result = await vm.exec(['iperf3', '-c', vm.network.peer.address, '-t', '1', '-J']);
    const report = JSON.parse(result.stdout) as {
      end?: { sum_received?: { bytes: number } };
      error?: string;
    };
    assert.is(report.error, undefined);
    assert.ok((report.end?.sum_received?.bytes ?? 0) > 1e6);
    assert.is(vm.network.path, 'virtio-net + tap');
  } finally {
    await server.stop();
  }
});

test('pauses and resumes: no time is spent while paused', async () => {
  await vm.pause?.();
  const before = (await vm.usage()).cpuMs;
  await new Promise((resolve) => setTimeout(resolve, 400));
  const spent = (await vm.usage()).cpuMs - before;
  await vm.resume?.();
  assert.ok(spent < 100, `${spent} ms of CPU time while paused`);
  assert.is((await vm.exec(['true'])).exitCode, 0);
});

test('connections that are cut in the middle of a command stand again, and its end is heard', async () => {
  const { link, emulator } = (vm as QemuInstance).parts;
  const running = vm.exec(['sh', '-c', 'sleep 1; echo survived']);
  await new Promise((resolve) => setTimeout(resolve, 50));
  // Requests go in order: when this one is answered, the command was started.
  await link.agent.execute('guest-ping');
  link.agent.cut();
  link.port.cut();
  emulator.qmp.cut();
  assert.is((await running).stdout, 'survived\n');
  assert.equal((await emulator.qmp.execute('query-status')) as { running: boolean }, {
    running: true,
    singlestep: false,
    status: 'running',
  });
});

test('an end that was on its way when the connection was cut is told again', async () => {
  const { link } = (vm as QemuInstance).parts;
  for (let ms = 0; ms < 40; ms += 2) {
    const running = vm.exec(['echo', 'heard'], { timeoutMs: 8000 });
    await new Promise((resolve) => setTimeout(resolve, ms));
    link.port.cut();
    const { stdout, timedOut } = await running;
    assert.equal([stdout, timedOut], ['heard\n', false], `cut after ${ms} ms`);
  }
});

test('an idle guest says what memory it has in use', () => {
  const { guestMemoryTotalMiB, guestMemoryUsedMiB } = vm.facts();
  assert.ok(Number(guestMemoryTotalMiB) > 150 && Number(guestMemoryTotalMiB) < 256);
  assert.ok(Number(guestMemoryUsedMiB) > 5 && Number(guestMemoryUsedMiB) < Number(guestMemoryTotalMiB));
});

test('its costs are seen from the host', async () => {
  const cost = await vm.usage();
  assert.ok(cost.cpuMs > 100);
  assert.ok((cost.memoryPssBytes ?? 0) > 50 << 20);
  assert.ok((cost.diskBytes ?? 0) > 0);
});

test('destroy leaves nothing behind, and may be called twice', async () => {
  const { pid } = vm as QemuInstance;
  await vm.destroy();
  await vm.destroy();
  assert.not(existsSync(`/proc/${pid}`));
  const left = (await readdir(setting.context.scratchDir)).filter((name) => !name.startsWith('blank-'));
  assert.equal(left, []);
  assert.equal(
    listCgroups().filter(({ owner }) => owner === setting.context.owner),
    [],
  );
  const names = await readdir('/run/netns').catch(() => []);
  assert.not(names.some((name) => name.startsWith(setting.context.owner)));
});

test.run();
