import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { constants as zlibConstants, createGzip, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { suite } from '../../../suite.ts';
import { LAYER_LIMITS, type LayerLimits } from '../../../../runtimes/container/images/defaults.ts';
import { digestOf } from '../../../../runtimes/container/images/format/digest.ts';
import { NO_LOWER } from '../../../../runtimes/container/images/layer/lower-view.ts';
import {
  BLANK_RECORD,
  encodeRecord,
  type LayerRecord,
} from '../../../../runtimes/container/images/layer/record.ts';
import { unpackLayer } from '../../../../runtimes/container/images/layer/unpack.ts';
import { ensureLayerTool } from '../../../../runtimes/container/images/native/build-layer-tool.ts';
import { archiveOf, type Wanted } from '../../../runtimes/container/images/archive-of.ts';
import { CACHE, imageOf, withStore } from './test-store.ts';

const test = suite('hostile layers');

/** A layer unpacked beside a canary tree that nothing may touch. */
async function attack(wanted: Wanted[], options: { limits?: LayerLimits; blob?: Buffer } = {}) {
  return withStore(async (_store, folder) => {
    const canary = join(folder, 'canary');
    mkdirSync(canary);
    writeFileSync(join(canary, 'secret'), 'untouched', { mode: 0o600 });
    const target = join(folder, 'target');
    mkdirSync(target);
    const file = join(folder, 'blob');
    const place = (text: string): string => text.replaceAll('CANARY', canary.slice(1));
    const entries = wanted.map((each) => ({
      ...each,
      path: place(each.path),
      linkTarget: place(each.linkTarget ?? ''),
    }));
    writeFileSync(file, options.blob ?? archiveOf(...entries));
    let error: Error | undefined;
    try {
      await unpackLayer({
        file,
        what: 'layer',
        digest: null,
        diffId: null,
        lower: NO_LOWER,
        target,
        tool: await ensureLayerTool(CACHE),
        limits: options.limits,
      });
    } catch (caught) {
      error = caught as Error;
    }
    assert.equal(readdirSync(canary), ['secret'], 'nothing new beside the canary');
    assert.is(readFileSync(join(canary, 'secret'), 'utf8'), 'untouched');
    const stats = lstatSync(join(canary, 'secret'));
    assert.is(stats.mode & 0o7777, 0o600);
    assert.is(stats.nlink, 1, 'no hard link to the canary');
    // Listed now: all of it is gone when the caller looks.
    const names = readdirSync(target, { recursive: true, encoding: 'utf8' });
    return { error, inside: (path: string) => names.includes(place(path)) };
  });
}

for (const [label, wanted] of [
  ['..', [{ path: '../canary/secret', content: 'owned' }]],
  ['.. deep inside', [{ path: 'a/../../canary/secret', content: 'owned' }]],
  [
    'a hard link out',
    [
      { path: 'h', type: 'hardlink', linkTarget: '../canary/secret' },
      { path: 'h', content: 'owned' },
    ],
  ],
  ['a hard link to an absolute path', [{ path: 'h', type: 'hardlink', linkTarget: '/CANARY/secret' }]],
  [
    'a hard link through a link',
    [
      { path: 'l', type: 'symlink', linkTarget: '/CANARY' },
      { path: 'h', type: 'hardlink', linkTarget: 'l/secret' },
    ],
  ],
  ['a disk', [{ path: 'sda', type: 'block', devMajor: 8 }]],
  ['/dev/mem', [{ path: 'mem', type: 'char', devMajor: 1, devMinor: 1 }]],
  ['a bare whiteout', [{ path: '.wh.' }]],
  ['a whiteout of ..', [{ path: 'd/.wh...' }]],
  ['a whiteout outside', [{ path: '../canary/.wh.secret' }]],
] as [string, Wanted[]][])
  test(`refused: ${label}`, async () => {
    const { error } = await attack(wanted);
    assert.match(error?.message ?? 'nothing was thrown', /layer entry/);
  });

for (const [label, wanted, path] of [
  ['an absolute name', [{ path: '/CANARY/secret', content: 'owned' }], 'CANARY/secret'],
  [
    'a link out and a file through it',
    [
      { path: 'l', type: 'symlink', linkTarget: '/CANARY' },
      { path: 'l/secret', content: 'owned' },
    ],
    'CANARY/secret',
  ],
  [
    'a relative link out',
    [
      { path: 'l', type: 'symlink', linkTarget: '../canary' },
      { path: 'l/secret', content: 'owned' },
    ],
    'canary/secret',
  ],
  [
    'a directory that turns into a link',
    [
      { path: 'd/x' },
      { path: 'd', type: 'symlink', linkTarget: '/CANARY' },
      { path: 'd/secret', content: 'owned' },
    ],
    'CANARY/secret',
  ],
  [
    'a file over a link',
    [
      { path: 'l', type: 'symlink', linkTarget: '/CANARY/secret' },
      { path: 'l', content: 'owned' },
    ],
    'l',
  ],
  [
    'a directory over a link',
    [
      { path: 'l', type: 'symlink', linkTarget: '/CANARY' },
      { path: 'l', type: 'directory', mode: 0o777 },
    ],
    'l',
  ],
  [
    'a whiteout through a link',
    [{ path: 'l', type: 'symlink', linkTarget: '/CANARY' }, { path: 'l/.wh.secret' }],
    'CANARY',
  ],
  [
    'the attributes of a link’s target',
    [{ path: 'l', type: 'symlink', linkTarget: '/CANARY/secret', mode: 0o777, uid: 5 }],
    'tare-none',
  ],
] as [string, Wanted[], string][])
  test(`stays inside: ${label}`, async () => {
    const { error, inside } = await attack(wanted);
    assert.is(error, undefined);
    if (path !== 'tare-none') assert.ok(inside(path), `${path} is beneath the target`);
  });

/** Speaks to the tool without the planner: the second guard stands alone. */
async function play(records: Partial<LayerRecord>[], prepare?: (target: string) => void) {
  return withStore(async (_store, folder) => {
    const target = join(folder, 'target');
    mkdirSync(target);
    writeFileSync(join(folder, 'secret'), 'untouched');
    prepare?.(target);
    const child = spawn(await ensureLayerTool(CACHE), ['apply', target], {
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    child.stdin.on('error', () => undefined);
    for (const record of records) child.stdin.write(encodeRecord({ ...BLANK_RECORD, ...record }));
    child.stdin.end(encodeRecord(BLANK_RECORD));
    let words = '';
    child.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    assert.is(readFileSync(join(folder, 'secret'), 'utf8'), 'untouched');
    assert.is(lstatSync(join(folder, 'secret')).nlink, 1);
    assert.equal(readdirSync(folder).sort(), ['secret', 'store', 'target']);
    return { code, words };
  });
}

const link = (target: string): void => symlinkSync('..', join(target, 'l'));
for (const [label, record, prepare] of [
  ['a file by ..', { kind: 'file', path: '../new' }, undefined],
  ['a file by an absolute path', { kind: 'file', path: '/tmp/tare-hostile-new' }, undefined],
  ['a directory through a link', { kind: 'directory', path: 'l/new' }, link],
  ['a removal through a link', { kind: 'remove', path: 'l/secret' }, link],
  ['a removal by ..', { kind: 'remove', path: '../secret' }, undefined],
  ['a hard link from outside', { kind: 'hardlink', path: 'h', linkTarget: '../secret' }, undefined],
  ['a hard link through a link', { kind: 'hardlink', path: 'h', linkTarget: 'l/secret' }, link],
  ['attributes through a link', { kind: 'attributes', path: 'l', mode: 0o40777, uid: 5 }, link],
  ['a node through a link', { kind: 'node', path: 'l/new', mode: 0o10644 }, link],
  ['a file over what is there', { kind: 'file', path: 'l' }, link],
] as [string, Partial<LayerRecord>, ((target: string) => void) | undefined][])
  test(`the tool itself refuses ${label}`, async () => {
    const { code, words } = await play([record], prepare);
    assert.is(code, 1, words);
    assert.match(words, /"call":/);
    assert.not.ok(existsSync('/tmp/tare-hostile-new'));
  });

test('the tool under sanitizers survives any stream of bytes', async () => {
  const tool = await ensureLayerTool(CACHE, { sanitize: true });
  await withStore(async (_store, folder) => {
    const target = join(folder, 'target');
    mkdirSync(target);
    const good = Buffer.concat([
      encodeRecord({ ...BLANK_RECORD, kind: 'directory', path: 'd' }),
      encodeRecord({
        ...BLANK_RECORD,
        kind: 'file',
        path: 'd/x',
        mode: 0o100644,
        size: 9000,
        dataLength: 8,
        segments: [
          { offset: 0, length: 4 },
          { offset: 4096, length: 4 },
        ],
        xattrs: [['user.k', Buffer.from('v')]],
      }),
      Buffer.from('datadata'),
      encodeRecord({ ...BLANK_RECORD, kind: 'symlink', path: 'l', linkTarget: 'd/x' }),
      encodeRecord(BLANK_RECORD),
    ]);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.nat(good.length),
        async (changes, length) => {
          const bytes = Buffer.from(good);
          for (const [at, byte] of changes) bytes[at] = byte;
          // Sparse sizes beyond the disk's are another story; a few MB of holes are not.
          const child = spawn(tool, ['apply', target], { stdio: ['pipe', 'ignore', 'pipe'] });
          child.stdin.on('error', () => undefined);
          child.stdin.end(bytes.subarray(0, length));
          let words = '';
          child.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()));
          const [code] = (await once(child, 'close')) as [number | null];
          assert.ok(code === 0 || code === 1, `ended with ${code}: ${words}`);
          assert.not.match(words, /Sanitizer|runtime error/);
        },
      ),
      { numRuns: 150 },
    );
  });
});

test('a bomb is stopped while it is being decompressed', async () => {
  // 1 GiB + of zeros in 1 MB: real layers never come near.
  const zeros = Buffer.alloc(1024 * 1024);
  const gzip = createGzip({ level: zlibConstants.Z_BEST_COMPRESSION });
  const chunks: Buffer[] = [];
  gzip.on('data', (chunk: Buffer) => chunks.push(chunk));
  const head = archiveOf({ path: 'bomb', size: 7 * 2 ** 30, content: '' }).subarray(0, 512);
  gzip.write(head);
  for (let i = 0; i < 24; i++) if (!gzip.write(zeros)) await once(gzip, 'drain');
  gzip.end();
  await once(gzip, 'end');
  const small = { ...LAYER_LIMITS, ratioFromBytes: 4 * 2 ** 20 };
  const { error } = await attack([], { blob: Buffer.concat(chunks), limits: small });
  assert.match(error?.message ?? '', /decompresses to more than 200 times/);
});

test('more bytes or entries than allowed end the unpacking', async () => {
  const limits = { ...LAYER_LIMITS, maxBytes: 1000, maxEntries: 3 };
  const bytes = await attack([{ path: 'a', content: 'x'.repeat(2000) }], { limits });
  assert.match(bytes.error?.message ?? '', /more than 1000 bytes/);
  const entries = await attack([{ path: 'a' }, { path: 'b' }, { path: 'c' }, { path: 'd' }], { limits });
  assert.match(entries.error?.message ?? '', /more than 3 entries/);
});

test('damaged or swapped layers are refused, and nothing of them is kept', () =>
  withStore(async (store) => {
    const archive = archiveOf({ path: 'x', content: 'hello' });
    const image = await imageOf(store, 'good', [archive]);
    const [layer] = image.manifest.layers;
    if (!layer) throw new Error('no layer');
    // Right digest of the blob, wrong content for the config: a swapped layer.
    const swapped = gzipSync(archiveOf({ path: 'x', content: 'owned' }));
    writeFileSync(store.blobs.path(layer.digest), swapped);
    await rejects(store.unpack(image), /digest is sha256:.*promised was/);
    const blob = await store.blobs.put(swapped);
    const lying = await store.add(image.config, [{ ...layer, ...blob }], 'lying');
    await rejects(store.unpack(lying), /decompressed: digest is/);
    writeFileSync(store.blobs.path(layer.digest), gzipSync(archive).subarray(0, -12));
    await rejects(store.unpack(image), /damaged or cut short/);
    const left = readdirSync(join(store.root, 'layers')).filter((name) => !name.startsWith('.lock'));
    assert.equal(left, []);
  }));

test('an interrupted unpack leaves nothing, and the next one succeeds', () =>
  withStore(async (store) => {
    const content = Buffer.alloc(40 * 2 ** 20);
    for (let at = 0; at < content.length; at += 32)
      createHash('md5').update(String(at)).digest().copy(content, at);
    const image = await imageOf(store, 'large', [archiveOf({ path: 'x', content })]);
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 60);
    await rejects(store.unpack(image, abort.signal), /abort/i);
    const left = readdirSync(join(store.root, 'layers')).filter((name) => !name.startsWith('.lock'));
    assert.equal(left, []);
    const { layers } = await store.unpack(image);
    assert.is(digestOf(readFileSync(join(layers[0] ?? '', 'x'))), digestOf(content));
  }));

async function rejects(promise: Promise<unknown>, words: RegExp): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (caught: unknown) => caught as Error,
  );
  assert.match(error?.message ?? 'nothing was thrown', words);
}

test.run();
