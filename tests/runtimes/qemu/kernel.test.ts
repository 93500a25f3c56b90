import fc from 'fast-check';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { ensureBootFiles } from '../../../runtimes/qemu/kernel/boot-files.ts';
import { builtInDrivers } from '../../../runtimes/qemu/kernel/built-in-drivers.ts';
import { cpioArchive, FILE, FOLDER } from '../../../runtimes/qemu/kernel/cpio.ts';
import { extractVmlinux } from '../../../runtimes/qemu/kernel/extract-vmlinux.ts';
import { hasPvhEntry, kernelFacts } from '../../../runtimes/qemu/kernel/kernel-file.ts';
import type { KernelSource } from '../../../runtimes/qemu/kernel/kernel-source.ts';
import { decompressLegacyLz4 } from '../../../runtimes/qemu/kernel/lz4.ts';
import { moduleInfo, readModule, readModuleFolder } from '../../../runtimes/qemu/kernel/module-folder.ts';
import { missingDrivers, moduleOrder } from '../../../runtimes/qemu/kernel/module-order.ts';
import { stubKernel } from '../../../runtimes/qemu/kernel/stub-kernel.ts';
import { suite } from '../../suite.ts';

const test = suite('kernel and initramfs of virtual machines');

/** A legacy frame of one block that holds literals only: what any input may legally become. */
function literalFrame(data: Buffer): Buffer {
  const extra: number[] = [];
  if (data.length >= 15) {
    let rest = data.length - 15;
    for (; rest >= 255; rest -= 255) extra.push(255);
    extra.push(rest);
  }
  const block = Buffer.concat([Buffer.from([Math.min(15, data.length) << 4, ...extra]), data]);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x184c2102, 0);
  head.writeUInt32LE(block.length, 4);
  return Buffer.concat([head, block]);
}

function bzImageOf(payload: Buffer): Buffer {
  const setup = Buffer.alloc(5 * 512);
  setup.writeUInt8(4, 0x1f1);
  setup.writeUInt32LE(0x53726448, 0x202);
  setup.writeUInt32LE(16, 0x248);
  setup.writeUInt32LE(payload.length, 0x24c);
  return Buffer.concat([setup, Buffer.alloc(16), payload]);
}

test('LZ4: literals of any length come back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
      const data = Buffer.from(bytes);
      assert.ok(decompressLegacyLz4(literalFrame(data)).equals(data));
    }),
  );
});

test('LZ4: a match that overlaps itself repeats', () => {
  // 'abc' as literals, then 9 bytes from 3 back, then the last literals.
  const block = Buffer.from([0x35, 0x61, 0x62, 0x63, 3, 0, 0x10, 0x21]);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x184c2102, 0);
  head.writeUInt32LE(block.length, 4);
  assert.is(decompressLegacyLz4(Buffer.concat([head, block])).toString(), 'abcabcabcabc!');
});

test('LZ4: damage is an error, never an overrun', () => {
  const reachBack = Buffer.from([0x10, 0x61, 9, 0]);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x184c2102, 0);
  head.writeUInt32LE(reachBack.length, 4);
  assert.throws(() => decompressLegacyLz4(Buffer.concat([head, reachBack])), /damaged/);
  assert.throws(() => decompressLegacyLz4(Buffer.from('not a frame')), /damaged/);
});

test('the kernel is found in a bzImage, plain, gzipped or LZ4', async () => {
  const elf = Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46]), Buffer.alloc(100, 7)]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(elf.length);
  for (const payload of [elf, Buffer.concat([gzipSync(elf), size]), Buffer.concat([literalFrame(elf), size])])
    assert.ok((await extractVmlinux(bzImageOf(payload))).subarray(0, elf.length).equals(elf));
});

test('what is no kernel is said to be none', async () => {
  const codeOf = (bytes: Buffer): Promise<unknown> =>
    extractVmlinux(bytes).then(
      () => 'no error',
      (error: { code: string }) => error.code,
    );
  assert.is(await codeOf(Buffer.alloc(2048)), 'vm-kernel-unreadable');
  assert.is(await codeOf(bzImageOf(Buffer.alloc(64, 1))), 'vm-kernel-unreadable');
});

const DEP = [
  'kernel/drivers/virtio/virtio_ring.ko:',
  'kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio_ring.ko',
  'kernel/net/core/failover.ko:',
  'kernel/drivers/net/net_failover.ko: kernel/net/core/failover.ko',
  'kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko',
  'kernel/drivers/char/hw_random/virtio-rng.ko: kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko',
].join('\n');

test('modules come after what they need, each once', () => {
  const order = moduleOrder(DEP, ['virtio_net', 'virtio_rng']).map((file) => file.split('/').at(-1));
  assert.equal(order, [
    'virtio_ring.ko',
    'virtio.ko',
    'failover.ko',
    'net_failover.ko',
    'virtio_net.ko',
    'virtio-rng.ko',
  ]);
});

test('a module built into the kernel is not loaded, a missing one is named', () => {
  assert.equal(moduleOrder(DEP, ['ext4']), []);
  assert.equal(missingDrivers(DEP, 'kernel/fs/ext4/ext4.ko\n', ['ext4', 'virtio-rng', 'zfs']), ['zfs']);
});

const INFO = (name: string, depends: string): Buffer =>
  Buffer.from(`ELF\0license=GPL\0depends=${depends}\0name=${name}\0vermagic=6.9.0 SMP\0`);

test('modules without modules.dep: found by name, compressed too, in an order of what they say they need', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tare-modules-'));
  try {
    mkdirSync(join(folder, 'kernel/net'), { recursive: true });
    const put = (file: string, bytes: Buffer): void => writeFileSync(join(folder, 'kernel', file), bytes);
    put('net/virtio_net.ko', INFO('virtio_net', 'net_failover,virtio'));
    put('net/net_failover.ko.gz', gzipSync(INFO('net_failover', 'failover')));
    put('net/failover.ko', INFO('failover', ''));
    put('virtio.ko', INFO('virtio', 'virtio_ring'));
    put('virtio_ring.ko', INFO('virtio_ring', ''));
    put('unrelated.ko', INFO('unrelated', 'virtio'));
    const { dep } = await readModuleFolder(folder, ['virtio_net', 'virtio-ring', 'ext4']);
    assert.equal(moduleOrder(dep, ['virtio_net']), [
      'kernel/net/failover.ko',
      'kernel/net/net_failover.ko.gz',
      'kernel/virtio_ring.ko',
      'kernel/virtio.ko',
      'kernel/net/virtio_net.ko',
    ]);
    assert.not.match(dep, /unrelated/);
    assert.equal(missingDrivers(dep, '', ['virtio_ring', 'ext4']), ['ext4']);
    const module = await readModule(join(folder, 'kernel/net/net_failover.ko.gz'));
    assert.is(moduleInfo(module, 'vermagic'), '6.9.0 SMP');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a kernel file says what it is; another machine’s, and what is none, are refused', () => {
  const bzImage = bzImageOf(Buffer.alloc(64));
  bzImage.writeUInt16LE(0x300, 0x20e);
  bzImage.write('6.9.0-rc1 (me@here) #1\0', 0x500, 'latin1');
  assert.equal(kernelFacts(bzImage, '/b'), { kind: 'bzImage', release: '6.9.0-rc1' });
  const elf = (machine: number): Buffer => {
    const head = Buffer.alloc(128);
    head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
    head.writeUInt16LE(machine, 18);
    return Buffer.concat([head, Buffer.from('Linux version 6.8.1 (me@here)\0')]);
  };
  assert.equal(kernelFacts(elf(62), '/v'), { kind: 'vmlinux', release: '6.8.1' });
  assert.throws(() => kernelFacts(elf(183), '/v'), /a kernel for arm64/);
  assert.throws(() => kernelFacts(Buffer.from('#!/bin/sh'), '/s'), /\/s is no Linux kernel/);
});

test('what a kernel has built in is seen by the names its drivers register', () => {
  const image = Buffer.from('…\0virtio_blk\0… Attached SCSI %sdisk\n … virtio_net …', 'latin1');
  assert.equal(builtInDrivers(image, ['virtio_blk', 'virtio_net', 'sd_mod', 'unheard_of']), [
    'virtio_blk',
    'sd_mod',
  ]);
});

test('the stub kernel has a PVH entry, an ELF file without notes has none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tare-pvh-'));
  try {
    const stub = stubKernel();
    writeFileSync(join(folder, 'stub'), stub);
    stub.writeUInt32LE(17, Number(stub.readBigUInt64LE(64 + 56 + 8)) + 8);
    writeFileSync(join(folder, 'other'), stub);
    assert.is(await hasPvhEntry(join(folder, 'stub')), true);
    assert.is(await hasPvhEntry(join(folder, 'other')), false);
    const source: KernelSource = {
      ...{ kind: 'vmlinux', release: '6.9.0', file: join(folder, 'other'), modules: null },
      part: { path: join(folder, 'other'), version: '6.9.0', sha256: 'other', chosen: true },
    };
    const needs = { transport: 'pci', scsi: false, balloon: false } as const;
    const codeOf = (given: KernelSource): Promise<[string, string]> =>
      ensureBootFiles(given, needs, folder).then(
        () => ['no error', ''],
        (error: { code: string; message: string }) => [error.code, error.message],
      );
    assert.is((await codeOf(source))[0], 'vm-kernel-unbootable');
    const bare = join(folder, 'stub');
    const [code, message] = await codeOf({ ...source, file: bare, part: { ...source.part, sha256: 'bare' } });
    assert.is(code, 'vm-kernel-drivers');
    assert.match(
      message,
      /lacks virtio_pci, virtio_console, .*ext4: not built in, and no modules of 6\.9\.0/,
    );
    const modules = join(folder, '6.9.0');
    mkdirSync(join(modules, 'kernel'), { recursive: true });
    for (const name of ['virtio_pci', 'virtio_console', 'virtio_blk', 'virtio_net', 'ext4'])
      writeFileSync(join(modules, 'kernel', `${name}.ko`), INFO(name, ''));
    const complete = { ...source, file: bare, modules, part: { ...source.part, sha256: 'bare' } };
    assert.is((await codeOf(complete))[0], 'no error');
    const [other, why] = await codeOf({ ...complete, release: '6.8.0' });
    assert.is(other, 'vm-kernel-modules');
    assert.match(why, /virtio_pci\.ko .* is for kernel 6\.9\.0, and .* is 6\.8\.0/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a cpio archive: headers, names and data at multiples of four, the trailer last', () => {
  const archive = cpioArchive([
    { path: 'dev', mode: FOLDER | 0o755 },
    { path: 'init', mode: FILE | 0o755, data: Buffer.from('hello') },
  ]);
  const names: string[] = [];
  for (let at = 0; at < archive.length;) {
    assert.is(archive.toString('latin1', at, at + 6), '070701');
    const field = (index: number): number =>
      Number.parseInt(archive.toString('latin1', at + 6 + 8 * index, at + 14 + 8 * index), 16);
    const [size, nameSize] = [field(6), field(11)];
    names.push(archive.toString('latin1', at + 110, at + 110 + nameSize - 1));
    const data = Math.ceil((at + 110 + nameSize) / 4) * 4;
    if (names.at(-1) === 'init') {
      assert.is(archive.toString('latin1', data, data + size), 'hello');
      assert.is(field(1), 0o100755);
    }
    at = Math.ceil((data + size) / 4) * 4;
  }
  assert.equal(names, ['dev', 'init', 'TRAILER!!!']);
});

test('the stub kernel is an ELF file with the note that QEMU looks for', () => {
  const stub = stubKernel();
  assert.is(stub.readUInt32LE(0), 0x464c457f);
  const note = Number(stub.readBigUInt64LE(64 + 56 + 8));
  assert.is(stub.readUInt32LE(64 + 56), 4, 'the second header is the note');
  assert.is(stub.readUInt32LE(note + 8), 18);
  assert.is(stub.toString('latin1', note + 12, note + 15), 'Xen');
});

test.run();
