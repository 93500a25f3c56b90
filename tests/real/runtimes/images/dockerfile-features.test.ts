import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { buildImage, type BuildRequest } from '../../../../runtimes/container/images/build/build-image.ts';
import type { LayerRecord } from '../../../../runtimes/container/images/layer/record.ts';
import type { ImageStore } from '../../../../runtimes/container/images/store/image-store.ts';
import { ensureImage } from '../../../../runtimes/image/ensure-image.ts';
import { stepRunner } from '../../../../runtimes/container/step-runner.ts';
import { archiveOf, type Wanted } from '../../../runtimes/container/images/archive-of.ts';
import { suite } from '../../../suite.ts';
import { refusalOf } from '../../../workloads/refusal.ts';
import { CACHE, imageOf, mergedListing, withStore } from './test-store.ts';

const test = suite('Dockerfiles of today: here-documents, mounts, fetched files, COPY’s flags');

interface Built {
  tree: Map<string, LayerRecord>;
  read(path: string): string;
  said: string[];
  history: string;
}

/** A base image of one static busybox. */
async function busybox(store: ImageStore): Promise<void> {
  const { rootfs } = await ensureImage(CACHE, () => undefined);
  const content = readFileSync(join(rootfs, 'usr/bin/busybox'));
  const names = ['sh', 'cat', 'ls', 'mkdir', 'grep', 'env', 'tr'];
  const links = names.map((name): Wanted => ({
    path: `bin/${name}`,
    type: 'symlink',
    linkTarget: 'busybox',
  }));
  await imageOf(store, 'base', [
    archiveOf(
      { path: 'bin', type: 'directory', mode: 0o755 },
      { path: 'bin/busybox', content, mode: 0o755 },
      ...links,
      { path: 'etc', type: 'directory', mode: 0o755 },
      { path: 'there', type: 'symlink', linkTarget: '/etc' },
    ),
  ]);
}

async function build(
  store: ImageStore,
  folder: string,
  files: Record<string, string>,
  options: Partial<BuildRequest> = {},
): Promise<Built> {
  const context = join(folder, 'context');
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(context, path)), { recursive: true });
    writeFileSync(join(context, path), content);
  }
  const said: string[] = [];
  const runner = await stepRunner({ cacheDir: CACHE });
  const image = await buildImage(
    {
      context,
      file: join(context, 'Dockerfile'),
      names: ['built'],
      buildArgs: new Map(),
      now: new Date().toISOString(),
      reproducible: false,
      ...options,
    },
    {
      store,
      runner,
      pull: () => Promise.reject(new Error('nothing is pulled here')),
      say: (line) => said.push(line),
      output: (chunk) => said.push(Buffer.from(chunk).toString()),
    },
  );
  const { layers } = await store.unpack(image);
  const tree = new Map((await mergedListing(store, layers, folder)).map((record) => [record.path, record]));
  const fileOf = (path: string) => {
    for (const layer of [...layers].reverse()) {
      try {
        return readFileSync(join(layer, path), 'utf8');
      } catch {
        // It is another layer's.
      }
    }
    throw new Error(`${path} is nowhere: ${said.join('\n')}`);
  };
  return { tree, said, read: fileOf, history: JSON.stringify(image.config) };
}

const cachedSteps = ({ said }: Built): number => said.filter((line) => line === '  cached').length;

test('here-documents: scripts, input of commands, an interpreter of their own, files; the cache sees their text', () =>
  withStore(async (store, folder) => {
    await busybox(store);
    const Dockerfile = (word: string) => `# syntax=docker/dockerfile:1
FROM base AS made
ARG WHO=world
RUN <<EOF
echo one > /one
echo ${word} $WHO >> /one
EOF
RUN tr a-z A-Z <<-EOF > /two && echo more >> /two
	hello $WHO
	EOF
RUN <<SCRIPT
#!/bin/cat
shown
SCRIPT
COPY <<plain.txt <<'quoted.txt' /files/
it's for $WHO
plain.txt
$WHO
quoted.txt
FROM scratch
COPY --from=made /one /two /
COPY --from=made /files /files`;
    const built = await build(store, folder, { Dockerfile: Dockerfile('two') });
    assert.is(built.read('one'), 'one\ntwo world\n');
    assert.is(built.read('two'), 'HELLO WORLD\nmore\n');
    assert.match(built.said.join('\n'), /^#!\/bin\/cat\nshown$/m);
    assert.is(built.read('files/plain.txt'), "it's for world\n");
    assert.is(built.read('files/quoted.txt'), '$WHO\n');
    assert.is((built.tree.get('files/plain.txt')?.mode ?? 0) & 0o7777, 0o644);
    assert.is(cachedSteps(await build(store, folder, {})), 6, 'every step that makes a layer');
    const changed = await build(store, folder, { Dockerfile: Dockerfile('three') });
    assert.is(changed.read('one'), 'one\nthree world\n');
  }));

test('RUN --mount: a cache that stays, a bind, a tmpfs and a secret that leave nothing in the layer', () =>
  withStore(async (store, folder) => {
    await busybox(store);
    const secrets = new Map([['token', Buffer.from('s3cret')]]);
    const Dockerfile = (marker: string) => `FROM base AS tools
COPY tool.txt /opt/tool.txt
FROM base
RUN --mount=type=cache,target=/cache,mode=700 echo ${marker} >> /cache/log && cat /cache/log > /log
RUN --mount=type=bind,target=/src --mount=from=tools,source=/opt,target=/mnt/opt cat /src/data/in.txt /mnt/opt/tool.txt > /joined; ls -a /src > /seen; echo x 2>/dev/null > /src/no || echo read-only > /why
RUN --mount=type=tmpfs,target=/scratch/deep,size=1m echo gone > /scratch/deep/file && grep -q ' /scratch/deep tmpfs' /proc/mounts && echo yes > /tmpfs
RUN --mount=type=secret,id=token --mount=type=secret,id=token,env=TOKEN cat /run/secrets/token > /dev/null && echo "\${#TOKEN}" > /length`;
    const files = { 'data/in.txt': 'in\n', 'tool.txt': 'tool\n', hidden: 'no', '.dockerignore': 'hidden\n' };
    const built = await build(store, folder, { ...files, Dockerfile: Dockerfile('first') }, { secrets });
    assert.is(built.read('log'), 'first\n');
    assert.is(built.read('joined'), 'in\ntool\n');
    assert.not.match(built.read('seen'), /hidden/, 'what is ignored is not there');
    assert.is(built.read('why'), 'read-only\n');
    assert.is(built.read('tmpfs'), 'yes\n');
    assert.is(built.read('length'), '6\n');
    const left = [...built.tree.keys()].filter((path) => /^(cache|src|mnt|scratch|run|dev|proc)/.test(path));
    assert.equal(left, [], 'mount points are no part of the image');
    assert.not.match(built.history, /s3cret/);
    const again = await build(store, folder, { Dockerfile: Dockerfile('second') }, { secrets });
    assert.is(again.read('log'), 'first\nsecond\n', 'the cache outlives the build');
    // What a bind shows decides whether the step is the same.
    const same = await build(store, folder, {}, { secrets });
    assert.is(cachedSteps(same), 5);
    const other = await build(store, folder, { 'data/in.txt': 'changed\n' }, { secrets });
    assert.is(other.read('joined'), 'changed\ntool\n');
    const missing = await refusalOf(
      build(store, folder, { Dockerfile: 'FROM base\nRUN --mount=type=secret,id=key,required true' }),
    );
    assert.is(missing.code, 'bad-dockerfile-secret');
    assert.match(missing.hint ?? '', '--secret id=key');
  }));

test('COPY --parents, --exclude, --link and symbolic --chmod', () =>
  withStore(async (store, folder) => {
    await busybox(store);
    const { tree } = await build(store, folder, {
      Dockerfile: `FROM base
COPY --parents a/b/one.txt c/two.txt /kept/
COPY --parents ./a/./b /from-pivot/
COPY --exclude=*.log --exclude=**/tmp . /tidy/
COPY --link a/b/one.txt /there/linked
COPY --chmod=u=rwX,go=rX a /modes`,
      'a/b/one.txt': '1',
      'c/two.txt': '2',
      'c/noise.log': 'n',
      'top.log': 'n',
      'c/tmp/x': 'x',
    });
    for (const path of ['kept/a/b/one.txt', 'kept/c/two.txt', 'from-pivot/b/one.txt', 'tidy/c/two.txt'])
      assert.ok(tree.has(path), `${path} in ${[...tree.keys()].join(' ')}`);
    assert.not.ok(tree.has('from-pivot/a'));
    assert.not.ok(tree.has('tidy/top.log') || tree.has('tidy/c/tmp'));
    assert.ok(tree.has('tidy/c/noise.log'), 'a pattern without ** is of the top alone');
    assert.ok(tree.get('there')?.kind === 'directory' && tree.has('there/linked'), '--link follows no link');
    assert.not.ok(tree.has('etc/linked'));
    assert.equal(
      ['modes/b', 'modes/b/one.txt'].map((path) => (tree.get(path)?.mode ?? 0) & 0o7777),
      [0o755, 0o644],
    );
  }));

test('--link: the same files are the same layer on any base', () =>
  withStore(async (store, folder) => {
    await busybox(store);
    await imageOf(store, 'other', [archiveOf({ path: 'x', content: 'x' })]);
    const files = { f: 'f' };
    await build(store, folder, { ...files, Dockerfile: 'FROM base\nCOPY --link f /f' });
    assert.is(cachedSteps(await build(store, folder, { Dockerfile: 'FROM other\nCOPY --link f /f' })), 1);
    assert.is(cachedSteps(await build(store, folder, { Dockerfile: 'FROM other\nCOPY f /f' })), 0);
  }));

test('ADD fetches: name, mode, time and checksum; other bytes are another layer; failures are told', () =>
  withStore(async (store, folder) => {
    await busybox(store);
    let body = 'first version';
    const server: Server = createServer((request, response) => {
      if (request.url === '/moved') return void response.writeHead(302, { location: '/file.txt' }).end();
      if (request.url === '/cut') {
        response.writeHead(200, { 'content-length': '100' });
        response.write('short');
        return void setTimeout(() => response.destroy(), 20);
      }
      if (!request.url?.startsWith('/file')) return void response.writeHead(404).end();
      response.writeHead(200, { 'last-modified': 'Thu, 01 Jan 2015 00:00:00 GMT' }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const sum = `sha256:${createHash('sha256').update(body).digest('hex')}`;
    try {
      const Dockerfile = `FROM base\nARG AT\nADD --checksum=${sum} $AT/file.txt?x=1 /got/\nADD $AT/moved /got/other`;
      const buildArgs = new Map([['AT', at]]);
      const built = await build(store, folder, { Dockerfile }, { buildArgs });
      assert.is(built.read('got/file.txt'), body);
      assert.is(built.read('got/other'), body);
      const record = built.tree.get('got/file.txt');
      assert.equal([(record?.mode ?? 0) & 0o7777, record?.mtimeSec], [0o600, 1420070400]);
      body = 'second version';
      const wrong = await refusalOf(build(store, folder, {}, { buildArgs }));
      assert.match(wrong.message, /Dockerfile:3: .*hashes to sha256:[0-9a-f]{64}, and sha256:/);
      const plain = { Dockerfile: `FROM base\nADD ${at}/file.txt /` };
      assert.is((await build(store, folder, plain)).read('file.txt'), body);
      body = 'third';
      assert.is((await build(store, folder, plain)).read('file.txt'), 'third');
      for (const [path, words] of [
        ['nowhere', 'the server answered 404'],
        ['', 'the server answered 404'],
      ] as const)
        assert.match(
          (await refusalOf(build(store, folder, { Dockerfile: `FROM base\nADD ${at}/${path} /x` }))).message,
          words,
        );
      let cut = '';
      await build(store, folder, { Dockerfile: `FROM base\nADD ${at}/cut /x` }).catch(
        (error: Error) => (cut = error.message),
      );
      assert.is.not(cut, '', 'what was cut short is no file');
    } finally {
      server.close();
    }
  }));

test.run();
