import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as assert from 'uvu/assert';
import { suite } from '../../../suite.ts';
import { digestOf } from '../../../../runtimes/container/images/format/digest.ts';
import { parseChallenge } from '../../../../runtimes/container/images/registry/challenge.ts';
import { choosePlatform } from '../../../../runtimes/container/images/registry/platform.ts';
import { Registry } from '../../../../runtimes/container/images/registry/registry.ts';

const test = suite('registry client');
const RETRY = { attempts: 3, firstPauseMs: 1, random: () => 0 };
const MANIFEST = Buffer.from('{"schemaVersion":2}');

type Answer = (request: IncomingMessage, response: ServerResponse, port: number) => void;

async function withServer<T>(answer: Answer, work: (name: string) => Promise<T>): Promise<T> {
  const server = createServer((request, response) => {
    answer(request, response, (server.address() as AddressInfo).port);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await work(`localhost:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('challenges are read, whatever their order and quoting', () => {
  assert.equal(
    parseChallenge('Bearer realm="https://a/t?x=1,2",service="r",scope="repository:a/b:pull,push"'),
    { scheme: 'bearer', realm: 'https://a/t?x=1,2', service: 'r', scope: 'repository:a/b:pull,push' },
  );
  assert.equal(parseChallenge('Basic realm="x", Bearer realm="https://t"'), {
    scheme: 'bearer',
    realm: 'https://t',
    service: undefined,
    scope: undefined,
  });
  assert.equal(parseChallenge('basic realm="a \\"b\\""'), { scheme: 'basic', realm: 'a "b"' });
  assert.is(parseChallenge('Negotiate'), undefined);
});

test('the token flow: asks where the challenge says, with the login, and comes back with the token', async () => {
  const asked: string[] = [];
  await withServer(
    (request, response, port) => {
      if (request.url?.startsWith('/token')) {
        asked.push(`${request.url} ${request.headers.authorization}`);
        return response.end(JSON.stringify({ token: 'secret' }));
      }
      if (request.headers.authorization === 'Bearer secret')
        return response
          .writeHead(200, { 'content-type': 'application/vnd.oci.image.manifest.v1+json' })
          .end(MANIFEST);
      response.writeHead(401, {
        'www-authenticate': `Bearer realm="http://localhost:${port}/token",service="svc"`,
      });
      return response.end();
    },
    async (name) => {
      const registry = new Registry(name, { retry: RETRY, credentials: { username: 'a', password: 'b' } });
      for (let i = 0; i < 2; i++) {
        const { digest } = await registry.manifest('team/app', 'v1');
        assert.is(digest, digestOf(MANIFEST));
      }
    },
  );
  const basic = `Basic ${Buffer.from('a:b').toString('base64')}`;
  assert.equal(
    asked,
    [`/token?service=svc&scope=repository%3Ateam%2Fapp%3Apull ${basic}`],
    'asked once, then remembered',
  );
});

test('overload is waited out, and told when it lasts', async () => {
  let requests = 0;
  await withServer(
    (request, response) => {
      if (request.url === '/v2/') return response.end();
      requests++;
      return requests < 3 ? response.writeHead(503).end() : response.end(MANIFEST);
    },
    async (name) => {
      await new Registry(name, { retry: RETRY }).manifest('a', 'b');
      assert.is(requests, 3);
    },
  );
  await withServer(
    (request, response) => (request.url === '/v2/' ? response.end() : response.writeHead(429).end()),
    async (name) => {
      const error = await new Registry(name, { retry: RETRY }).manifest('a', 'b').then(
        () => undefined,
        (caught: unknown) => caught as { code: string; message: string },
      );
      assert.is(error?.code, 'image-registry-unavailable');
      assert.match(error?.message ?? '', /429.*tried 3 times/);
    },
  );
});

test('credentials do not follow a redirect to another host', async () => {
  const seen: (string | undefined)[] = [];
  await withServer(
    (request, response) => {
      seen.push(request.headers.authorization);
      response.end('blob');
    },
    (other) =>
      withServer(
        (request, response) => {
          if (request.url === '/v2/') return response.end();
          if (!request.headers.authorization)
            return response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
          return response.writeHead(307, { location: `http://${other}/elsewhere` }).end();
        },
        async (name) => {
          const registry = new Registry(name, {
            retry: RETRY,
            credentials: { username: 'a', password: 'b' },
          });
          const { stream } = await registry.blob('a', digestOf('blob'), 0);
          stream.resume();
          await once(stream, 'end');
        },
      ),
  );
  assert.equal(seen, [undefined]);
});

test('a manifest that is not what its digest says is refused', () =>
  withServer(
    (request, response) => response.end(request.url === '/v2/' ? '' : MANIFEST),
    async (name) => {
      const error = await new Registry(name, { retry: RETRY }).manifest('a', digestOf('other')).then(
        () => undefined,
        (caught: unknown) => caught as { code: string },
      );
      assert.is(error?.code, 'image-digest');
    },
  ));

test('the image for this machine is chosen, attestations never', () => {
  const entry = (architecture: string, digest: string, type?: string) => ({
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: digestOf(digest),
    size: 1,
    platform: { os: 'linux', architecture },
    annotations: type === undefined ? undefined : { 'vnd.docker.reference.type': type },
  });
  const manifests = [entry('amd64', 'a', 'attestation-manifest'), entry('amd64', 'b'), entry('arm64', 'c')];
  const index = { schemaVersion: 2 as const, manifests };
  assert.is(choosePlatform(index, 'x', { os: 'linux', architecture: 'amd64' }).digest, digestOf('b'));
  assert.throws(
    () => choosePlatform(index, 'x', { os: 'linux', architecture: 's390x' }),
    /there is linux\/amd64, linux\/arm64/,
  );
});

test.run();
