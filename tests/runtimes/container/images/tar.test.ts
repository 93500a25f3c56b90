import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { suite } from '../../../suite.ts';
import { decimalTime, parsePax } from '../../../../runtimes/container/images/tar/pax.ts';
import { archiveOf, entriesOf, memberOf } from './archive-of.ts';

const test = suite('tar archives');

const name = fc
  .array(
    fc.integer({ min: 1, max: 255 }).filter((byte) => byte !== 0x2f),
    { minLength: 1, maxLength: 200 },
  )
  .map((bytes) => Buffer.from(bytes).toString('latin1'));
const xattr = fc.tuple(
  fc.constantFrom('user.a', 'user.long.name', 'security.capability'),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
);
const file = fc.record({
  path: fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/')),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
  gid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
  mtimeSec: fc.integer({ min: -(2 ** 33), max: 2 ** 34 }),
  content: fc.uint8Array({ maxLength: 1500 }).map((bytes) => Buffer.from(bytes)),
  xattrs: fc.uniqueArray(xattr, { selector: ([key]) => key }),
});

test('what is written is read back, whatever the pieces it comes in', () => {
  fc.assert(
    fc.property(fc.array(file, { maxLength: 4 }), fc.integer({ min: 1, max: 2000 }), (files, piece) => {
      const read = entriesOf(archiveOf(...files), piece);
      assert.is(read.length, files.length);
      for (const [i, { entry, content }] of read.entries()) {
        const wanted = files[i];
        if (!wanted) throw new Error('one too many');
        const { dataLength, mtimeNsec } = entry;
        assert.is(dataLength, wanted.content.length);
        assert.is(mtimeNsec, 0);
        const expected = memberOf(wanted);
        const sorted = [...expected.xattrs].sort(([a], [b]) => (a < b ? -1 : 1));
        assert.equal(
          { ...entry },
          { ...expected, xattrs: sorted, dataLength, dataOffset: entry.dataOffset, mtimeNsec: 0 },
        );
        assert.ok(content.equals(wanted.content));
      }
    }),
    { numRuns: 60 },
  );
});

test('files with holes keep them, in the format GNU tar reads', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tare-tar-'));
  try {
    const segments = [
      { offset: 4096, length: 512 },
      { offset: 1_000_000, length: 3 },
    ];
    const archive = archiveOf({
      path: 'd/holes',
      size: 2_000_000,
      segments,
      content: 'a'.repeat(512) + 'XYZ',
    });
    const [read] = entriesOf(archive, 700);
    assert.equal(read?.entry.segments, segments);
    assert.is(read?.entry.size, 2_000_000);
    assert.is(read?.entry.path, 'd/holes');
    assert.is(read?.content.toString(), 'a'.repeat(512) + 'XYZ');
    writeFileSync(join(folder, 'a.tar'), archive);
    execFileSync('tar', ['-xf', 'a.tar'], { cwd: folder });
    const bytes = readFileSync(join(folder, 'd/holes'));
    assert.is(bytes.length, 2_000_000);
    assert.is(bytes.toString('latin1', 4095, 4609), `\0${'a'.repeat(512)}\0`);
    assert.is(bytes.toString('latin1', 1_000_000, 1_000_003), 'XYZ');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

for (const [label, options] of [
  ['gnu', ['--format=gnu']],
  ['pax 0.0', ['--format=pax', '--sparse-version=0.0']],
  ['pax 0.1', ['--format=pax', '--sparse-version=0.1']],
  ['pax 1.0', ['--format=pax', '--sparse-version=1.0']],
] as const)
  test(`GNU tar's sparse files are read: ${label}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'tare-tar-'));
    try {
      // More pieces than fit into one header, so that extension blocks are read too.
      const path = join(folder, 'sparse');
      writeFileSync(path, '');
      truncateSync(path, 4_000_000);
      const handle = Buffer.alloc(4096, 'x');
      for (let i = 0; i < 40; i++) execDd(path, handle, i * 24);
      execFileSync('tar', ['--sparse', '--hole-detection=raw', ...options, '-cf', 'a.tar', 'sparse'], {
        cwd: folder,
      });
      const [read] = entriesOf(readFileSync(join(folder, 'a.tar')), 1234);
      assert.is(read?.entry.path, 'sparse');
      assert.is(read?.entry.size, 4_000_000);
      assert.ok((read?.entry.segments?.length ?? 0) >= 40);
      const rebuilt = Buffer.alloc(4_000_000);
      let at = 0;
      for (const { offset, length } of read?.entry.segments ?? []) {
        read?.content.copy(rebuilt, offset, at, at + length);
        at += length;
      }
      assert.ok(rebuilt.equals(readFileSync(path)));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

function execDd(path: string, bytes: Buffer, block: number): void {
  execFileSync('dd', [`of=${path}`, 'bs=4096', `seek=${block}`, 'conv=notrunc', 'status=none'], {
    input: bytes,
  });
}

for (const format of ['v7', 'ustar', 'gnu', 'pax'] as const)
  test(`archives of GNU tar are read: ${format}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'tare-tar-'));
    try {
      const long = format === 'v7' ? 'n'.repeat(60) : `${'d'.repeat(90)}/${'n'.repeat(90)}`;
      mkdirSync(join(folder, 't', long, '..'), { recursive: true });
      writeFileSync(join(folder, 't', long), 'content');
      symlinkSync('target', join(folder, 't', 'link'));
      execFileSync('tar', [`--format=${format}`, '--sort=name', '-cf', 'a.tar', 't'], { cwd: folder });
      const read = entriesOf(readFileSync(join(folder, 'a.tar')), 999);
      const found = read.find(({ entry }) => entry.type === 'file');
      assert.is(found?.entry.path, `t/${long}`);
      assert.is(found?.content.toString(), 'content');
      assert.is(read.find(({ entry }) => entry.type === 'symlink')?.entry.linkTarget, 'target');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

test('an archive cut short anywhere is refused, never taken for a shorter one', () => {
  const archive = archiveOf(
    { path: 'a', content: 'x'.repeat(700) },
    { path: 'b', xattrs: [['user.k', Buffer.from('v')]] },
  );
  const boundaries = new Set([0, 512 + 1024, archive.length - 1024, archive.length - 512, archive.length]);
  for (let length = 0; length < archive.length - 1024; length += 64) {
    if (boundaries.has(length)) continue;
    assert.throws(
      () => entriesOf(archive.subarray(0, length)),
      /middle of an entry/,
      `after ${length} bytes`,
    );
  }
});

test('a header whose checksum is wrong is refused', () => {
  const archive = archiveOf({ path: 'a', content: 'x' });
  archive[0] = 0x62;
  assert.throws(() => entriesOf(archive), /checksum/);
});

test('random bytes never do anything but throw a BenchError', () => {
  const good = archiveOf(
    { path: 'a', content: 'hello', xattrs: [['user.k', Buffer.from('v')]] },
    { path: 'b' },
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 12 }), (changes) => {
      const damaged = Buffer.from(good);
      for (const [at, byte] of changes) damaged[at] = byte;
      try {
        entriesOf(damaged, 333);
      } catch (error) {
        assert.is((error as { code?: string }).code, 'image-tar');
      }
    }),
  );
});

test('malformed pax records are refused', () => {
  for (const text of ['5 a=b\n', '8 a=bb\n', '0 a=\n', '6 a=bb', '99999999999 a=b\n', 'x a=b\n', '6 =bb\n'])
    assert.throws(() => parsePax(Buffer.from(text), 0), /malformed pax/, text);
  assert.equal(parsePax(Buffer.from('6 a=b\n'), 0), [['a', Buffer.from('b')]]);
});

test('pax times before the epoch are rounded down', () => {
  assert.equal(decimalTime('-1.25', 0), { sec: -2, nsec: 750_000_000 });
  assert.equal(decimalTime('1.5', 0), { sec: 1, nsec: 500_000_000 });
  assert.equal(decimalTime('-3', 0), { sec: -3, nsec: 0 });
});

test.run();
