import { build } from 'esbuild';
import { execa } from 'execa';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { packagePath } from '../../../../../results/package-root.ts';
import { digestOf } from '../../../../../runtimes/compile/cached-file.ts';
import type { Image } from '../../../../../runtimes/contract.ts';
import { ensureLauncher } from '../../../../../runtimes/launch/ensure-launcher.ts';

/**
 * The guest image with Node and our own code in /opt: a tree of hard links to the image's, so that nothing of it is
 * copied and nothing of it may be changed here. `cacheDir` becomes a cache of the test's own which shares what it can.
 */
export async function guestTree(
  image: Image,
  folder: string,
  cache: string,
  cacheDir: string,
): Promise<Image> {
  const rootfs = join(folder, 'tree');
  await execa('cp', ['-al', image.rootfs, rootfs]);
  const opt = join(rootfs, 'opt', 'tare');
  mkdirSync(join(opt, 'dist'), { recursive: true });
  writeFileSync(join(opt, 'package.json'), JSON.stringify({ name: 'tare-bench', type: 'module' }));
  copyFileSync(realpathSync(process.execPath), join(opt, 'node'));
  await build({
    entryPoints: [packagePath('tests/real/runtimes/container/v2/guest-main.ts')],
    outfile: join(opt, 'dist', 'guest.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    logLevel: 'error',
    external: ['@duckdb/node-api', 'canvas', 'osx-temperature-sensor'],
    banner: {
      js: "import { createRequire as tareCreateRequire } from 'node:module'; const require = tareCreateRequire(import.meta.url);",
    },
  });
  // The launcher is compiled here; the guest finds it in its cache by the digest of the same sources.
  const launcher = await ensureLauncher(cache);
  cpSync(packagePath('runtimes', 'launch', 'c'), join(opt, 'runtimes', 'launch', 'c'), { recursive: true });
  mkdirSync(join(opt, 'cache', 'programs'), { recursive: true });
  copyFileSync(launcher, join(opt, 'cache', 'programs', basename(launcher)));
  mkdirSync(join(cacheDir, 'qemu'), { recursive: true });
  symlinkSync(join(cache, 'programs'), join(cacheDir, 'programs'));
  const digest = digestOf(image.digest, readFileSync(join(opt, 'dist', 'guest.mjs')), launcher).padEnd(
    64,
    '0',
  );
  symlinkSync(
    join(cache, 'qemu', `vmlinux-${image.digest.slice(0, 24)}`),
    join(cacheDir, 'qemu', `vmlinux-${digest.slice(0, 24)}`),
  );
  return { ...image, rootfs, digest };
}
