import { execa } from 'execa';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { allocatedBytes, ensureDataTemplate } from '../../../runtimes/qemu/disks/data-disk.ts';
import { DiskSupply, diskSupplyFor, reusable } from '../../../runtimes/qemu/disks/disk-supply.ts';
import { isWhollyAllocated, placesOf } from '../../../runtimes/qemu/disks/rewrite-file-system.ts';
import { qemuOptionsSchema, type QemuOptions } from '../../../runtimes/qemu/options.ts';
import { suite } from '../../suite.ts';

const test = suite('the supply of data disks');
const options = (given: Record<string, unknown>): QemuOptions =>
  qemuOptionsSchema.parse({ diskMiB: 64, ...given });
let folder = '';

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tare-supply-'));
});

test.after(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function supplyOf(given: QemuOptions): Promise<DiskSupply> {
  return new DiskSupply(await ensureDataTemplate(given, folder), given, folder);
}

/** The file system is as mke2fs left it: no error, and nothing in it but lost+found. */
async function isNew(path: string, format: string): Promise<void> {
  const raw = join(folder, 'look.raw');
  await execa('qemu-img', ['convert', '-f', format, '-O', 'raw', path, raw]);
  const env = { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` };
  const check = await execa('e2fsck', ['-f', '-n', raw], { reject: false, env });
  assert.is(check.exitCode, 0, check.stdout);
  const list = await execa('debugfs', ['-R', 'ls -p /', raw], { env });
  const names = list.stdout.split('\n').flatMap((line) => line.split('/')[5] ?? []);
  assert.equal(names.sort(), ['.', '..', 'lost+found']);
  await rm(raw);
}

/** A guest's writes, over everything that a file system could keep. */
const scribble = (path: string, format: string): Promise<unknown> =>
  execa('qemu-io', ['-f', format, '-c', 'write -q -P 0xa5 0 64M', path]);

for (const format of ['qcow2', 'raw'] as const)
  for (const kind of [{ state: 'written' }, { preallocation: 'full' }])
    test(`${format}, ${JSON.stringify(kind)}: one file through all trials, each with a new file system`, async () => {
      const supply = await supplyOf(options({ format, ...kind }));
      await supply.restock();
      const trial = join(folder, `trial.${format}`);
      await supply.take(trial);
      await isNew(trial, format);
      const first = await stat(trial);
      await scribble(trial, format);
      await supply.giveBack(trial);
      await supply.restock();
      const again = await supply.take(trial);
      assert.is(again.madeBy, 'used again');
      await isNew(trial, format);
      const second = await stat(trial);
      assert.equal([second.ino, second.blocks, second.size], [first.ino, first.blocks, first.size]);
      assert.ok(await isWhollyAllocated(trial, format), 'every block is still there and written');
      await rm(trial);
    });

test('a written disk that lost blocks is not used again', async () => {
  const supply = await supplyOf(options({ format: 'raw', state: 'written' }));
  const trial = join(folder, 'holes.raw');
  await supply.take(trial);
  await execa('fallocate', ['--punch-hole', '-o', '32M', '-l', '1M', trial]);
  assert.is(await isWhollyAllocated(trial, 'raw'), false);
  await supply.giveBack(trial);
  await supply.restock();
  const next = await supply.take(trial);
  assert.is.not(next.madeBy, 'used again');
  assert.ok(await isWhollyAllocated(trial, 'raw'));
  await rm(trial);
});

test('a disk that grows is new for each trial, made ahead, and an old one’s blocks are given back', async () => {
  const supply = await supplyOf(options({ format: 'qcow2' }));
  const trial = join(folder, 'fresh.qcow2');
  await supply.restock();
  const spares = (await readdir(folder)).filter((name) => name.startsWith('blank-data-'));
  assert.is(spares.length, 1, 'it is there before it is asked for');
  await supply.take(trial);
  await scribble(trial, 'qcow2');
  await supply.giveBack(trial);
  assert.is(await allocatedBytes(trial), 0);
  await supply.restock();
  await supply.take(trial);
  assert.ok((await allocatedBytes(trial)) < 8 << 20);
  await isNew(trial, 'qcow2');
  await rm(trial);
});

test('without a spare a disk is made when it is asked for', async () => {
  const supply = await supplyOf(options({ format: 'raw' }));
  const trial = join(folder, 'now.raw');
  const { madeBy, madeMs } = await supply.take(trial);
  assert.match(madeBy, /^(copy|reflink)$/);
  assert.ok(madeMs > 0);
  await rm(trial);
});

test('arms share a supply when their disks are the same, however they are opened', async () => {
  const template = await ensureDataTemplate(options({}), folder);
  const of = (given: Record<string, unknown>): DiskSupply => diskSupplyFor(template, options(given), folder);
  assert.is(of({ cache: 'writeback' }), of({ cache: 'none', aio: 'native', bus: 'virtio-scsi' }));
  assert.is.not(of({}), of({ discard: 'unmap' }));
  assert.is.not(of({}), of({ lazyRefcounts: true }));
});

test('which kinds stay written through a trial', () => {
  assert.is(reusable(options({ state: 'written' })), true);
  assert.is(reusable(options({ preallocation: 'full' })), true);
  assert.is(reusable(options({ preallocation: 'falloc' })), false, 'a write changes its extents for good');
  assert.is(reusable(options({ state: 'written', discard: 'unmap' })), false);
  assert.is(reusable(options({ state: 'written', lazyRefcounts: true })), false);
  assert.is(reusable(options({})), false);
});

test('a run of the disk is found in every piece that its file holds it in', () => {
  const there = [
    { start: 0, length: 100, data: true, offset: 1000 },
    { start: 100, length: 100, data: true, offset: 5000 },
  ];
  assert.equal(placesOf(90, 20, there), [
    { start: 90, length: 10, offset: 1090 },
    { start: 100, length: 10, offset: 5000 },
  ]);
  assert.throws(() => placesOf(190, 20, there), /not all in its file/);
});

test.run();
