import { execa } from 'execa';
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cachedFile, digestOf } from '../../../../../runtimes/compile/cached-file.ts';
import { aptSources } from '../../../../../runtimes/image/apt-sources.ts';
import { packagePath } from '../../../../../results/package-root.ts';

const HERE = packagePath('tests', 'real', 'runtimes', 'qemu', 'cloud-image');
/** A minute for the packages and half of one for the disk, on two quiet CPUs. */
const BUILD_TIMEOUT_MS = 10 * 60_000;

/**
 * What a distribution's cloud image is, made from Debian's packages since none can be downloaded here: systemd, cloud-init
 * and the cloud kernel on an MBR disk with a boot loader for a BIOS (GRUB) and a system partition for UEFI. It knows nothing
 * of us: no guest agent, none of our tools. Made once, under the digest of the scripts that make it.
 */
export async function ensureCloudImage(cacheDir: string): Promise<string> {
  const scripts = (await readdir(HERE)).filter((name) => name.endsWith('.sh')).sort();
  const texts = await Promise.all(scripts.map((name) => readFile(join(HERE, name))));
  const path = join(cacheDir, 'qemu', `test-cloud-image-${digestOf(...texts)}.qcow2`);
  return cachedFile(path, async (aside) => {
    const folder = await mkdtemp(join(cacheDir, 'qemu', '.cloud-image-'));
    try {
      await run('make-tree.sh', [folder, ...aptSources('bookworm')]);
      await run('make-disk.sh', [folder]);
      await rename(join(folder, 'disk.qcow2'), aside);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

async function run(script: string, args: string[]): Promise<void> {
  await execa('sh', [join(HERE, script), ...args], {
    stdin: 'ignore',
    all: true,
    timeout: BUILD_TIMEOUT_MS,
    env: { LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
  });
}
