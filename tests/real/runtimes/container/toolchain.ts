import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const PACKAGES =
  'base-files gcc cpp binutils binutils-x86-64-linux-gnu libbinutils libctf0 libctf-nobfd0 libc6 libc6-dev linux-libc-dev make dash coreutils libgmp10 libmpfr6 libmpc3 libisl23 zlib1g libzstd1 libjansson4 libselinux1 libpcre2-8-0 libgprofng0 libacl1 libattr1 libgcc-s1';
const LINKS = ['/bin', '/lib', '/lib64', '/sbin', '/usr/bin/cc', '/etc/alternatives/cc', '/usr/bin/gcc'];

/** This machine's compiler and what it needs as a root filesystem tarball, in the place of one made from packages. */
export function toolchainTarball(folder: string): Promise<string> {
  const tarball = join(folder, 'base.tar');
  const list = `dpkg -L ${PACKAGES} $(dpkg-query -W -f '\${binary:Package}\\n' 'gcc-[0-9]*' 'cpp-[0-9]*' 'libgcc-[0-9]*-dev' 2>/dev/null) | sort -u`;
  const paths = execFileSync('sh', ['-c', list], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    .split('\n')
    .filter((path) => /^\/(?:usr|lib|bin)/.test(path) && !/share\/(?:doc|man|locale)/.test(path));
  execFileSync('tar', ['-cf', tarball, '--no-recursion', '--ignore-failed-read', '-T', '-'], {
    cwd: '/',
    input: [...paths, ...LINKS].map((path) => path.slice(1)).join('\n'),
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  return Promise.resolve(tarball);
}
