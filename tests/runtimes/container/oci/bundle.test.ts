import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readBundle } from '../../../../runtimes/container/oci/bundle.ts';
import { cgroupPathOf } from '../../../../runtimes/container/oci/cgroup-path.ts';
import { makes, namespaceBits } from '../../../../runtimes/container/oci/namespaces.ts';
import { parseResources } from '../../../../runtimes/container/oci/update.ts';
import { writeSpec } from '../../../../runtimes/container/oci/write-spec.ts';
import { suite } from '../../../suite.ts';
import { refusal, refusalOf } from '../../../workloads/refusal.ts';

const test = suite('a bundle');
let folder: string;
test.beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'tare-oci-bundle-')));
});
test.afterEach(() => rmSync(folder, { recursive: true, force: true }));

function config(change: object): void {
  const base = { ociVersion: '1.2.0', root: { path: 'rootfs' }, process: { args: ['sh'], cwd: '/' } };
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...base, ...change }));
}

test('`spec` writes one that is read back, and never over another', async () => {
  mkdirSync(join(folder, 'rootfs'));
  writeSpec(folder);
  const { spec, folder: where } = await readBundle(folder);
  assert.is(where, folder);
  assert.is(spec.root.path, join(folder, 'rootfs'));
  assert.equal(spec.process?.args, ['sh']);
  assert.ok(spec.linux?.seccomp?.syscalls?.length);
  assert.is(refusal(() => writeSpec(folder)).code, 'oci-spec-exists');
});

test('relative paths are the bundle’s; file systems without a source keep theirs', async () => {
  mkdirSync(join(folder, 'tree'));
  symlinkSync('tree', join(folder, 'rootfs'));
  config({
    mounts: [
      { destination: '/data', source: 'data', options: ['rbind', 'ro'] },
      { destination: '/etc/x', type: 'bind', source: '/etc/hosts' },
      { destination: '/proc', type: 'proc', source: 'proc' },
    ],
  });
  const { spec } = await readBundle(folder);
  assert.is(spec.root.path, join(folder, 'tree'));
  assert.equal(
    spec.mounts?.map(({ source }) => source),
    [join(folder, 'data'), '/etc/hosts', 'proc'],
  );
});

test('what is no bundle is refused in words', async () => {
  assert.is((await refusalOf(readBundle(join(folder, 'nowhere')))).code, 'bundle-unreadable');
  assert.is((await refusalOf(readBundle(folder))).code, 'bundle-unreadable');
  writeFileSync(join(folder, 'config.json'), '{');
  assert.match((await refusalOf(readBundle(folder))).message, 'is not JSON');
  config({ process: { args: [], cwd: 'relative' } });
  const { message } = await refusalOf(readBundle(folder));
  assert.match(message, 'process.args');
  assert.match(message, 'process.cwd');
  config({});
  assert.match((await refusalOf(readBundle(folder))).message, 'rootfs cannot be used');
});

test('cgroup paths: plain, systemd’s, and none', () => {
  assert.is(cgroupPathOf(undefined, 'web'), 'tare-oci/web');
  assert.is(cgroupPathOf('/docker/abc', 'web'), 'docker/abc');
  assert.is(cgroupPathOf('libpod_parent//x/', 'web'), 'libpod_parent/x');
  assert.is(cgroupPathOf('system.slice:docker:abc', 'web'), 'system.slice/docker-abc.scope');
  assert.is(cgroupPathOf('a-b.slice:cri:abc', 'web'), 'a.slice/a-b.slice/cri-abc.scope');
  assert.is(cgroupPathOf(':x:abc', 'web'), 'system.slice/x-abc.scope');
  for (const path of ['/', '/../x', 'a/../../b', '.'])
    assert.is(refusal(() => cgroupPathOf(path, 'web')).code, 'oci-cgroup-path', path);
});

test('namespaces: those of its own and those joined are entered by an exec; only the former are made', async () => {
  mkdirSync(join(folder, 'rootfs'));
  config({ linux: { namespaces: [{ type: 'pid' }, { type: 'network', path: '/run/netns/x' }] } });
  const { spec } = await readBundle(folder);
  assert.is(namespaceBits(spec), 0x20000000 | 0x40000000);
  assert.equal([makes(spec, 'pid'), makes(spec, 'network'), makes(spec, 'mount')], [true, false, false]);
});

test('resources of `update` are parsed at the door', () => {
  assert.equal(parseResources('{"memory":{"limit":1024},"future":1}'), {
    memory: { limit: 1024 },
    future: 1,
  });
  assert.match(refusal(() => parseResources('{"memory":{"limit":"much"}}')).message, 'memory.limit');
  assert.match(refusal(() => parseResources('')).message, 'not JSON');
});

test.run();
