import { build, type BuildOptions } from 'esbuild';
import { chmod, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { packagePath } from '../../results/package-root.ts';
import { bundleOci } from './oci-bundle.ts';

/**
 * Makes dist/: `bench.mjs`, one start-up file and lazily loaded pieces, so that `bench --help` loads neither charts nor
 * schemas it does not use; and `tare-oci.cjs`, which engines start several times for every container. Native or optional
 * modules stay outside.
 */
const aside = packagePath(`.dist-${process.pid}`);
const COMMON = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  minifySyntax: true,
  sourcemap: false,
  legalComments: 'none',
  logLevel: 'warning',
} satisfies BuildOptions;

try {
  await build({
    ...COMMON,
    outdir: aside,
    entryPoints: { bench: packagePath('harness/cli/main.ts') },
    outExtension: { '.js': '.mjs' },
    chunkNames: 'piece-[hash]',
    splitting: true,
    format: 'esm',
    external: ['@duckdb/node-api', 'canvas', 'osx-temperature-sensor'],
    banner: {
      js: "#!/usr/bin/env node\nimport { createRequire as tareCreateRequire } from 'node:module'; const require = tareCreateRequire(import.meta.url);",
    },
  });
  await chmod(join(aside, 'bench.mjs'), 0o755);
  await bundleOci(aside, COMMON);
  // Swapped in whole, so that a `bench` that starts meanwhile never finds half a bundle.
  const old = packagePath(`.dist-old-${process.pid}`);
  await rename(packagePath('dist'), old).catch(() => undefined);
  await rename(aside, packagePath('dist'));
  await rm(old, { recursive: true, force: true });
} finally {
  await rm(aside, { recursive: true, force: true });
}
