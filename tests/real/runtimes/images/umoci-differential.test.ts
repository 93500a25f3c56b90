import { execFileSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../../../suite.ts';
import { packLayer } from '../../../../runtimes/container/images/layer/pack.ts';
import type { LayerRecord } from '../../../../runtimes/container/images/layer/record.ts';
import { upperDiff } from '../../../../runtimes/container/images/layer/upper-diff.ts';
import { scanTree } from '../../../../runtimes/container/images/native/layer-tool.ts';
import type { ImageStore } from '../../../../runtimes/container/images/store/image-store.ts';
import { archiveOf, type Wanted } from '../../../runtimes/container/images/archive-of.ts';
import { imageOf, mergedListing, withStore } from './test-store.ts';

/** The same image unpacked by us and by umoci (Debian's): every name, type, mode, owner, link, device, attribute and byte. */
const test = suite('unpacking, compared with umoci');

const directory = { type: 'directory' } as const;
const symlink = (path: string, linkTarget: string): Wanted => ({ path, type: 'symlink', linkTarget });
const hardlink = (path: string, linkTarget: string): Wanted => ({ path, type: 'hardlink', linkTarget });
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');

const BASE: Wanted[] = [
  { path: './', ...directory, mode: 0o755 },
  { path: 'bin', ...directory },
  { path: 'bin/su', mode: 0o4755, content: 'su', gid: 12 },
  { path: 'bin/ping', mode: 0o755, content: 'ping', xattrs: [['security.capability', CAPABILITY]] },
  { path: 'tmp', ...directory, mode: 0o1777 },
  { path: 'var', ...directory, uid: 3, gid: 4 },
  { path: 'var/spool', ...directory, mode: 0o2770, gid: 8, xattrs: [['user.note', Buffer.from('böse\0x')]] },
  { path: 'var/spool/mail', content: 'you have mail', uid: 70_000, gid: 4_000_000_000, mode: 0o600 },
  symlink('var/run', '/run'),
  symlink('lib', 'usr/lib'),
  { path: 'run', ...directory },
  { path: 'usr/lib/libc', content: 'c'.repeat(3000) },
  hardlink('usr/lib/libc.so', 'usr/lib/libc'),
  { path: 'dev', ...directory },
  { path: 'dev/null', type: 'char', devMajor: 1, devMinor: 3, mode: 0o666 },
  { path: 'dev/fifo', type: 'fifo', mode: 0o620, uid: 5 },
  { path: 'etc/old', content: 'old' },
  { path: 'etc/keep', content: 'keep', mtimeSec: 1 },
  { path: 'opt/a/x', content: 'x' },
  { path: 'opt/a/y', content: 'y' },
  { path: 'opt/b', content: 'a file that becomes a directory' },
  { path: 'opt/c/z', content: 'a directory that becomes a file' },
  { path: `long/${'n'.repeat(200)}`, content: 'long' },
  { path: Buffer.from([0x6e, 0xff, 0xfe]).toString('latin1'), content: 'no text' },
];

const CORPUS: Record<string, Wanted[][]> = {
  'one layer': [BASE],
  'links in parents, of this layer and of the one below': [
    BASE,
    [
      { path: 'lib/through', content: 't' },
      symlink('etc/alias', '../opt/a'),
      { path: 'etc/alias/new', content: 'n' },
      { path: 'var/run/pid', content: '1' },
    ],
  ],
  'whiteouts of files, links and directories': [
    BASE,
    [{ path: 'etc/.wh.old' }, { path: '.wh.lib' }, { path: 'opt/.wh.a' }, { path: 'var/spool/.wh.mail' }],
  ],
  'an opaque directory, and one made again': [
    BASE,
    [
      { path: 'opt/a/', ...directory, mode: 0o711 },
      { path: 'opt/a/.wh..wh..opq' },
      { path: 'opt/a/fresh', content: 'f' },
    ],
    [{ path: 'opt/.wh.a' }],
    [
      { path: 'opt/a/', ...directory },
      { path: 'opt/a/again', content: 'g' },
    ],
  ],
  'files and directories changing places': [
    BASE,
    [
      { path: 'opt/b', ...directory },
      { path: 'opt/b/inner', content: 'i' },
      { path: 'opt/.wh.c' },
      { path: 'opt/d', content: 'd' },
    ],
    [symlink('opt/b', 'a'), { path: 'opt/c', content: 'now a file' }],
  ],
  'the same path twice': [
    [
      { path: 'x', content: 'first' },
      { path: 'x', content: 'second', mode: 0o600 },
      { path: 'd', ...directory, mode: 0o700 },
      { path: 'd/k' },
      { path: 'd', ...directory, mode: 0o755, uid: 9 },
    ],
  ],
  'parents that the archive does not name': [BASE, [{ path: 'tmp/deep/er/file', content: 'f' }]],
  'a hard link to a symbolic link': [[{ path: 't', content: 't' }, symlink('s', 't'), hardlink('h', 's')]],
  'a file with holes': [
    [
      {
        path: 'holes',
        size: 3_000_000,
        segments: [{ offset: 1_048_576, length: 512 }],
        content: 'd'.repeat(512),
      },
    ],
  ],
};

for (const [label, layers] of Object.entries(CORPUS))
  for (const packed of [true, false])
    test(`${label}${packed ? '' : ', uncompressed'}`, () =>
      withStore(async (store, folder) => {
        const image = await imageOf(
          store,
          'localhost/corpus:1',
          layers.map((wanted) => archiveOf(...wanted)),
          packed,
        );
        const unpacked = await store.unpack(image);
        const ours = await mergedListing(store, unpacked.layers, folder);
        const theirs = await umociListing(store, folder, 'localhost/corpus:1');
        compare(ours, theirs);
      }));

test('what a container changed is packed so that umoci sees the same', () =>
  withStore(async (store, folder) => {
    const base = await imageOf(store, 'localhost/base:1', [archiveOf(...BASE)]);
    const { layers } = await store.unpack(base);
    const [upper, work, merged] = ['upper', 'work', 'merged'].map((name) => join(folder, name));
    if (!upper || !work || !merged) throw new Error('no folders');
    for (const path of [upper, work, merged]) mkdirSync(path);
    const options = `lowerdir=${layers.join(':')},upperdir=${upper},workdir=${work},redirect_dir=off,metacopy=off`;
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, merged]);
    let wanted: LayerRecord[];
    try {
      const script = `rm etc/old; rm -r opt/a; mkdir opt/a; echo new > opt/a/fresh; ln opt/a/fresh opt/a/hard
        rm opt/b; mkdir opt/b; mv opt/c opt/moved; chmod 4711 bin/ping; setfattr -n user.k -v v etc/keep
        mkfifo pipe; chown 7:8 var/spool; ln -sf nowhere lib; mknod dev/zero c 1 5`;
      execFileSync('sh', ['-ec', script], { cwd: merged });
      writeFileSync(join(merged, 'sparse'), '');
      truncateSync(join(merged, 'sparse'), 2_000_000);
      execFileSync(
        'dd',
        ['if=/dev/zero', 'of=sparse', 'bs=4096', 'seek=100', 'count=1', 'conv=notrunc', 'status=none'],
        { cwd: merged },
      );
      wanted = await scanTree(await store.layerTool(), merged);
    } finally {
      execFileSync('umount', [merged]);
    }
    const listing = await scanTree(await store.layerTool(), upper);
    const packed = await packLayer(store.blobs, upperDiff(upper, listing));
    const again = await packLayer(store.blobs, upperDiff(upper, listing));
    assert.is(again.descriptor.digest, packed.descriptor.digest, 'the same tree packs to the same bytes');
    const config = {
      ...base.config,
      rootfs: { type: 'layers' as const, diff_ids: [...(base.config.rootfs.diff_ids ?? []), packed.diffId] },
    };
    const image = await store.add(
      config,
      [...base.manifest.layers, packed.descriptor],
      'localhost/changed:1',
    );
    const unpacked = await store.unpack(image);
    compare(await mergedListing(store, unpacked.layers, folder), wanted);
    compare(await umociListing(store, folder, 'localhost/changed:1'), wanted);
    const sparse = (await mergedListing(store, unpacked.layers, folder)).find(
      ({ path }) => path === 'sparse',
    );
    assert.ok(sparse?.segments, 'the holes came back as holes');
  }));

/** skopeo reads our store as the OCI layout it is; umoci unpacks the copy. */
async function umociListing(store: ImageStore, folder: string, name: string): Promise<LayerRecord[]> {
  const run = Math.random().toString(36).slice(2);
  const layout = join(folder, `layout-${run}`);
  execFileSync('skopeo', ['copy', '-q', `oci:${store.root}:${name}`, `oci:${layout}:x`]);
  const bundle = join(folder, `bundle-${run}`);
  execFileSync('umoci', ['unpack', '--image', `${layout}:x`, bundle], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return scanTree(await store.layerTool(), join(bundle, 'rootfs'));
}

function compare(ours: LayerRecord[], theirs: LayerRecord[]): void {
  const [left, right] = [described(ours), described(theirs)];
  assert.equal([...left.keys()], [...right.keys()]);
  for (const [path, record] of left) assert.equal({ path, ...record }, { path, ...right.get(path) });
}

/** What must agree. Times of directories are left out: both set them, umoci later changes some while it works on. */
function described(records: LayerRecord[]): Map<string, object> {
  const first = new Map<string, string>();
  return new Map(
    records
      .filter(({ path }) => path !== '')
      .map((record) => {
        const { path, mode, uid, gid, devMajor, devMinor, linkTarget, size, mtimeSec, nlink } = record;
        const sameAs = record.kind === 'directory' ? path : (first.get(record.inode) ?? path);
        if (!first.has(record.inode)) first.set(record.inode, path);
        const xattrs = record.xattrs
          .filter(([name]) => !name.startsWith('trusted.overlay.'))
          .map(([name, value]) => `${name}=${value.toString('hex')}`)
          .sort();
        const facts = {
          mode: mode.toString(8),
          uid,
          gid,
          devMajor,
          devMinor,
          linkTarget,
          size,
          xattrs,
          sameAs,
        };
        const file = record.kind === 'directory' ? {} : { mtimeSec, nlink };
        return [path, { ...facts, ...file }];
      }),
  );
}

test.run();
