import { execa, execaSync, type Result } from 'execa';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { machinePaths } from '../../../../harness/run/paths.ts';
import { packagePath } from '../../../../results/package-root.ts';
import { ensureImage } from '../../../../runtimes/image/ensure-image.ts';

/** Commands of busybox that the tests call inside. */
const APPLETS = [
  'sh',
  'id',
  'cat',
  'ls',
  'sleep',
  'grep',
  'nc',
  'touch',
  'chown',
  'mkdir',
  'stat',
  'echo',
  'true',
  'wget',
  'chmod',
];
/** Nobody has no subordinate ids on any Debian. */
const NOBODY = 65534;
const TUN = '/dev/net/tun';

/** An ordinary user with a home of his own, who runs this tree's bench. */
export interface TestUser {
  uid: number;
  home: string;
  bench(argv: string[], env?: Record<string, string>): Promise<Result>;
  start(argv: string[]): ReturnType<typeof execa>;
}

/** Why an ordinary user cannot be tried here; null when he can. */
export function unusable(): string | null {
  if (process.getuid?.() !== 0) return 'the tests take the part of several users, which needs root';
  const tried = execaSync('setpriv', [...as(NOBODY), 'unshare', '-Ur', 'true'], { reject: false });
  if (tried.exitCode !== 0) return `user namespaces are closed to ordinary users: ${tried.stderr}`;
  const read = execaSync('setpriv', [...as(NOBODY), 'test', '-r', packagePath('harness/cli/main.ts')], {
    reject: false,
  });
  return read.exitCode === 0 ? null : 'the repository cannot be read by other users';
}

/** Homes for users, a small image as a tarball, and the tun device as udev leaves it; all put back by `close`. */
export async function openRootlessRig() {
  const folder = mkdtempSync('/var/tmp/tare-rootless-');
  chmodSync(folder, 0o755);
  const tarball = await smallRootfs(folder);
  const ids = ['/etc/subuid', '/etc/subgid'].map((file) => [file, readFileSync(file)] as const);
  const tunMode = statSync(TUN).mode & 0o777;
  chmodSync(TUN, 0o666);
  const account = `tare-test-${process.pid}`;
  let named: TestUser | undefined;
  return {
    folder,
    tarball,
    nobody: testUser(join(folder, 'nobody'), NOBODY, NOBODY),
    /** A user who has ranges of ids. */
    async ranged(): Promise<TestUser> {
      if (named) return named;
      await execa('useradd', [
        '--no-create-home',
        '--shell',
        '/bin/sh',
        '--home-dir',
        join(folder, account),
        account,
      ]);
      for (const [file, text] of ids) writeFileSync(file, `${text.toString()}${account}:700000:65536\n`);
      const uid = Number((await execa('id', ['-u', account])).stdout);
      named = testUser(join(folder, account), uid, Number((await execa('id', ['-g', account])).stdout));
      return named;
    },
    async close(): Promise<void> {
      if (named) await execa('userdel', [account], { reject: false });
      for (const [file, text] of ids) writeFileSync(file, text);
      chmodSync(TUN, tunMode);
      for (const uid of [NOBODY, ...(named ? [named.uid] : [])])
        rmSync(`/tmp/tare-${uid}`, { recursive: true, force: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function as(uid: number, gid = uid): string[] {
  return ['--reuid', String(uid), '--regid', String(gid), '--clear-groups'];
}

function testUser(home: string, uid: number, gid: number): TestUser {
  mkdirSync(home, { mode: 0o711 });
  chownSync(home, uid, gid);
  // Its pipes would be held open by what it started, long after it was killed.
  const start: TestUser['start'] = (argv) => spawnBench(argv, {}, 'ignore');
  const spawnBench = (argv: string[], env: Record<string, string>, output: 'pipe' | 'ignore' = 'pipe') =>
    execa(
      'setpriv',
      [
        ...as(uid, gid),
        process.execPath,
        ...[
          '--import',
          packagePath('node_modules/tsx/dist/esm/index.mjs'),
          packagePath('harness/cli/main.ts'),
        ],
        ...argv,
      ],
      {
        cwd: home,
        env: { PATH: '/usr/bin:/bin', HOME: home, TMPDIR: home, ...env },
        extendEnv: false,
        reject: false,
        stdin: 'ignore',
        stdout: output,
        stderr: output,
        timeout: 120_000,
      },
    );
  return { uid, home, start, bench: (argv, env = {}) => spawnBench(argv, env) };
}

/** busybox, accounts, a file of somebody else's and a device node, as an exported root filesystem has them. */
async function smallRootfs(folder: string): Promise<string> {
  const { rootfs } = await ensureImage(machinePaths().cacheDir, () => undefined);
  const root = join(folder, 'rootfs');
  for (const name of ['bin', 'etc', 'dev', 'tmp', 'srv']) mkdirSync(join(root, name), { recursive: true });
  cpSync(join(rootfs, 'usr/bin/busybox'), join(root, 'bin/busybox'));
  for (const applet of APPLETS) symlinkSync('busybox', join(root, 'bin', applet));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\nwww-data:x:33:33::/srv:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nwww-data:x:33:\n');
  writeFileSync(join(root, 'srv/theirs'), 'theirs\n', { mode: 0o600 });
  chownSync(join(root, 'srv/theirs'), 33, 33);
  await execa('mknod', [join(root, 'dev/null'), 'c', '1', '3']);
  const tarball = join(folder, 'rootfs.tar');
  await execa('tar', ['-C', root, '-cf', tarball, '.']);
  rmSync(root, { recursive: true });
  return tarball;
}
