import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../../../suite.ts';
import { parseReference } from '../../../../runtimes/container/images/reference.ts';
import { pullImage } from '../../../../runtimes/container/images/registry/pull.ts';
import { pushImage } from '../../../../runtimes/container/images/registry/push.ts';
import { Registry, type RegistryOptions } from '../../../../runtimes/container/images/registry/registry.ts';
import type { ImageStore, StoredImage } from '../../../../runtimes/container/images/store/image-store.ts';
import { archiveOf } from '../../../runtimes/container/images/archive-of.ts';
import { makeCertificates, startRegistry, type RunningRegistry } from './docker-registry.ts';
import { imageOf, withStore } from './test-store.ts';

const test = suite('registries');
const QUICK = { attempts: 3, firstPauseMs: 5, random: () => 0 };

async function withRegistry(
  options: Parameters<typeof startRegistry>[1],
  work: (registry: RunningRegistry, store: ImageStore, folder: string) => Promise<void>,
): Promise<void> {
  await withStore(async (store, folder) => {
    const registry = await startRegistry(folder, options);
    try {
      await work(registry, store, folder);
    } finally {
      await registry.stop();
    }
  });
}

function example(store: ImageStore): Promise<StoredImage> {
  const noise = Buffer.alloc(300_000);
  for (let at = 0; at < noise.length; at += 32)
    createHash('sha256').update(String(at)).digest().copy(noise, at);
  return imageOf(store, 'localhost/example:1', [
    archiveOf({ path: 'a', content: noise }),
    archiveOf({ path: 'b', content: 'b' }),
  ]);
}

async function push(store: ImageStore, image: StoredImage, name: string, options: RegistryOptions = {}) {
  const reference = parseReference(name);
  return pushImage(store, new Registry(reference.registry, { retry: QUICK, ...options }), image, reference);
}

async function pull(store: ImageStore, name: string, options: RegistryOptions = {}): Promise<StoredImage> {
  const reference = parseReference(name);
  const registry = new Registry(reference.registry, { retry: QUICK, ...options });
  return pullImage(store, registry, reference, { retry: QUICK });
}

async function failure(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await promise.then(
    () => undefined,
    (caught: unknown) => caught as { code: string; message: string },
  );
  if (!error) throw new Error('nothing was thrown');
  return error;
}

test('what is pushed is pulled again with the same digest, by tag and by digest, and skopeo agrees', () =>
  withRegistry({}, async (registry, store) => {
    const image = await example(store);
    const name = `${registry.name}/team/example:v1`;
    const digest = await push(store, image, name);
    assert.is(digest, image.descriptor.digest);
    const seen = JSON.parse(
      execFileSync('skopeo', ['inspect', '--tls-verify=false', `docker://${name}`], { encoding: 'utf8' }),
    ) as { Digest: string };
    assert.is(seen.Digest, digest);
    await withStore(async (other) => {
      const pulled = await pull(other, name);
      assert.is(pulled.descriptor.digest, digest);
      assert.is(pulled.name, name);
      assert.is((await other.unpack(pulled)).layers.length, 2);
    });
    await withStore(async (other) => {
      const pulled = await pull(other, `${registry.name}/team/example@${digest}`);
      assert.is(pulled.descriptor.digest, digest);
    });
    assert.is((await failure(pull(store, `${registry.name}/team/absent:v1`))).code, 'image-registry-unknown');
  }));

test('an image pushed by skopeo, in Docker’s schema 2 behind a manifest list, is pulled for this machine', () =>
  withRegistry({}, async (registry, store) => {
    await example(store);
    const target = `docker://${registry.name}/schema2:1`;
    execFileSync('skopeo', [
      'copy',
      '-q',
      '--format=v2s2',
      '--dest-tls-verify=false',
      `oci:${store.root}:localhost/example:1`,
      target,
    ]);
    await withStore(async (other) => {
      const pulled = await pull(other, `${registry.name}/schema2:1`);
      assert.is(pulled.descriptor.mediaType, 'application/vnd.docker.distribution.manifest.v2+json');
      const list = Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: 'application/vnd.docker.distribution.manifest.list.v2+json',
          manifests: ['s390x', 'amd64'].map((architecture) => ({
            mediaType: pulled.descriptor.mediaType,
            digest: pulled.descriptor.digest,
            size: pulled.descriptor.size,
            platform: { os: 'linux', architecture },
          })),
        }),
      );
      await new Registry(registry.name).putManifest(
        'schema2',
        'list',
        'application/vnd.docker.distribution.manifest.list.v2+json',
        list,
      );
      assert.is(
        (await pull(other, `${registry.name}/schema2:list`)).descriptor.digest,
        pulled.descriptor.digest,
      );
    });
  }));

test('TLS: the authority must be known, and a bad certificate is no reason to fall back', () =>
  withStore(async (_store, folder) => {
    const tls = makeCertificates(folder);
    await withRegistry({ tls }, async (registry, store) => {
      const image = await example(store);
      const name = `${registry.name}/tls:1`;
      const refused = await failure(push(store, image, name));
      assert.is(refused.code, 'image-registry-tls');
      assert.match(refused.message, /not trusted/);
      await push(store, image, name, { caFile: tls.ca });
      await withStore(async (other) => {
        assert.is((await pull(other, name, { caFile: tls.ca })).descriptor.digest, image.descriptor.digest);
      });
      await withStore(async (other) => void (await pull(other, name, { tlsVerify: false })));
    });
  }));

test('basic authentication: without, with wrong and with right credentials', () =>
  withStore(async (_store, folder) => {
    const htpasswd = join(folder, 'htpasswd');
    writeFileSync(htpasswd, execFileSync('htpasswd', ['-Bbn', 'ann', 'pass:word']));
    await withRegistry({ htpasswd }, async (registry, store) => {
      const image = await example(store);
      const name = `${registry.name}/private:1`;
      assert.is((await failure(push(store, image, name))).code, 'image-registry-denied');
      const wrong = { credentials: { username: 'ann', password: 'no' } };
      assert.match((await failure(push(store, image, name, wrong))).message, /refuses these credentials/);
      const right = { credentials: { username: 'ann', password: 'pass:word' } };
      await push(store, image, name, right);
      await withStore(async (other) => {
        assert.is((await pull(other, name, right)).descriptor.digest, image.descriptor.digest);
      });
    });
  }));

test('a connection that is cut in the middle of a blob is taken up again', () =>
  withRegistry({}, async (registry, store) => {
    const image = await example(store);
    await push(store, image, `${registry.name}/cut:1`);
    // A proxy that cuts its first long answers after 100,000 bytes.
    let cuts = 0;
    const proxy = createServer((client) => {
      const server = connect(registry.port, '127.0.0.1');
      let sent = 0;
      client.on('data', (chunk) => server.write(chunk));
      server.on('data', (chunk: Buffer) => {
        sent += chunk.length;
        if (sent > 100_000 && cuts < 2) {
          cuts++;
          client.destroy();
          server.destroy();
        } else client.write(chunk);
      });
      for (const [a, b] of [
        [client, server],
        [server, client],
      ] as const) {
        a.on('error', () => b.destroy());
        a.on('close', () => b.destroy());
      }
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    try {
      const name = `localhost:${(proxy.address() as AddressInfo).port}/cut:1`;
      await withStore(async (other) => {
        const pulled = await pull(other, name);
        assert.is(pulled.descriptor.digest, image.descriptor.digest);
        assert.is(cuts, 2);
        await other.unpack(pulled);
        assert.equal(readdirSync(join(other.root, 'partial')), []);
      });
    } finally {
      proxy.close();
    }
  }));

test('a registry that hands out other bytes than it promised is caught', () =>
  withRegistry({}, async (registry, store, folder) => {
    const image = await example(store);
    await push(store, image, `${registry.name}/bad:1`);
    const [layer] = image.manifest.layers;
    const hex = layer?.digest.slice('sha256:'.length) ?? '';
    const data = join(
      folder,
      `registry-${registry.port}`,
      'data/docker/registry/v2/blobs/sha256',
      hex.slice(0, 2),
      hex,
      'data',
    );
    writeFileSync(data, Buffer.alloc(layer?.size ?? 0, 'x'));
    await withStore(async (other) => {
      assert.is((await failure(pull(other, `${registry.name}/bad:1`))).code, 'image-digest');
      assert.not.ok(await other.blobs.has(layer?.digest ?? ''));
      assert.is(await other.find(`${registry.name}/bad:1`), undefined);
      assert.equal(readdirSync(join(other.root, 'partial')), []);
    });
  }));

test('pushing again sends nothing that is there', () =>
  withRegistry({}, async (registry, store) => {
    const image = await example(store);
    const reference = parseReference(`${registry.name}/twice:1`);
    const lines: string[] = [];
    for (let i = 0; i < 2; i++)
      await pushImage(store, new Registry(reference.registry), image, reference, (line) => lines.push(line));
    assert.is(lines.filter((line) => line.endsWith('there already')).length, 3);
  }));

test.run();
