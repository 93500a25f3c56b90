import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { bootPhases } from '../../../runtimes/qemu/boot-phases.ts';
import { findFirmware } from '../../../runtimes/qemu/firmware/firmware.ts';
import { firmwareWords } from '../../../runtimes/qemu/firmware/firmware-words.ts';
import { insideRoot, runsInImage, systemDisk } from '../../../runtimes/qemu/firmware/firmware-options.ts';
import { labelOf, qemuOptionsSchema } from '../../../runtimes/qemu/options.ts';
import { seedFiles } from '../../../runtimes/qemu/seed/seed.ts';
import { suite } from '../../suite.ts';

/** What is decided about a user's disk image without booting one. */
const test = suite('a disk image, decided');

const problems = (options: Record<string, unknown>): string[] => {
  const parsed = qemuOptionsSchema.safeParse(options);
  return parsed.success ? [] : parsed.error.issues.map((issue) => issue.path.join('.'));
};

test('only a disk image has a firmware and tools; microvm and a kernel of its own contradict it', () => {
  assert.equal(problems({ image: './a.qcow2', firmware: 'uefi', tools: 'image', machine: 'q35' }), []);
  assert.equal(problems({ firmware: 'uefi' }), ['firmware']);
  assert.equal(problems({ tools: 'image' }), ['tools']);
  assert.equal(problems({ image: './a.qcow2', machine: 'microvm' }), ['machine']);
  assert.equal(problems({ image: './a.raw', kernel: '/boot/vmlinuz' }), ['kernel']);
});

test('commands run in our tree unless the image’s own tools are asked for', () => {
  const ours = qemuOptionsSchema.parse({ image: '/x/a.qcow2' });
  const own = qemuOptionsSchema.parse({ image: '/x/a.qcow2', tools: 'image' });
  assert.is(systemDisk(ours), '/x/a.qcow2');
  assert.is(runsInImage(ours), false);
  assert.is(insideRoot(ours), '');
  assert.is(insideRoot(own), '/proc/1/root');
  assert.match(labelOf(own), /image x\/a\.qcow2, the image's own tools/);
});

test('the seed is what cloud-init reads: user data that starts our program, the trial’s own address', () => {
  const files = seedFiles({
    instanceId: 'i',
    mac: '52:54:00:01:02:03',
    address: '198.18.0.2/30',
    gateway: '198.18.0.1',
    mtu: 9000,
  });
  assert.equal(Object.keys(files).sort(), ['meta-data', 'network-config', 'start', 'user-data']);
  assert.match(files['user-data']!, /^#cloud-config\n/);
  const user = parse(files['user-data']!) as { bootcmd: string[][]; growpart: { mode: string } };
  assert.match(user.bootcmd[0]![2]!, /mount -o ro LABEL=CIDATA .* sh .*\/start$/);
  assert.is(user.growpart.mode, 'off');
  const network = parse(files['network-config']!) as {
    version: number;
    ethernets: { box: { match: { macaddress: string }; addresses: string[]; mtu: number } };
  };
  assert.is(network.version, 2);
  assert.is(network.ethernets.box.match.macaddress, '52:54:00:01:02:03');
  assert.equal(network.ethernets.box.addresses, ['198.18.0.2/30']);
  assert.is(network.ethernets.box.mtu, 9000);
});

test('UEFI has its code read-only and variables of the machine’s own; a BIOS is QEMU’s', () => {
  const system = { disk: '/d/s,1.qcow2', seed: '/d/seed', variables: '/d/vars' };
  const uefi = firmwareWords({ system, code: '/code.fd' }, 'pci').join(' ');
  assert.match(uefi, /file=\/code\.fd,if=pflash,unit=0,format=raw,readonly=on/);
  assert.match(uefi, /file=\/d\/vars,if=pflash,unit=1/);
  assert.match(uefi, /file=\/d\/s,,1\.qcow2,.*drive=system,bootindex=0/);
  const bios = firmwareWords({ system: { ...system, variables: null }, code: null }, 'pci').join(' ');
  assert.not.match(bios, /pflash/);
});

test('without OVMF a machine that needs it is refused by name, with the package', async () => {
  assert.equal(await findFirmware('bios', []), { kind: 'bios' });
  const refused = await findFirmware('uefi', []).catch((error: unknown) => error);
  assert.is((refused as { code?: string }).code, 'vm-firmware-missing');
  assert.match((refused as { hint?: string }).hint ?? '', /ovmf/);
});

test('phases of a boot do not overlap, and leave of the total what came after them', () => {
  const times = {
    placeMs: 10,
    executedMs: 15,
    processMs: 100,
    kernelBeganMs: 3100,
    agentMs: 50_000,
    totalMs: 50_200,
  };
  const phases = bootPhases({ ...times, phases: { userspace: 6_000_000, joined: 46_000_000 } });
  assert.equal(phases, {
    startPlaceMs: 10,
    startProcessMs: 85,
    startFirmwareMs: 3000,
    startKernelMs: 6000,
    startUserspaceMs: 40_000,
    startTotalMs: 50_200,
  });
  const direct = bootPhases({
    ...times,
    kernelBeganMs: 60,
    phases: { init: 900_000, modules: 1_000_000, root: 1_050_000 },
  });
  assert.is(direct.startFirmwareMs, 0);
  assert.is(direct.startModulesMs, 100);
  assert.is(direct.startRootMs, 50);
});

test.run();
