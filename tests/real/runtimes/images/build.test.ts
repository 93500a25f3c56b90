import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../../../suite.ts';
import { packagePath } from '../../../../results/package-root.ts';
import { buildImage, type BuildRequest } from '../../../../runtimes/container/images/build/build-image.ts';
import type { BuildStep, StepRunner } from '../../../../runtimes/container/images/contract.ts';
import type { LayerRecord } from '../../../../runtimes/container/images/layer/record.ts';
import type { ImageStore, StoredImage } from '../../../../runtimes/container/images/store/image-store.ts';
import { pruneStore } from '../../../../runtimes/container/images/store/prune.ts';
import { stepRunner } from '../../../../runtimes/container/step-runner.ts';
import { archiveOf, type Wanted } from '../../../runtimes/container/images/archive-of.ts';
import { CACHE, imageOf, mergedListing, withStore } from './test-store.ts';

const test = suite('building images');

type Files = Record<string, string>;

interface Built {
  image: StoredImage;
  /** Path → entry of the whole image. */
  tree: Map<string, LayerRecord>;
  read(path: string): string;
  said: string[];
}

async function build(
  store: ImageStore,
  folder: string,
  files: Files,
  options: Partial<BuildRequest> & { runner?: StepRunner } = {},
): Promise<Built> {
  const context = join(folder, 'context');
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(context, path)), { recursive: true });
    writeFileSync(join(context, path), content);
  }
  const said: string[] = [];
  const { runner, ...rest } = options;
  const image = await buildImage(
    {
      context,
      file: join(context, 'Dockerfile'),
      names: ['built'],
      buildArgs: new Map(),
      now: new Date().toISOString(),
      reproducible: false,
      ...rest,
    },
    {
      store,
      runner,
      pull: () => Promise.reject(new Error('nothing is pulled here')),
      say: (line) => said.push(line),
      output: () => undefined,
    },
  );
  const { layers } = await store.unpack(image);
  const listing = layers.length === 0 ? [] : await mergedListing(store, layers, folder);
  return {
    image,
    said,
    tree: new Map(listing.map((record) => [record.path, record])),
    read: (path) => {
      const layer = [...layers]
        .reverse()
        .find((each) => statSync(join(each, path), { throwIfNoEntry: false })?.isFile());
      return readFileSync(join(layer ?? '/nowhere', path), 'utf8');
    },
  };
}

async function failure(promise: Promise<unknown>): Promise<Error & { hint?: string; code?: string }> {
  const error = await promise.then(
    () => undefined,
    (caught: unknown) => caught as Error,
  );
  if (!error) throw new Error('nothing was thrown');
  return error;
}

const BASE: Wanted[] = [
  { path: 'etc/passwd', content: 'root:x:0:0::/root:/bin/sh\nann:x:1001:1002::/home/ann:/bin/sh\n' },
  { path: 'etc/group', content: 'root:x:0:\nstaff:x:50:\n' },
  { path: 'usr/share', type: 'directory', mode: 0o750, uid: 4 },
  { path: 'share', type: 'symlink', linkTarget: '/usr/share' },
];

test('COPY: files, directories, patterns, owners, modes, links, and destinations through links', () =>
  withStore(async (store, folder) => {
    await imageOf(store, 'base', [archiveOf(...BASE)]);
    mkdirSync(join(folder, 'context/tree/sub'), { recursive: true });
    writeFileSync(join(folder, 'context/tree/sub/f'), 'f');
    linkSync(join(folder, 'context/tree/sub/f'), join(folder, 'context/tree/hard'));
    symlinkSync('sub/f', join(folder, 'context/tree/soft'));
    symlinkSync('/etc/passwd', join(folder, 'context/outward'));
    const { tree, read } = await build(store, folder, {
      Dockerfile: `FROM base
        COPY a.txt b.txt /texts/
        COPY *.md /share
        COPY tree /copied
        COPY --chown=ann:staff --chmod=640 a.txt /owned
        COPY a.txt /usr/share
        WORKDIR /work
        COPY a.txt renamed`,
      'a.txt': 'a',
      'b.txt': 'b',
      'x.md': 'x',
      'y.md': 'y',
    });
    assert.is(read('texts/b.txt'), 'b');
    assert.is(read('usr/share/x.md'), 'x');
    assert.is(read('usr/share/a.txt'), 'a');
    assert.is(read('work/renamed'), 'a');
    assert.is(tree.get('share')?.kind, 'symlink', 'the link in the base is followed, not replaced');
    assert.equal([(tree.get('usr/share')?.mode ?? 0) & 0o7777, tree.get('usr/share')?.uid], [0o750, 4]);
    assert.is(tree.get('copied/hard')?.inode, tree.get('copied/sub/f')?.inode);
    assert.is(tree.get('copied/soft')?.linkTarget, 'sub/f');
    const owned = tree.get('owned');
    assert.equal([owned?.uid, owned?.gid, (owned?.mode ?? 0) & 0o7777], [1001, 50, 0o640]);
  }));

test('the context is a wall: neither .. nor links lead out of it, and .dockerignore holds', () =>
  withStore(async (store, folder) => {
    writeFileSync(join(folder, 'secret'), 'outside');
    mkdirSync(join(folder, 'context'));
    symlinkSync('../secret', join(folder, 'context/link'));
    symlinkSync('/etc', join(folder, 'context/etc'));
    for (const source of ['../secret', 'x/../../secret', 'link', 'etc/passwd'])
      assert.match(
        (await failure(build(store, folder, { Dockerfile: `FROM scratch\nCOPY ${source} /x` }))).message,
        /Dockerfile:2: '.*' (?:leads out of|is not in) the build context/,
      );
    const files = {
      'a.log': '1',
      'd/b.log': '2',
      'd/keep.log': '3',
      '.dockerignore': '**/*.log\n!d/keep.log\n',
    };
    const { tree } = await build(store, folder, { ...files, Dockerfile: 'FROM scratch\nCOPY . /all/' });
    assert.ok(tree.has('all/d/keep.log'));
    assert.not.ok(tree.has('all/a.log') || tree.has('all/d/b.log'));
    const ignored = await failure(build(store, folder, { Dockerfile: 'FROM scratch\nCOPY a.log /x' }));
    assert.match(ignored.hint ?? '', /dockerignore/);
  }));

test('ADD unpacks local archives, COPY does not', () =>
  withStore(async (store, folder) => {
    const context = join(folder, 'context');
    mkdirSync(context);
    const content = join(folder, 'content');
    mkdirSync(content);
    writeFileSync(join(content, 'inner'), 'inner', { mode: 0o751 });
    chmodSync(join(content, 'inner'), 0o751);
    for (const [name, flag] of [
      ['a.tar', ''],
      ['b.tar.gz', 'z'],
      ['c.tar.xz', 'J'],
      ['d.tar.zst', '--zstd'],
    ] as const)
      execFileSync(
        'tar',
        flag.startsWith('--')
          ? [flag, '-cf', join(context, name), 'inner']
          : [`-c${flag}f`, join(context, name), 'inner'],
        { cwd: content },
      );
    const { tree, read } = await build(store, folder, {
      plain: 'no archive',
      Dockerfile:
        'FROM scratch\nADD a.tar /a\nADD b.tar.gz /b/\nADD c.tar.xz /c\nADD d.tar.zst /d\nADD plain /plain\nCOPY a.tar /copied.tar',
    });
    for (const path of ['a/inner', 'b/inner', 'c/inner', 'd/inner']) {
      assert.is(read(path), 'inner');
      assert.is((tree.get(path)?.mode ?? 0) & 0o7777, 0o751);
    }
    assert.is(read('plain'), 'no archive');
    assert.is(tree.get('copied.tar')?.kind, 'file');
  }));

test('stages, ARG and ENV: values reach where they should', () =>
  withStore(async (store, folder) => {
    const { image, tree, read } = await build(
      store,
      folder,
      {
        a: 'a',
        Dockerfile: `ARG BASE=scratch
          ARG TAG=\${BASE}-tag
          FROM \${BASE} AS one
          ARG TAG
          ARG GIVEN=default
          ENV PLACE=/\${TAG} SECOND="\${GIVEN} x"
          COPY a \${PLACE}/a
          FROM one
          COPY --from=one \${PLACE} /again
          LABEL given=\${GIVEN:-gone}`,
      },
      { buildArgs: new Map([['GIVEN', 'told']]), labels: { more: 'yes' } },
    );
    assert.is(read('scratch-tag/a'), 'a');
    assert.ok(tree.has('again/a'));
    assert.equal(image.config.config.Env, ['PLACE=/scratch-tag', 'SECOND=told x']);
    assert.equal(image.config.config.Labels, { given: 'gone', more: 'yes' });
    const unknown = await failure(build(store, folder, {}, { buildArgs: new Map([['GIVN', 'x']]) }));
    assert.is(unknown.hint, 'did you mean GIVEN?');
  }));

test('the cache goes by content: a touched file is cached, a changed one and its followers are not', () =>
  withStore(async (store, folder) => {
    const Dockerfile = 'FROM scratch\nCOPY a /a\nCOPY b /b\nENV X=1\nWORKDIR /w';
    const first = await build(store, folder, { a: 'a', b: 'b', Dockerfile });
    utimesSync(join(folder, 'context/a'), 1, 1);
    const second = await build(store, folder, {});
    assert.is(second.image.descriptor.digest, first.image.descriptor.digest, 'the very same image');
    assert.is(second.said.filter((line) => line.includes('cached')).length, 3);
    const third = await build(store, folder, { b: 'changed' });
    assert.is(third.said.filter((line) => line.includes('cached')).length, 1);
    const fourth = await build(store, folder, {}, { noCache: true });
    assert.is(fourth.said.filter((line) => line.includes('cached')).length, 0);
    chmodSync(join(folder, 'context/a'), 0o755);
    const fifth = await build(store, folder, {});
    assert.is(fifth.said.filter((line) => line.includes('cached')).length, 0, 'a mode is content');
    await pruneStore(store, {});
    const sixth = await build(store, folder, {});
    assert.is(sixth.said.filter((line) => line.includes('cached')).length, 3, 'prune leaves cached layers');
  }));

test('the same sources and SOURCE_DATE_EPOCH give the same image in another store', async () => {
  const digests = new Set<string>();
  for (let i = 0; i < 2; i++)
    await withStore(async (store, folder) => {
      mkdirSync(join(folder, 'context'));
      writeFileSync(join(folder, 'context/a'), 'a');
      utimesSync(join(folder, 'context/a'), 1000, 1000);
      const options = { now: '2026-01-01T00:00:00.000Z', reproducible: true };
      const { image } = await build(
        store,
        folder,
        { Dockerfile: 'FROM scratch\nCOPY a /d/a\nWORKDIR /w' },
        options,
      );
      digests.add(image.descriptor.digest);
    });
  assert.is(digests.size, 1);
});

test('RUN: what the step changed becomes a layer; its failure is told with line and code', () =>
  withStore(async (store, folder) => {
    await imageOf(store, 'base', [archiveOf(...BASE)]);
    const seen: BuildStep[] = [];
    const runner: StepRunner = {
      run(step) {
        seen.push(step);
        writeFileSync(join(step.upperDir, 'made'), step.argv.join(' '));
        // What a runtime makes to mount on is nobody's change.
        for (const stub of ['proc', 'sys', 'dev']) mkdirSync(join(step.upperDir, stub));
        return Promise.resolve({ exitCode: step.argv.at(-1)?.includes('fail') ? 3 : 0, signal: null });
      },
    };
    const Dockerfile =
      'FROM base\nARG V=1\nENV E=2\nUSER ann\nWORKDIR /srv\nRUN make it\nRUN --network=host ["direct"]';
    const { tree, read, image } = await build(store, folder, { Dockerfile }, { runner });
    assert.is(read('made'), 'direct');
    assert.not.ok(tree.has('proc') || tree.has('sys') || tree.has('dev'));
    assert.equal(seen[0]?.argv, ['/bin/sh', '-c', 'make it']);
    assert.equal(
      seen.map(({ network }) => network),
      ['none', 'host'],
    );
    assert.ok(seen[0]?.env.includes('V=1') && seen[0].env.includes('E=2'));
    assert.equal([seen[0]?.cwd, seen[0]?.user], ['/srv', 'ann']);
    assert.equal(image.config.config.Env, ['E=2'], 'an ARG does not reach the image');
    await build(store, folder, {}, { runner });
    assert.is(seen.length, 2, 'the second build took both steps from the cache');
    const failed = await failure(build(store, folder, { Dockerfile: 'FROM base\n\nRUN fail' }, { runner }));
    assert.match(failed.message, /Dockerfile:3: RUN ended with exit code 3: \/bin\/sh -c fail/);
    assert.is(failed.code, 'image-step-failed');
  }));

test('the socket server: compiled by a RUN step in our own runtime, copied into a scratch image of about 10 kB', () =>
  withStore(async (store, folder) => {
    // The compiler of this machine stands in for the imported base, which takes a minute to make: its /usr is one layer.
    const tarball = join(folder, 'base.tar');
    const paths = execFileSync(
      'sh',
      [
        '-c',
        `dpkg -L ${TOOLCHAIN} $(dpkg-query -W -f '\${binary:Package}\\n' 'gcc-[0-9]*' 'cpp-[0-9]*' 'libgcc-[0-9]*-dev' 2>/dev/null) | sort -u`,
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const wanted = [
      ...paths
        .split('\n')
        .filter((path) => /^\/(?:usr|lib|bin)/.test(path) && !/share\/(?:doc|man|locale)/.test(path)),
      ...LINKS,
    ];
    execFileSync('tar', ['-cf', tarball, '--no-recursion', '--ignore-failed-read', '-T', '-'], {
      cwd: '/',
      input: wanted.map((path) => path.slice(1)).join('\n'),
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const { importRootfs } = await import('../../../../runtimes/container/images/archive/rootfs-archive.ts');
    await importRootfs(store, { file: tarball, name: 'gcc-base', created: new Date().toISOString() });
    const context = packagePath('examples', 'socket-server');
    const { image, tree } = await build(
      store,
      folder,
      {},
      { context, file: join(context, 'Dockerfile'), runner: await stepRunner({ cacheDir: CACHE }) },
    );
    const server = tree.get('server');
    assert.equal([...tree.keys()], ['', 'server']);
    assert.ok(server && server.size > 2000 && server.size < 14_000, `${server?.size} bytes`);
    assert.equal(image.config.config.ExposedPorts, { '8080/tcp': {} });
    assert.equal(image.config.config.Entrypoint, ['/server']);
  }));

const TOOLCHAIN =
  'base-files gcc cpp binutils binutils-x86-64-linux-gnu libbinutils libctf0 libctf-nobfd0 libc6 libc6-dev linux-libc-dev make dash coreutils libgmp10 libmpfr6 libmpc3 libisl23 zlib1g libzstd1 libjansson4 libselinux1 libpcre2-8-0 libgprofng0 libacl1 libattr1 libgcc-s1';
const LINKS = ['/bin', '/lib', '/lib64', '/sbin', '/usr/bin/cc', '/etc/alternatives/cc', '/usr/bin/gcc'];

test.run();
