import { execa } from 'execa';
import { chmod, mkdir, readFile, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import * as z from 'zod';
import { allowedCpus } from '../../../../runtimes/qemu/machine/pinning.ts';
import type { QemuInstance } from '../../../../runtimes/qemu/qemu-instance.ts';
import { suite } from '../../../suite.ts';
import { openVmSetting, type VmSetting } from './fixture.ts';

/**
 * Every option of the disk under test, seen to be in force: by QEMU's block layer, by the descriptors and threads of its
 * process, by the file on the host, and by what the guest's kernel knows. Arms that a guest cannot tell apart share one
 * saved guest, so that this takes three boots.
 */
const test = suite('disks of virtual machines (emulated)');
let setting: VmSetting;
const MIB = 1 << 20;
const SIZE_MIB = 128;

test.before(async () => {
  setting = await openVmSetting('dsk');
});

test.after(async () => {
  await setting?.close();
});

async function withVm(
  options: Record<string, unknown>,
  use: (vm: QemuInstance) => Promise<void>,
): Promise<void> {
  const prepared = await setting.prepare({
    diskMiB: SIZE_MIB,
    start: 'saved',
    machine: 'microvm',
    ...options,
  });
  const vm = (await prepared.start('r0-disk', setting.resources)) as QemuInstance;
  try {
    await use(vm);
  } finally {
    await vm.destroy();
  }
}

const blocksSchema = z.array(
  z.object({
    device: z.string(),
    inserted: z
      .object({
        drv: z.string(),
        detect_zeroes: z.string(),
        cache: z.object({ writeback: z.boolean(), direct: z.boolean(), 'no-flush': z.boolean() }),
        image: z.object({
          'cluster-size': z.number().optional(),
          'full-backing-filename': z.string().optional(),
          'format-specific': z.object({ data: z.looseObject({}) }).optional(),
        }),
      })
      .optional(),
  }),
);
type Inserted = NonNullable<z.output<typeof blocksSchema>[number]['inserted']>;

/** The data disk as QEMU's block layer has it open. */
async function opened(vm: QemuInstance): Promise<Inserted> {
  const blocks = blocksSchema.parse(await vm.qmp.execute('query-block'));
  const data = blocks.find(({ device }) => device === 'data')?.inserted;
  if (!data) throw new Error('QEMU has no data disk');
  return data;
}

const inside = async (vm: QemuInstance, script: string): Promise<string> => {
  const result = await vm.exec(['sh', '-ec', script]);
  assert.is(result.exitCode, 0, result.stderr);
  return result.stdout.trim();
};

const allocated = (vm: QemuInstance): number => statSync(vm.dataDisk).blocks * 512;
const writeMiB = (mib: number): string => `dd if=/dev/zero of=/data/f bs=1M count=${mib} conv=fsync 2>&1`;

/** What the descriptors of QEMU's process are: paths and anonymous inodes, with their open flags. */
async function descriptors(pid: number): Promise<{ target: string; flags: number }[]> {
  const found: { target: string; flags: number }[] = [];
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
    const info = await readFile(`/proc/${pid}/fdinfo/${fd}`, 'utf8').catch(() => '');
    found.push({ target, flags: Number.parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? '0', 8) });
  }
  return found;
}

/** O_DIRECT as x86-64 numbers it. */
const O_DIRECT = 0o40000;

async function opensDirectly(vm: QemuInstance): Promise<boolean> {
  const mine = (await descriptors(vm.pid)).filter(({ target }) => target === vm.dataDisk);
  assert.ok(mine.length > 0, 'QEMU has the data disk open');
  return mine.some(({ flags }) => (flags & O_DIRECT) !== 0);
}

/** Which engine carries the data disk: what only that engine makes in QEMU's process. */
async function engineOf(vm: QemuInstance): Promise<string> {
  if ((await descriptors(vm.pid)).some(({ target }) => target.includes('[io_uring]'))) return 'io_uring';
  // The kernel's completion ring of an aio context is a mapping of this name.
  if ((await readFile(`/proc/${vm.pid}/maps`, 'utf8')).includes('/[aio]')) return 'native';
  return 'threads';
}

const CACHES: [string, { direct: boolean; writeback: boolean; noFlush: boolean }][] = [
  ['none', { direct: true, writeback: true, noFlush: false }],
  ['writeback', { direct: false, writeback: true, noFlush: false }],
  ['unsafe', { direct: false, writeback: true, noFlush: true }],
  ['writethrough', { direct: false, writeback: false, noFlush: false }],
  ['directsync', { direct: true, writeback: false, noFlush: false }],
];

for (const [cache, wanted] of CACHES)
  test(`cache ${cache}: in QEMU’s block layer, in the descriptor’s flags, and to the guest`, async () => {
    await withVm({ cache }, async (vm) => {
      const { cache: seen, detect_zeroes: detects } = await opened(vm);
      assert.equal(
        { direct: seen.direct, writeback: seen.writeback, noFlush: seen['no-flush'] },
        { direct: wanted.direct, writeback: wanted.writeback, noFlush: wanted.noFlush },
      );
      assert.is(detects, 'off', 'zeros are written as they come');
      assert.is(await opensDirectly(vm), wanted.direct);
      const words = await inside(vm, 'cat /sys/block/vdb/queue/write_cache');
      assert.is(words, wanted.writeback ? 'write back' : 'write through');
      assert.is(vm.facts().diskCache, cache);
    });
  });

for (const aio of ['threads', 'native', 'io_uring'])
  test(`aio ${aio}: the engine is in QEMU’s process, and the guest’s writes go through it`, async () => {
    await withVm({ aio, format: 'raw' }, async (vm) => {
      await inside(vm, writeMiB(4));
      assert.is(await engineOf(vm), aio);
      assert.ok(allocated(vm) >= 4 * MIB);
      assert.is(vm.facts().diskAio, aio);
    });
  });

test('aio that the QEMU build or the host lacks is refused while preparing, with what works instead', async () => {
  const folder = join(setting.context.scratchDir, 'fake');
  await mkdir(folder);
  const fake = join(folder, 'qemu-io');
  await writeFile(
    fake,
    '#!/bin/sh\necho "aio=io_uring was specified, but is not supported in this build." >&2\nexit 1\n',
  );
  await chmod(fake, 0o755);
  const { PATH } = process.env;
  process.env.PATH = `${folder}:${PATH ?? ''}`;
  try {
    const error = await setting.prepare({ aio: 'io_uring' }).then(
      () => undefined,
      (thrown: unknown) => thrown as { code: string; message: string; hint?: string },
    );
    assert.is(error?.code, 'vm-aio-missing');
    assert.match(error?.message ?? '', /this QEMU was built without it/);
    assert.match(error?.hint ?? '', /aio: threads/);
  } finally {
    process.env.PATH = PATH;
    await rm(folder, { recursive: true });
  }
});

for (const format of ['qcow2', 'raw'])
  test(`discard, ${format}: what the guest trims leaves the host’s file with unmap, and stays with ignore`, async () => {
    for (const discard of ['unmap', 'ignore'])
      await withVm({ format, discard }, async (vm) => {
        await inside(vm, writeMiB(32));
        const grown = allocated(vm);
        assert.ok(grown >= 32 * MIB, `${grown} bytes after writing`);
        await inside(vm, 'rm /data/f; sync; fstrim /data');
        const given = grown - allocated(vm);
        if (discard === 'unmap') assert.ok(given >= 31 * MIB, `${given} bytes came back`);
        else assert.ok(given < MIB, `${given} bytes came back`);
      });
  });

test('lazy refcounts: the image is dirty while it is written, and only then', async () => {
  for (const lazyRefcounts of [true, false])
    await withVm({ lazyRefcounts }, async (vm) => {
      const data = (await opened(vm)).image['format-specific']?.data ?? {};
      assert.is(data['lazy-refcounts'], lazyRefcounts);
      await inside(vm, writeMiB(4));
      const { stdout } = await execa('qemu-img', ['info', '-U', '--output=json', vm.dataDisk]);
      const info = JSON.parse(stdout) as { 'dirty-flag': boolean };
      assert.is(info['dirty-flag'], lazyRefcounts, 'refcounts wait exactly when they are lazy');
    });
});

test('cluster size: the file grows by that much for a single sector', async () => {
  for (const clusterKiB of [4, 1024])
    await withVm({ clusterKiB }, async (vm) => {
      assert.is((await opened(vm)).image['cluster-size'], clusterKiB * 1024);
      const before = statSync(vm.dataDisk).size;
      // A sector in the middle of nowhere; the file system above does not mind.
      await inside(vm, 'dd if=/dev/urandom of=/dev/vdb bs=512 seek=200000 count=1 oflag=direct 2>&1');
      const grown = statSync(vm.dataDisk).size - before;
      // The new cluster, and where its part of the table was missing, one for that.
      if (clusterKiB === 4) assert.ok(grown <= 64 * 1024, `${grown} bytes with 4 KiB clusters`);
      else assert.ok(grown >= 512 * 1024, `${grown} bytes with 1 MiB clusters`);
    });
});

/** Extents of a file on the host: bytes in all, and bytes that are allocated but were never written. */
async function extents(path: string): Promise<{ bytes: number; unwritten: number }> {
  const { stdout } = await execa('/usr/sbin/filefrag', ['-v', '-b4096', path]);
  const found = { bytes: 0, unwritten: 0 };
  for (const line of stdout.split('\n')) {
    const [, length, flags] = /^\s*\d+:\s+\d+\.\.\s*\d+:\s+\d+\.\.\s*\d+:\s+(\d+):(.*)$/.exec(line) ?? [];
    if (length === undefined) continue;
    found.bytes += Number(length) * 4096;
    if (flags?.includes('unwritten')) found.unwritten += Number(length) * 4096;
  }
  return found;
}

interface Growth {
  /** Bytes on the host before the first write, their unwritten part, and growth of blocks and of length by 16 MiB. */
  before: number;
  unwritten: number;
  grown: number;
  lengthened: number;
}

async function growthOf(options: Record<string, unknown>): Promise<Growth> {
  let growth: Growth | undefined;
  await withVm(options, async (vm) => {
    const { bytes: before, unwritten } = await extents(vm.dataDisk);
    const length = statSync(vm.dataDisk).size;
    await inside(vm, writeMiB(16));
    const { bytes } = await extents(vm.dataDisk);
    growth = { before, unwritten, grown: bytes - before, lengthened: statSync(vm.dataDisk).size - length };
    assert.is(vm.facts().diskPreallocation, options.preallocation ?? 'off');
  });
  if (!growth) throw new Error('no growth was seen');
  return growth;
}

const WHOLE = SIZE_MIB * MIB;

test('preallocation off: the file is nearly empty and grows by what is written, qcow2 also in length', async () => {
  for (const format of ['qcow2', 'raw']) {
    const { before, grown, lengthened } = await growthOf({ format });
    assert.ok(before < 8 * MIB, `${before} bytes before`);
    assert.ok(grown >= 16 * MIB, `${grown} bytes more`);
    if (format === 'qcow2') assert.ok(lengthened >= 16 * MIB);
    else assert.is(lengthened, 0);
  }
});

test('preallocation metadata: qcow2’s tables are there, its length is final, its blocks are not', async () => {
  const { before, grown, lengthened } = await growthOf({ preallocation: 'metadata' });
  assert.ok(before < 8 * MIB, `${before} bytes before`);
  assert.ok(grown >= 15 * MIB, `${grown} bytes more`);
  assert.is(lengthened, 0, 'every cluster has its place already');
});

test('preallocation falloc: blocks are there and unwritten; full: there and written; neither grows', async () => {
  for (const format of ['qcow2', 'raw'])
    for (const preallocation of ['falloc', 'full']) {
      const { before, unwritten, grown } = await growthOf({ format, preallocation });
      assert.ok(before >= WHOLE, `${format} ${preallocation}: ${before} bytes before`);
      if (preallocation === 'falloc') assert.ok(unwritten > WHOLE / 2, `${unwritten} bytes unwritten`);
      else assert.ok(unwritten < MIB, `${unwritten} bytes unwritten`);
      assert.ok(grown < MIB, `${format} ${preallocation}: ${grown} bytes more`);
    }
});

test('state written: every block was written before; overlay: writes go over a backing file that stays as it was', async () => {
  for (const format of ['qcow2', 'raw']) {
    const { before, unwritten, grown } = await growthOf({ format, state: 'written' });
    assert.ok(
      before >= WHOLE && unwritten < MIB && grown < MIB,
      `${format}: ${before}, ${unwritten}, ${grown}`,
    );
  }
  await withVm({ state: 'overlay' }, async (vm) => {
    const backing = (await opened(vm)).image['full-backing-filename'] ?? '';
    const before = statSync(backing);
    assert.ok(allocated(vm) < MIB, 'the overlay begins empty');
    await inside(vm, writeMiB(8));
    assert.ok(allocated(vm) >= 8 * MIB);
    const after = statSync(backing);
    assert.equal([after.mtimeMs, after.blocks], [before.mtimeMs, before.blocks]);
  });
});

const iothreadsSchema = z.array(z.object({ id: z.string(), 'thread-id': z.int() }));

/** CPU time of a thread, clock ticks. */
async function ticksOf(pid: number, tid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/task/${tid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

for (const bus of ['virtio-blk', 'virtio-scsi'])
  test(`${bus} in an iothread: the guest has that disk, and its requests run in a thread off the measured CPUs`, async () => {
    await withVm({ bus, iothread: true, machine: 'pc' }, async (vm) => {
      const device = bus === 'virtio-scsi' ? 'sda' : 'vdb';
      assert.match(await inside(vm, 'grep " /data " /proc/mounts'), new RegExp(`^/dev/${device} /data ext4`));
      assert.match(
        await inside(vm, `readlink -f /sys/block/${device}`),
        bus === 'virtio-scsi' ? /\/host\d/ : /\/virtio\d/,
      );
      const [thread] = iothreadsSchema.parse(await vm.qmp.execute('query-iothreads'));
      assert.ok(thread, 'QEMU has an iothread');
      const tid = thread?.['thread-id'] ?? 0;
      assert.equal(allowedCpus(vm.pid, tid), setting.resources.housekeeping);
      const before = await ticksOf(vm.pid, tid);
      await inside(vm, 'dd if=/dev/zero of=/data/f bs=4k count=2000 oflag=direct 2>&1');
      assert.ok((await ticksOf(vm.pid, tid)) > before, 'it worked for the guest');
    });
  });

test.run();
