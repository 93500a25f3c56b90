import { execa } from 'execa';
import { copyFileSync, cpSync, existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { packagePath } from '../../../../../results/package-root.ts';
import { defaultSpec } from '../../../../../runtimes/container/spec/default-spec.ts';
import type { Instance } from '../../../../../runtimes/contract.ts';
import { describeTree } from '../../../../../runtimes/image/tree.ts';
import { ensureLauncher } from '../../../../../runtimes/launch/ensure-launcher.ts';
import { qemuOptionsSchema } from '../../../../../runtimes/qemu/options.ts';
import { qemuRuntime } from '../../../../../runtimes/qemu/qemu-runtime.ts';
import { suite } from '../../../../suite.ts';
import { openVmSetting, type VmSetting } from '../../qemu/fixture.ts';

/**
 * Debian 12's criu does not start on kernels newer than it knows ("Unexpected rt vDSO area bounds"), so a container is saved
 * and brought back where it does: in a guest with Debian's own kernel, by the command line that a user would call there.
 */
const test = suite('checkpoint and restore through criu, in a guest');
/** It locks a container's network while it looks at it. */
const CRIU_NEEDS = ['criu', 'iptables-restore', 'iptables-save'].map((name) => `/usr/sbin/${name}`);
const XTABLES = '/usr/lib/x86_64-linux-gnu/xtables';
const OCI = ['/opt/tare/dist/tare-oci.cjs', '--root', '/run/oci'];
const PROGRAM = 'i=0; while :; do i=$((i+1)); echo $i > /tmp/count; sleep 0.2; done';
let setting: VmSetting | undefined;
let vm: Instance | undefined;

/** A program and the libraries it is linked with, at the same places of the tree. */
async function install(tree: string, file: string): Promise<void> {
  const { stdout } = await execa('ldd', [file]);
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1]!);
  for (const each of [file, ...libraries]) {
    const place = join(tree, realpathSync(dirname(each)), basename(each));
    if (existsSync(place)) continue;
    mkdirSync(dirname(place), { recursive: true });
    copyFileSync(realpathSync(each), place);
  }
}

/** The guest image with node, criu, our runtime, and a bundle whose program counts. */
async function treeWithRuntime(from: string, at: string): Promise<void> {
  await execa('cp', ['-al', from, at]);
  for (const file of [process.execPath, ...CRIU_NEEDS]) await install(at, file);
  await execa('cp', ['-a', XTABLES, join(at, XTABLES)]);
  const home = join(at, 'opt', 'tare');
  mkdirSync(home, { recursive: true });
  copyFileSync(packagePath('package.json'), join(home, 'package.json'));
  for (const folder of [['dist'], ['runtimes', 'launch', 'c']])
    cpSync(packagePath(...folder), join(home, ...folder), { recursive: true });
  const launcher = await ensureLauncher('/var/cache/tare');
  mkdirSync(join(home, 'cache', 'programs'), { recursive: true });
  copyFileSync(launcher, join(home, 'cache', 'programs', basename(launcher)));
  const bundle = join(home, 'bundle');
  const bin = join(bundle, 'rootfs', 'bin');
  mkdirSync(bin, { recursive: true });
  // Static: nothing else is needed in the container's root.
  for (const name of ['sh', 'sleep', 'cat']) copyFileSync(join(from, 'usr/bin/busybox'), join(bin, name));
  const spec = defaultSpec({ rootfs: 'rootfs', argv: ['/bin/sh', '-c', PROGRAM], readonlyRoot: true });
  spec.mounts = [
    ...(spec.mounts ?? []),
    { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev'] },
    { destination: '/etc/word', type: 'bind', source: '/opt/tare/word', options: ['bind', 'ro'] },
  ];
  writeFileSync(join(home, 'word'), 'from outside\n');
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec));
}

const missing = [...CRIU_NEEDS, packagePath('dist', 'tare-oci.cjs')].filter((file) => !existsSync(file));
const add = (name: string, body: () => Promise<void>): void => {
  if (missing.length > 0) test.skipBecause(`not there: ${missing.join(', ')}`, name, body);
  else test(name, body);
};

test.before(async () => {
  if (missing.length > 0) return;
  setting = await openVmSetting('criu');
  const { scratchDir } = setting.context;
  const tree = join(scratchDir, 'tree');
  await treeWithRuntime(setting.image.rootfs, tree);
  const image = {
    digest: `${'c'.repeat(56)}${process.pid.toString(16).padStart(8, '0')}`,
    ...(await describeTree(tree)),
  };
  const resources = { ...setting.resources, memoryMiB: 768 };
  const prepared = await qemuRuntime.prepare(
    image,
    qemuOptionsSchema.parse({ accel: 'tcg', start: 'cold' }),
    { ...setting.context, resources, cacheDir: join(scratchDir, 'cache') },
  );
  vm = await prepared.start('r0-criu', resources);
  // What criu locks a network with, and the cgroups that the container is limited by: v2, other than on the test's host.
  const script =
    'modprobe -a nf_tables nft_compat xt_mark; busybox mount -t cgroup2 none /sys/fs/cgroup; cat /sys/fs/cgroup/cgroup.controllers';
  const ready = await vm.exec(['sh', '-c', script]);
  if (!ready.stdout.includes('memory')) throw new Error(`the guest is not ready: ${ready.stderr}`);
});
test.after(async () => {
  await vm?.destroy();
  await setting?.close();
});

async function inGuest(...argv: string[]) {
  const result = await vm!.exec(argv, { env: { TARE_CACHE: '/opt/tare/cache' }, timeoutMs: 300_000 });
  return { code: result.exitCode, out: result.stdout.trim(), err: result.stderr.trim() };
}
/** Standard output to a file: a container that lives on would hold the pipe open. */
const oci = (...words: string[]) =>
  inGuest(
    'sh',
    '-c',
    '"$@" </dev/null >/run/out 2>/run/err; code=$?; cat /run/out; cat /run/err >&2; exit $code',
    'sh',
    ...OCI,
    ...words,
  );
/** Seen through the container's own root: a call of the command line takes seconds in an emulated guest. */
const inContainer = async (path: string) =>
  (await inGuest('sh', '-c', `cat /proc/$(cat /run/pid)/root${path}`)).out;

add('a container goes on where it was saved, with its memory, mounts and limits', async () => {
  const made = await oci('run', '--detach', '--pid-file', '/run/pid', '--bundle', '/opt/tare/bundle', 'web');
  assert.is(made.code, 0, made.err);
  // Now and then it is seen between being emptied and being written.
  const count = async () => {
    for (let tries = 0; tries < 20; tries++) {
      const told = await inContainer('/tmp/count');
      if (told !== '') return Number(told);
    }
    throw new Error('the program does not count');
  };
  assert.ok((await count()) > 0);
  const saved = await oci(
    'checkpoint',
    '--image-path',
    '/var/tmp/c',
    '--file-locks',
    '--ext-unix-sk',
    '--tcp-established',
    'web',
  );
  assert.is(saved.code, 0, `${saved.err}\n${(await inGuest('tail', '-30', '/var/tmp/c/work/dump.log')).out}`);
  assert.match((await oci('state', 'web')).out, '"status": "stopped"');
  assert.is((await oci('delete', 'web')).code, 0);
  const back = await oci(
    'restore',
    '--detach',
    '--image-path',
    '/var/tmp/c',
    '--bundle',
    '/opt/tare/bundle',
    '--work-path',
    '/var/tmp/w',
    '--pid-file',
    '/run/pid',
    'web',
  );
  assert.is(back.code, 0, `${back.err}\n${(await inGuest('tail', '-30', '/var/tmp/w/restore.log')).out}`);
  assert.match((await oci('state', 'web')).out, '"status": "running"');
  const first = await count();
  assert.ok(first > 3, `it counts on, and not from one: ${first}`);
  let later = first;
  for (let tries = 0; tries < 50 && later <= first; tries++) later = await count();
  assert.ok(later > first, `${later} after ${first}: it runs`);
  assert.is(await inContainer('/etc/word'), 'from outside');
  const pid = (await inGuest('cat', '/run/pid')).out;
  assert.match((await inGuest('cat', `/proc/${pid}/cgroup`)).out, 'tare-oci/web');
  assert.is((await oci('delete', '--force', 'web')).code, 0);
});

test.run();
