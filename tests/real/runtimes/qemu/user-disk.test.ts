import { execa } from 'execa';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Instance, Prepared } from '../../../../runtimes/contract.ts';
import { sha256OfFile } from '../../../../runtimes/parts/identity.ts';
import { suite } from '../../../suite.ts';
import { ensureCloudImage } from './cloud-image/cloud-image.ts';
import { openVmSetting, type VmSetting } from './fixture.ts';

/** A disk image that a user brings: booted by its own firmware, kernel and init, and let in by cloud-init's seed. */
const test = suite('a VM of a disk image');

const state = {} as { setting: VmSetting; disk: string; before: string; prepared: Prepared; vm: Instance };

test.before(async () => {
  state.setting = await openVmSetting('disk');
  state.disk = await ensureCloudImage(state.setting.context.cacheDir);
  state.before = await sha256OfFile(state.disk);
  // Booted once, saved, and continued by each trial.
  state.prepared = await state.setting.prepare({ image: state.disk, start: 'saved' });
  state.vm = await state.prepared.start('disk-1', state.setting.resources);
});

test.after(async () => {
  await state.vm?.destroy();
  await state.setting.close();
});

const out = async (argv: string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await state.vm.exec(argv);
  assert.is(exitCode, 0, `${argv.join(' ')}: ${stderr}`);
  return stdout.trim();
};

test('its own kernel, boot loader and init started it; the record says which disk and firmware', async () => {
  assert.match(await out(['cat', '/proc/cmdline']), /BOOT_IMAGE=\/boot\/vmlinuz/);
  assert.is(await out(['cat', '/proc/1/comm']), 'systemd');
  assert.match(await out(['cat', '/proc/1/root/etc/motd']), /an image of its own/);
  const facts = state.vm.facts();
  assert.is(facts.firmware, 'bios');
  assert.is(facts.hypervisorSeenInside, 'TCGTCGTCGTCG');
  assert.is(state.prepared.parts?.image?.sha256, state.before);
});

test('cloud-init read the seed, and the system had come up whole when it was saved', async () => {
  const status = JSON.parse(await out(['cat', '/proc/1/root/run/cloud-init/status.json'])) as {
    v1: { datasource: string; stage: string | null };
  };
  assert.match(status.v1.datasource, /NoCloud/);
  assert.is(status.v1.stage, null);
  assert.is(await out(['cat', '/proc/sys/kernel/hostname']), 'tare');
});

test('trials measure with the tools of every other arm, on the data disk under test', async () => {
  const inside = await out(['sha256sum', '/usr/bin/sysbench']);
  const ours = await sha256OfFile(join(state.setting.image.rootfs, 'usr/bin/sysbench'));
  assert.is(inside.split(' ')[0], ours);
  assert.match(await out(['grep', ' /data ', '/proc/mounts']), /ext4/);
  await out(['sysbench', 'cpu', '--events=3', '--cpu-max-prime=100', 'run']);
});

test('the peer of its network is reached', async () => {
  const { peer } = state.vm.network;
  const server = await peer.spawn(['iperf3', '-s', '-1']);
  try {
    const sent = await state.vm.exec(['iperf3', '-c', peer.address, '-n', '256K', '-J'], {
      timeoutMs: 60_000,
    });
    assert.is(sent.exitCode, 0, sent.stdout + sent.stderr);
    assert.is((JSON.parse(sent.stdout) as { error?: string }).error, undefined);
  } finally {
    await server.stop();
  }
});

test('a file goes in and comes out as it was; the user’s image is never written', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tare-disk-'));
  try {
    await state.vm.copyIn(join(state.setting.image.rootfs, 'usr/bin/sysbench'), '/data/copy');
    await state.vm.copyOut('/data/copy', join(folder, 'copy'));
    assert.is(
      await sha256OfFile(join(folder, 'copy')),
      await sha256OfFile(join(state.setting.image.rootfs, 'usr/bin/sysbench')),
    );
    await out(['sh', '-c', 'echo changed > /proc/1/root/etc/motd; sync']);
    assert.is(await sha256OfFile(state.disk), state.before);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('the next trial is a fresh one of the same saved system, put right: nothing of the first is in it', async () => {
  await state.vm.destroy();
  state.vm = await state.prepared.start('disk-2', state.setting.resources);
  assert.match(await out(['cat', '/proc/1/root/etc/motd']), /an image of its own/);
  assert.is(await out(['ls', '/data']), 'lost+found');
  assert.ok(Math.abs(Number(await out(['date', '+%s'])) - Date.now() / 1000) < 5);
  const facts = state.vm.facts();
  assert.is(facts.start, 'continued from a saved state');
  assert.ok(Number(facts.guestMemoryUsedMiB) > 10, JSON.stringify(facts));
});

test('no image whose parts lie outside its folder is opened', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tare-disk-'));
  try {
    const hostile = join(folder, 'hostile.qcow2');
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', '/etc/passwd', hostile]);
    const refused = await state.setting.prepare({ image: hostile }).catch((error: unknown) => error);
    assert.is((refused as { code?: string }).code, 'vm-image-foreign-file');
    const text = join(folder, 'text.vmdk');
    await execa('qemu-img', ['create', '-q', '-f', 'vmdk', text, '64M']);
    const other = await state.setting.prepare({ image: text }).catch((error: unknown) => error);
    assert.is((other as { code?: string }).code, 'vm-image-format');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test.run();
