import { execa } from 'execa';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Debian's other kernel for virtual machines; its dependency is the newest one. */
const PACKAGE = 'linux-image-6.12-cloud-amd64';

/**
 * A kernel that is not the image's, unpacked and not installed: /boot and lib/modules as the package has them, so without
 * modules.dep. Kept in the cache; 34 MB from the machine's own Debian mirror the first time.
 */
export async function anotherKernel(cache: string): Promise<{ folder: string; release: string }> {
  if (!existsSync(cache)) await fetch(cache);
  const name = readdirSync(join(cache, 'boot')).find((file) => file.startsWith('vmlinuz-'));
  if (name === undefined) throw new Error(`${cache} holds no kernel: remove it and run again`);
  return { folder: cache, release: name.slice('vmlinuz-'.length) };
}

async function fetch(cache: string): Promise<void> {
  mkdirSync(join(cache, '..'), { recursive: true });
  const aside = mkdtempSync(`${cache}-`);
  try {
    const { stdout } = await execa('apt-cache', ['depends', '--important', PACKAGE]);
    const dependency = /Depends: (linux-image-\S+)/.exec(stdout)?.[1];
    if (dependency === undefined) throw new Error(`apt does not know ${PACKAGE}: run apt-get update`);
    await execa('apt-get', ['download', dependency], { cwd: aside });
    const file = readdirSync(aside).find((one) => one.endsWith('.deb')) ?? '';
    await execa('dpkg', ['-x', join(aside, file), join(aside, 'tree')]);
    renameSync(join(aside, 'tree'), cache);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}
