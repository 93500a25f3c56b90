import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { suite } from '../../../suite.ts';
import { chainIds, digestOf } from '../../../../runtimes/container/images/format/digest.ts';
import { parseManifest } from '../../../../runtimes/container/images/format/manifest.ts';
import { OCI_LAYER } from '../../../../runtimes/container/images/format/media-types.ts';
import { familiarName, fullName, parseReference } from '../../../../runtimes/container/images/reference.ts';
import { ImageStore } from '../../../../runtimes/container/images/store/image-store.ts';
import { pinLayers, unpinLayers } from '../../../../runtimes/container/images/store/pins.ts';
import { pruneStore } from '../../../../runtimes/container/images/store/prune.ts';
import { ownIdentity } from '../../../../runtimes/container/images/store/process-identity.ts';
import { withLock } from '../../../../runtimes/container/images/store/store-lock.ts';
import { archiveOf } from './archive-of.ts';

const test = suite('image store');

async function withStore<T>(work: (store: ImageStore, root: string) => Promise<T>): Promise<T> {
  const root = mkdtempSync(join(tmpdir(), 'tare-store-'));
  try {
    const store = new ImageStore({ root, cacheDir: join(root, 'cache') });
    await store.prepare();
    return await work(store, root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

async function add(store: ImageStore, name: string | undefined, content: string) {
  const archive = archiveOf({ path: 'f', content });
  const blob = await store.blobs.put(archive);
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: { Cmd: [content] },
    rootfs: { type: 'layers' as const, diff_ids: [blob.digest] },
  };
  return store.add(config, [{ mediaType: OCI_LAYER, ...blob }], name);
}

/** As if everything had been there for a while. */
function age(root: string): void {
  const folder = join(root, 'blobs/sha256');
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), 1000, 1000);
}

test('names are read as Docker reads them', () => {
  for (const [text, full, familiar] of [
    ['debian', 'docker.io/library/debian:latest', 'debian:latest'],
    ['team/app:v1', 'docker.io/team/app:v1', 'team/app:v1'],
    ['localhost/app', 'localhost/app:latest', 'localhost/app:latest'],
    ['host:5000/a/b:c', 'host:5000/a/b:c', 'host:5000/a/b:c'],
    ['ghcr.io/a/b', 'ghcr.io/a/b:latest', 'ghcr.io/a/b:latest'],
  ] as const) {
    assert.is(fullName(parseReference(text)), full);
    assert.is(familiarName(full), familiar);
  }
  const digest = `sha256:${'a'.repeat(64)}`;
  assert.is(fullName(parseReference(`x@${digest}`)), `docker.io/library/x@${digest}`);
  for (const bad of [
    '',
    'Upper',
    'a b',
    'a:',
    'a:b:c',
    '../x',
    'a/../b',
    'x@sha256:12',
    '-a',
    'a//b',
    `${'a'.repeat(300)}`,
  ])
    assert.throws(
      () => parseReference(bad),
      (error: { code?: string }) => error.code === 'bad-image-name',
      bad,
    );
});

test('chain ids follow the specification', () => {
  const [a, b] = [digestOf('a'), digestOf('b')];
  assert.equal(chainIds([a, b]), [a, digestOf(`${a} ${b}`)]);
});

test('blobs get their name only when digest and size are right', () =>
  withStore(async (store, root) => {
    const digest = digestOf('content');
    for (const promised of [{ digest: digestOf('other') }, { size: 6 }, { size: 8 }])
      await store.blobs.put(Buffer.from('content'), promised).then(
        () => assert.unreachable('was stored'),
        () => undefined,
      );
    assert.equal(readdirSync(join(root, 'blobs/sha256')), []);
    assert.equal(readdirSync(join(root, 'partial')), []);
    await store.blobs.put(Buffer.from('content'), { digest, size: 7 });
    assert.is(readFileSync(store.blobs.path(digest), 'utf8'), 'content');
    writeFileSync(store.blobs.path(digest), 'damaged');
    await store.blobs.read(digest, 'blob').then(
      () => assert.unreachable('damage was not seen'),
      (error: { code: string }) => assert.is(error.code, 'image-digest'),
    );
  }));

test('ambiguous and contradictory manifests are refused', () => {
  const descriptor = {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest: digestOf('x'),
    size: 1,
  };
  const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const good = { schemaVersion: 2, config: descriptor, layers: [] };
  const type = 'application/vnd.oci.image.manifest.v1+json';
  assert.is(parseManifest(bytes(good), type, 'x').kind, 'manifest');
  for (const [bad, words] of [
    [{ ...good, manifests: [] }, /ambiguous/],
    [{ ...good, mediaType: 'application/vnd.oci.image.index.v1+json' }, /calls itself/],
    [{ ...good, schemaVersion: 1 }, /schema 1/],
    [{ ...good, config: { ...descriptor, digest: 'md5:1' } }, /config\.digest/],
    [[], /no JSON object/],
  ] as const)
    assert.throws(() => parseManifest(bytes(bad), type, 'x'), words);
  assert.throws(() => parseManifest(Buffer.from('{'), type, 'x'), /not valid JSON/);
});

test('an image is found by name, by id and by the beginning of it', () =>
  withStore(async (store) => {
    const image = await add(store, 'app:v1', 'one');
    await add(store, 'other:v1', 'two');
    const id = image.manifest.config.digest;
    for (const named of ['app:v1', 'docker.io/library/app:v1', id, id.slice(7, 19), image.descriptor.digest])
      assert.is((await store.get(named)).descriptor.digest, image.descriptor.digest, named);
    assert.is(await store.find('app:v2'), undefined);
  }));

test('a name that moves on leaves its old image nameless; prune then frees it', () =>
  withStore(async (store, root) => {
    const old = await add(store, 'app', 'one');
    await store.name(old.descriptor, 'also');
    await add(store, 'app', 'two');
    assert.equal((await store.list()).map(({ name }) => name).sort(), [
      'docker.io/library/also:latest',
      'docker.io/library/app:latest',
    ]);
    await add(store, 'also', 'three');
    assert.is((await store.list()).filter(({ name }) => name === undefined).length, 1);
    age(root);
    const report = await pruneStore(store);
    assert.equal(report.images, [old.descriptor.digest]);
    assert.is(report.blobs, 3);
    assert.is((await store.list()).length, 2);
    for (const image of await store.list())
      assert.ok(await store.blobs.has(image.manifest.layers[0]?.digest ?? ''));
  }));

test('prune keeps what is being added, and what dead processes claimed it frees', () =>
  withStore(async (store, root) => {
    const lost = await store.blobs.put(Buffer.from('lost'));
    age(root);
    await store.adding(async () => {
      const fresh = await store.blobs.put(Buffer.from('fresh'));
      await pruneStore(store);
      assert.ok(await store.blobs.has(fresh.digest));
      assert.not.ok(await store.blobs.has(lost.digest));
    });
    mkdirSync(join(root, 'leases'), { recursive: true });
    const dead = { ...ownIdentity(), started: '1', since: 0 };
    writeFileSync(join(root, 'leases/dead.json'), JSON.stringify(dead));
    age(root);
    assert.is((await pruneStore(store)).blobs, 1);
    assert.equal(readdirSync(join(root, 'leases')), []);
  }));

test('an image that a container uses is not removed without force', () =>
  withStore(async (store, root) => {
    const image = await add(store, 'app', 'one');
    await pinLayers(root, 'c1', { digest: image.descriptor.digest, layers: [] });
    await store.remove('app').then(
      () => assert.unreachable('was removed'),
      (error: Error) => assert.match(error.message, /used by container c1/),
    );
    await unpinLayers(root, 'c1');
    assert.equal(await store.remove('app'), { untagged: ['docker.io/library/app:latest'], deleted: true });
  }));

test('what a container stands on, running or not, is neither pruned nor removed while its record is there', () =>
  withStore(async (store) => {
    const image = await add(store, 'app', 'one');
    const { layers } = await store.unpack(image);
    for (const tree of layers) utimesSync(join(tree, '..'), 1000, 1000);
    const uses = [{ owner: 'web', layers }];
    await store.remove('app', { uses }).then(
      () => assert.unreachable('was removed'),
      (error: Error) => assert.match(error.message, /used by container web/),
    );
    await store.remove('app', { uses, force: true });
    assert.is((await pruneStore(store, { all: true, uses })).layers, 0);
    assert.ok(existsSync(layers[0]!));
    assert.is((await pruneStore(store, { all: true, uses: [] })).layers, 1);
    assert.not.ok(existsSync(layers[0]!));
  }));

test('a lock is held by one at a time, and a dead owner’s is taken over', () =>
  withStore(async (_store, root) => {
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 8 }, () =>
        withLock(root, 'x', async () => {
          most = Math.max(most, ++inside);
          await pause(3);
          inside--;
        }),
      ),
    );
    assert.is(most, 1);
    mkdirSync(join(root, '.lock-x'));
    writeFileSync(join(root, '.lock-x/owner.json'), JSON.stringify({ ...ownIdentity(), started: '1' }));
    assert.is(await withLock(root, 'x', () => Promise.resolve('taken')), 'taken');
    assert.equal(
      readdirSync(root).filter((name) => name.startsWith('.lock')),
      [],
    );
  }));

test('names added by many at once are all kept', () =>
  withStore(async (store) => {
    const image = await add(store, undefined, 'one');
    await Promise.all(Array.from({ length: 12 }, (_, i) => store.name(image.descriptor, `app:v${i}`)));
    assert.is((await store.list()).length, 12);
  }));

test.run();
