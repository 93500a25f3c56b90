import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import * as assert from 'uvu/assert';
import { suite } from '../../../suite.ts';
import { packagePath } from '../../../../results/package-root.ts';
import { archiveOf } from '../../../runtimes/container/images/archive-of.ts';
import { makeCertificates, startRegistry } from './docker-registry.ts';
import { withStore } from './test-store.ts';

/** The verb as a user types it, in a store of the test's own. */
const test = suite('bench image');

test('import, build, ls, history, inspect, tag, save, load, push, pull, rm and prune, with their flags', () =>
  withStore(async (store, folder) => {
    const bench = async (...words: string[]): Promise<string> => {
      const { stdout } = await execa(
        'npx',
        ['--no-install', 'tsx', packagePath('harness', 'cli', 'main.ts'), 'image', ...words],
        {
          env: { TARE_IMAGE_STORE: store.root },
          stdin: 'ignore',
          timeout: 60_000,
        },
      );
      return stdout;
    };
    const at = (name: string): string => join(folder, name);
    writeFileSync(at('root.tar'), archiveOf({ path: 'etc/os', content: 'x' }));
    await bench('import', at('root.tar'), 'base', '--change', 'ENV A=1', '--message', 'made by hand');
    mkdirSync(at('context'));
    writeFileSync(at('context/a'), 'a');
    writeFileSync(
      at('Other'),
      'ARG V=1\nFROM base AS one\nARG V\nCOPY a /a\nLABEL v=$V\nFROM one\nCOPY a /b\n',
    );
    const flags = [
      '--file',
      at('Other'),
      '--target',
      'one',
      '--build-arg',
      'V=2',
      '--label',
      'w=3',
      '--network',
      'none',
      '--secret',
      `id=key,src=${at('context/a')}`,
    ];
    const id = await bench('build', '--tag', 'app', ...flags, '--no-cache', '--quiet', at('context'));
    assert.match(id, /^sha256:[0-9a-f]{64}$/);
    assert.equal(await bench('ls', '--quiet', '--no-trunc'), [id, await idOf(bench, 'base')].join('\n'));
    const [row] = JSON.parse(await bench('ls', '--json')) as {
      repository: string;
      id: string;
      sizeBytes: number;
    }[];
    assert.equal([row?.repository, row?.id, row?.sizeBytes], ['app', id, 2]);
    const history = JSON.parse(await bench('history', '--json', 'app')) as {
      createdBy: string;
      comment: string;
    }[];
    assert.ok(history.some(({ createdBy }) => createdBy === 'COPY a /a'));
    assert.ok(history.some(({ comment }) => comment === 'made by hand'));
    const [seen] = JSON.parse(await bench('inspect', 'app')) as {
      config: { Labels: object; Env: string[] };
    }[];
    assert.equal(seen?.config.Labels, { v: '2', w: '3' });
    assert.equal(seen?.config.Env, ['A=1']);

    const tls = makeCertificates(folder);
    const htpasswd = at('htpasswd');
    writeFileSync(htpasswd, execFileSync('htpasswd', ['-Bbn', 'ann', 'secret']));
    const registry = await startRegistry(folder, { tls, htpasswd });
    try {
      const login = ['--creds', 'ann:secret', '--tls-ca', tls.ca];
      const pushed = await bench('push', ...login, '--quiet', 'app', `${registry.name}/team/app`);
      assert.match(pushed, /team\/app:latest: sha256:/);
      const insecure = [
        '--creds',
        'ann:secret',
        '--tls-verify',
        'false',
        '--platform',
        'linux/amd64',
        '--quiet',
      ];
      assert.ok(pushed.endsWith(await bench('pull', ...insecure, `${registry.name}/team/app`)));
    } finally {
      await registry.stop();
    }
    await bench('tag', 'app', 'again:v2');
    await bench('save', '--output', at('saved.tar'), '--format', 'oci-archive', 'again:v2');
    assert.match(await bench('rm', '--force', id), /Untagged: app:latest[\s\S]*Untagged: again:v2/);
    assert.match(
      await bench('load', '--input', at('saved.tar')),
      /Loaded image: docker.io\/library\/again:v2/,
    );
    const freed = JSON.parse(await bench('prune', '--all', '--build-cache', '--json')) as {
      images: string[];
      layers: number;
    };
    assert.equal([freed.images.length, freed.layers], [2, 2]);
    assert.is(await bench('ls', '--quiet'), '');
  }));

async function idOf(bench: (...words: string[]) => Promise<string>, name: string): Promise<string> {
  const [seen] = JSON.parse(await bench('inspect', name)) as { id: string }[];
  return seen?.id ?? '';
}

test.run();
