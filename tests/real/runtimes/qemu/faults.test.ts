import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { BenchError } from '../../../../results/bench-error.ts';
import type { ExecOptions } from '../../../../runtimes/contract.ts';
import { diesWithUs } from '../../../../runtimes/launch/launch.ts';
import { ensureLauncher } from '../../../../runtimes/launch/ensure-launcher.ts';
import { kvmVerdict } from '../../../../runtimes/qemu/kvm-verdict.ts';
import { Emulator } from '../../../../runtimes/qemu/machine/emulator.ts';
import { createPeerNetwork } from '../../../../runtimes/network/peer-network.ts';
import type { QemuInstance } from '../../../../runtimes/qemu/qemu-instance.ts';
import { suite } from '../../../suite.ts';
import { openVmSetting, type VmSetting } from './fixture.ts';

/** What breaks, broken for real on a real QEMU: each is a failure by name, and leaves nothing running. */
const test = suite('faults of virtual machines (emulated)');
let setting: VmSetting;

test.before(async () => {
  setting = await openVmSetting('flt');
});

test.after(async () => {
  await setting?.close();
});

async function failureOf(work: Promise<unknown>): Promise<BenchError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.instance(error, BenchError, 'it failed with a BenchError');
  return error as BenchError;
}

/** Starts a guest, lets it fail, and sees that its QEMU, folder and cgroup are gone. */
async function failing(
  code: string,
  fail: (vm: QemuInstance) => Promise<unknown>,
  options: Record<string, unknown> = {},
): Promise<BenchError> {
  const vm = (await (await setting.prepare(options)).start('r0-fault', setting.resources)) as QemuInstance;
  try {
    const begun = Date.now();
    const error = await failureOf(fail(vm));
    assert.is(error.code, code, error.message);
    assert.ok(Date.now() - begun < 20_000, 'within its deadline');
    return error;
  } finally {
    await vm.destroy();
    assert.not(existsSync(`/proc/${vm.pid}/root`), 'QEMU is gone');
    const left = await readdir(setting.context.scratchDir);
    assert.not(
      left.some((name) => /^v\d/.test(name)),
      left.join(),
    );
  }
}

const sh = (vm: QemuInstance, script: string, options: ExecOptions = {}): Promise<unknown> =>
  vm.exec(['sh', '-c', script], options);

test('a kernel panic in the middle of a command, with the console’s last words', async () => {
  const error = await failing('vm-kernel-panic', (vm) =>
    sh(vm, 'echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger; sleep 30'),
  );
  assert.match(error.message, /sysrq triggered crash/);
  assert.match(error.message, /last words:[^]*sysrq/, error.message);
});

test('an agent that hangs', async () => {
  const error = await failing('vm-agent-timeout', async (vm) => {
    await sh(vm, 'kill -STOP $(busybox pidof qemu-ga) & sleep 0.2', { timeoutMs: 4000 }).catch(
      () => undefined,
    );
    await vm.exec(['true'], { timeoutMs: 1500 });
  });
  assert.match(error.message, /did not answer/);
});

test('an agent that dies in the middle of a command', async () => {
  await failing('vm-agent-died', (vm) => sh(vm, '(sleep 0.3; kill -9 $(busybox pidof qemu-ga)) & sleep 30'));
});

test('QEMU killed in the middle of a command', async () => {
  const error = await failing('vm-killed', async (vm) => {
    const running = vm.exec(['sleep', '30']);
    setTimeout(() => process.kill(vm.pid, 'SIGKILL'), 300);
    await running;
  });
  assert.match(error.message, /SIGKILL/);
});

test('a disk image that is damaged', async () => {
  const { scratchDir } = setting.context;
  // A size that nobody else uses, so that the disk made ahead for the first trial is known by its name.
  const before = await readdir(scratchDir);
  const prepared = await setting.prepare({ format: 'qcow2', diskMiB: 781 });
  const spare = (await readdir(scratchDir)).find(
    (name) => name.startsWith('blank-data-') && !before.includes(name),
  );
  assert.ok(spare, 'the first trial’s disk was made ahead');
  const file = await open(join(scratchDir, spare ?? ''), 'r+');
  const header = Buffer.alloc(72);
  await file.read(header, 0, header.length, 0);
  // The first L2 table is said to begin in the middle of a cluster.
  const entry = Buffer.alloc(8);
  entry.writeBigUInt64BE(0x8000000000000200n);
  await file.write(entry, 0, 8, Number(header.readBigUInt64BE(40)));
  await file.close();
  const error = await failureOf(prepared.start('r0-corrupt', setting.resources));
  assert.is(error.code, 'vm-disk-corrupt', error.message);
  const left = await readdir(scratchDir);
  assert.not(left.some((name) => /^v\d/.test(name)));
  const next = await prepared.start('r1-corrupt', setting.resources);
  assert.is((await next.exec(['true'])).exitCode, 0, 'the next trial has a disk of its own');
  await next.destroy();
});

test('the host’s disk runs full under the guest', async () => {
  const { scratchDir } = setting.context;
  const small = join(scratchDir, 'small');
  await mkdir(small);
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tare-small', small]);
  setting.context.scratchDir = small;
  try {
    await failing('vm-disk-full', (vm) => sh(vm, 'dd if=/dev/zero of=/data/f bs=1M count=64 oflag=direct'), {
      cache: 'writeback',
    });
  } finally {
    setting.context.scratchDir = scratchDir;
    await execa('umount', [small]);
    await rm(small, { recursive: true });
  }
});

test('more memory than the host has', async () => {
  const prepared = await setting.prepare({ start: 'cold' });
  const error = await failureOf(
    prepared.start('r0-huge', { ...setting.resources, memoryMiB: 64 * 1024 * 1024 }),
  );
  assert.is(error.code, 'vm-no-memory', error.message);
});

test('a tap that somebody else holds', async () => {
  const launcher = await ensureLauncher(setting.context.cacheDir);
  const network = await createPeerNetwork({
    launcher,
    owner: setting.context.owner,
    trial: 'taken',
    rootfs: setting.image.rootfs,
    housekeeping: [0],
    link: { kind: 'tap', queues: 1 },
  });
  const qemu = (): Promise<Emulator> =>
    Emulator.start({
      launcher,
      argv: [
        ...['qemu-system-x86_64', '-machine', 'none', '-nodefaults', '-display', 'none'],
        ...['-netdev', `tap,id=n,ifname=${network.tapName ?? ''},script=no,downscript=no`],
      ],
      namespacePath: network.namespacePath,
      launchOps: [diesWithUs()],
      consolePath: '/nonexistent',
    });
  const holder = await qemu();
  try {
    await new Promise((resolve) => setTimeout(resolve, 700));
    assert.ok(holder.running, holder.words);
    const late = await qemu();
    const error = await failureOf(late.during('while it started', new Promise(() => undefined)));
    assert.is(error.code, 'vm-network-taken', error.message);
  } finally {
    await holder.destroy();
    await network.destroy();
  }
});

test('KVM asked for by name where it does not work: an error with the reason, never a silent fallback', async () => {
  const verdict = await kvmVerdict(setting.image, setting.context.cacheDir);
  assert.ok(verdict.reason.length > 10);
  if (verdict.usable) return;
  const error = await failureOf(setting.prepare({ accel: 'kvm' }));
  assert.is(error.code, 'kvm-unusable');
  assert.ok(error.message.includes(verdict.reason));
  const auto = await setting.prepare({ accel: 'auto' });
  assert.is(auto.emulated, true);
  assert.ok(auto.accelerator?.reason.includes(verdict.reason));
  assert.ok(auto.caveats.includes('emulated (TCG)'));
});

test.run();
