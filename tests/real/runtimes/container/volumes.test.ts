import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import * as assert from 'uvu/assert';
import { packagePath } from '../../../../results/package-root.ts';
import { suite } from '../../../suite.ts';
import { cliRig, containerState, IMAGE, leftBehind, type CliRig } from './cli-rig.ts';

const test = suite('volumes of containers');
let rig: CliRig;
let before: string[];
let folder: string;
const VOLUME = `tt-${process.pid}-vol`;
const SEEDED = `tt-${process.pid}/seeded`;
const none = ['--network', 'none'];
const run = (...argv: string[]): Promise<string> => rig.out('run', '--rm', ...none, ...argv);

test.before(async () => {
  before = containerState();
  rig = await cliRig();
  folder = mkdtempSync('/var/tmp/tare-volumes-');
  // An image with a folder of its own user's, and one with a VOLUME behind a link that leads out of the root.
  const { ensureImage } = await import('../../../../runtimes/image/ensure-image.ts');
  const { machinePaths } = await import('../../../../harness/run/paths.ts');
  const guest = await ensureImage(machinePaths().cacheDir, () => undefined);
  await execa('sh', [
    '-c',
    `mkdir -p ${folder}/root/seed/deep ${folder}/root/bin && cd ${folder}/root && echo one > seed/deep/file && chmod 750 seed &&
     chown 33:33 seed && ln -s deep/file seed/link && ln -s /seed data && cp ${guest.rootfs}/usr/bin/busybox bin/ 2>/dev/null || cp /bin/busybox bin/;
     cd ${folder}/root && for each in sh cat ls stat touch id; do ln -sf busybox bin/$each; done; tar -C ${folder}/root -cf ${folder}/root.tar .`,
  ]);
  await execa('npx', [
    '--no-install',
    'tsx',
    packagePath('harness/cli/main.ts'),
    'image',
    'import',
    '--change',
    'VOLUME /data',
    '--change',
    'CMD ["/bin/sh"]',
    join(folder, 'root.tar'),
    SEEDED,
  ]);
});

test.after(async () => {
  await rig.close();
  await rig.bench('volume', 'rm', '-f', VOLUME, `${VOLUME}-2`, `${VOLUME}-3`);
  await execa('npx', ['--no-install', 'tsx', packagePath('harness/cli/main.ts'), 'image', 'rm', SEEDED]);
  rmSync(folder, { recursive: true, force: true });
  await rig.end();
  assert.equal(leftBehind(before), []);
});

test('a named volume outlives its container, is shared, and cannot be removed while it is used', async () => {
  await rig.out('volume', 'create', '--label', 'for=tests', VOLUME);
  await run('-v', `${VOLUME}:/v`, IMAGE, 'sh', '-c', 'echo kept > /v/file');
  assert.is(
    await run(
      '-v',
      `${VOLUME}:/w:ro`,
      IMAGE,
      'sh',
      '-c',
      'cat /w/file; touch /w/x 2>/dev/null || echo read-only',
    ),
    'kept\nread-only',
  );
  const user = await rig.detached(
    'user',
    'sleep 300',
    ...none,
    '--mount',
    `type=volume,source=${VOLUME},target=/m`,
  );
  assert.is(await rig.out('exec', user, 'cat', '/m/file'), 'kept');
  assert.match(String((await rig.bench('volume', 'rm', VOLUME)).stderr), /is used by tt-/);
  const view = JSON.parse(await rig.out('volume', 'inspect', VOLUME)) as {
    containers: string[];
    labels: unknown;
    mountpoint: string;
  };
  assert.equal([view.containers, view.labels], [[user], { for: 'tests' }]);
  assert.match(await rig.out('volume', 'ls'), new RegExp(`${VOLUME}\\s+${user}`));
  assert.is(await rig.out('ps', '--filter', `volume=${VOLUME}`, '--format', '{{.name}}'), user);
  await rig.out('rm', '-f', user);
  await rig.out('volume', 'rm', VOLUME);
  assert.not.ok(existsSync(view.mountpoint));
  assert.match(String((await rig.bench('volume', 'inspect', VOLUME)).stderr), /no volume/);
});

test('an empty volume is filled from the image at first use, with owners, modes and links, and only then', async () => {
  const look = ['/bin/sh', '-c', 'stat -L -c "%a %u:%g" /data; cat /data/link; ls /data/deep'];
  const seeded = await run('-v', `${VOLUME}-2:/data`, SEEDED, ...look);
  assert.is(seeded, '750 33:33\none\nfile');
  await run('-v', `${VOLUME}-2:/data`, SEEDED, '/bin/sh', '-c', 'echo two > /data/deep/file');
  assert.match(await run('-v', `${VOLUME}-2:/data`, SEEDED, ...look), /\ntwo\n/, 'what is in it stays');
  const empty = await run('-v', `${VOLUME}-3:/data:nocopy`, SEEDED, '/bin/sh', '-c', 'ls /data');
  assert.is(empty, '');
});

test('the VOLUME of an image is a volume without a name, which goes with --rm, rm -v or prune', async () => {
  const names = (): Promise<string[]> =>
    rig
      .out('volume', 'ls', '-q')
      .then((text) => text.split('\n').filter((name) => /^[0-9a-f]{64}$/.test(name)));
  const at = await names();
  const added = async (): Promise<string[]> => (await names()).filter((name) => !at.includes(name));
  assert.is(await run(SEEDED, '/bin/cat', '/data/deep/file'), 'one');
  assert.equal(await added(), [], '--rm takes it along');
  const kept = rig.name('kept');
  await rig.out('create', '--name', kept, ...none, SEEDED);
  const [volume] = await added();
  assert.ok(volume);
  assert.is(
    await run(
      '--volumes-from',
      `${kept}:ro`,
      IMAGE,
      'sh',
      '-c',
      'cat /data/deep/file; touch /data/x 2>/dev/null || echo read-only',
    ),
    'one\nread-only',
  );
  await rig.out('rm', kept);
  assert.equal(await added(), [volume], 'rm leaves it');
  assert.match(await rig.out('volume', 'prune'), new RegExp(volume));
  assert.equal(await added(), []);
  await rig.out('create', '--name', kept, ...none, '-v', '/extra', SEEDED);
  assert.is((await added()).length, 2);
  await rig.out('rm', '-v', kept);
  assert.equal(await added(), []);
});

test('--volumes-from takes volumes and folders of the host, at the same places', async () => {
  writeFileSync(join(folder, 'host-file'), 'from the host');
  const first = await rig.detached(
    'from',
    'sleep 300',
    ...none,
    '-v',
    `${VOLUME}-2:/a`,
    '-v',
    `${folder}:/b`,
  );
  assert.is(
    await run('--volumes-from', first, IMAGE, 'sh', '-c', 'cat /a/deep/file /b/host-file; echo new > /b/new'),
    'two\nfrom the host',
  );
  assert.is(readFileSync(join(folder, 'new'), 'utf8'), 'new\n');
});

test('--mount and --tmpfs: kinds, sizes, and a source that must be there', async () => {
  const options = ['--mount', 'type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1777', '--tmpfs', '/u:size=2m'];
  const script =
    'stat -f -c "%T %b %S" /t; stat -c %a /t; head -c 3000000 /dev/zero > /u/x 2>/dev/null || echo full';
  const [first, mode, full] = (await run(...options, IMAGE, 'sh', '-c', script)).split('\n');
  assert.equal([first, mode, full], ['tmpfs 256 4096', '1777', 'full']);
  const refused = await rig.bench(
    'run',
    '--rm',
    ...none,
    '--mount',
    `type=bind,source=${folder}/none,target=/n`,
    IMAGE,
    'true',
  );
  assert.match(String(refused.stderr), /its source .* does not exist/);
});

test('ps -s shows what a container wrote, and that with its image', async () => {
  const box = await rig.detached('size', 'head -c 5000000 /dev/urandom > /big; sleep 300', ...none);
  await rig.bench('exec', box, 'sh', '-c', 'until [ $(stat -c %s /big) = 5000000 ]; do sleep 0.1; done');
  const rows = JSON.parse(await rig.out('ps', '-s', '--json', '--filter', `name=${box}`)) as {
    sizeBytes: number;
    virtualBytes: number;
  }[];
  const [row] = rows;
  assert.ok(row && row.sizeBytes >= 5_000_000 && row.sizeBytes < 5_200_000, JSON.stringify(rows));
  assert.ok(row.virtualBytes > row.sizeBytes + 10_000_000);
  assert.match(await rig.out('ps', '-s', '--filter', `name=${box}`), /5(\.\d+)?MB \(virtual /);
});

test.run();
