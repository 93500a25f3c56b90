import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { suite } from '../../../suite.ts';
import { loadArchive } from '../../../../runtimes/container/images/archive/load.ts';
import { importRootfs } from '../../../../runtimes/container/images/archive/rootfs-archive.ts';
import { saveArchive, type ArchiveFormat } from '../../../../runtimes/container/images/archive/save.ts';
import { digestOf } from '../../../../runtimes/container/images/format/digest.ts';
import type { ImageStore } from '../../../../runtimes/container/images/store/image-store.ts';
import { archiveOf } from '../../../runtimes/container/images/archive-of.ts';
import { imageOf, mergedListing, withStore } from './test-store.ts';

const test = suite('image archives');
const LAYERS = [
  archiveOf({ path: 'etc/os', content: 'x', mode: 0o640, uid: 5 }, { path: 'old', content: 'o' }),
  archiveOf({ path: '.wh.old' }, { path: 'new', type: 'symlink', linkTarget: 'etc/os' }),
];

async function names(store: ImageStore, layers: string[], folder: string): Promise<string[]> {
  return (await mergedListing(store, layers, folder)).map(({ path }) => path);
}

for (const format of ['oci-archive', 'docker-archive'] as ArchiveFormat[])
  test(`${format}: saved by us, read by skopeo and by us again`, () =>
    withStore(async (store, folder) => {
      const image = await imageOf(store, 'localhost/app:v1', LAYERS);
      const file = join(folder, 'saved.tar');
      await saveArchive(store, [image], file, format);
      const seen = JSON.parse(
        execFileSync('skopeo', ['inspect', `${format}:${file}`], { encoding: 'utf8' }),
      ) as {
        Layers: string[];
        Architecture: string;
      };
      assert.is(seen.Layers.length, 2);
      assert.is(seen.Architecture, 'amd64');
      if (format === 'docker-archive')
        assert.equal(
          seen.Layers,
          LAYERS.map((layer) => digestOf(layer)),
        );
      await withStore(async (other, scratch) => {
        const [loaded] = await loadArchive(other, file);
        if (!loaded) throw new Error('nothing was loaded');
        assert.is(loaded.name, 'localhost/app:v1');
        assert.is(loaded.manifest.config.digest, image.manifest.config.digest, 'the image id is kept');
        if (format === 'oci-archive') assert.is(loaded.descriptor.digest, image.descriptor.digest);
        const { layers } = await other.unpack(loaded);
        assert.equal(await names(other, layers, scratch), ['', 'etc', 'etc/os', 'new']);
      });
    }));

for (const format of ['oci-archive', 'docker-archive'])
  test(`${format} written by skopeo is loaded, also compressed`, () =>
    withStore(async (store, folder) => {
      await imageOf(store, 'localhost/app:v1', LAYERS);
      const file = join(folder, 'theirs.tar');
      execFileSync('skopeo', [
        'copy',
        '-q',
        `oci:${store.root}:localhost/app:v1`,
        `${format}:${file}:localhost/their/app:v2`,
      ]);
      writeFileSync(`${file}.gz`, gzipSync(readFileSync(file)));
      for (const path of [file, `${file}.gz`])
        await withStore(async (other, scratch) => {
          const [loaded] = await loadArchive(other, path);
          if (!loaded) throw new Error('nothing was loaded');
          assert.is(loaded.name, 'localhost/their/app:v2');
          const { layers } = await other.unpack(loaded);
          assert.equal(await names(other, layers, scratch), ['', 'etc', 'etc/os', 'new']);
        });
    }));

test('a docker archive whose layer was swapped is refused', () =>
  withStore(async (store, folder) => {
    const config = {
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: [digestOf(LAYERS[0] ?? Buffer.alloc(0))] },
    };
    const file = join(folder, 'swapped.tar');
    const manifest = [{ Config: 'c.json', RepoTags: ['evil:1'], Layers: ['l.tar'] }];
    writeFileSync(
      file,
      archiveOf(
        { path: 'c.json', content: JSON.stringify(config) },
        { path: 'l.tar', content: LAYERS[1] },
        { path: 'manifest.json', content: JSON.stringify(manifest) },
      ),
    );
    assert.match(await message(loadArchive(store, file)), /l\.tar: digest is/);
    assert.equal(await store.list(), []);
    writeFileSync(file, archiveOf({ path: 'etc/passwd', content: 'x' }));
    assert.match(await message(loadArchive(store, file)), /neither index.json nor manifest.json/);
    writeFileSync(file, archiveOf({ path: '../index.json', content: '{}' }));
    assert.match(await message(loadArchive(store, file)), /leads out/);
  }));

test('root filesystem tarballs: plain, gzip, xz, zstd; the same files from each', () =>
  withStore(async (store, folder) => {
    const plain = join(folder, 'root.tar');
    writeFileSync(plain, LAYERS[0] ?? '');
    execFileSync('sh', ['-c', 'gzip -k root.tar; xz -k root.tar; zstd -q root.tar'], { cwd: folder });
    for (const file of ['root.tar', 'root.tar.gz', 'root.tar.xz', 'root.tar.zst']) {
      const request = {
        file: join(folder, file),
        name: `r:${file.slice(9) || 'tar'}`,
        created: '2026-01-01T00:00:00Z',
      };
      const image = await importRootfs(store, request);
      assert.equal(image.config.rootfs.diff_ids, [digestOf(LAYERS[0] ?? '')]);
      const { layers } = await store.unpack(image);
      assert.equal(await names(store, layers, folder), ['', 'etc', 'etc/os', 'old']);
    }
    writeFileSync(plain, 'this is no archive at all, however long it may be'.repeat(40));
    assert.match(
      await message(importRootfs(store, { file: plain, name: 'no', created: '' })),
      /checksum|octal/,
    );
    assert.is(await store.find('no'), undefined);
  }));

async function message(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'nothing was thrown',
    (error: unknown) => (error as Error).message,
  );
}

test.run();
