import { build } from 'esbuild';
import { chmod, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { packagePath } from '../../results/package-root.ts';

/**
 * Makes dist/bench.mjs: one start-up file and lazily loaded pieces, so that `bench --help` loads neither charts nor
 * schemas it does not use. Native or optional modules stay outside.
 */
const aside = packagePath(`.dist-${process.pid}`);
await build({
  entryPoints: {
    bench: packagePath('harness/cli/main.ts'),
    'tare-oci': packagePath('harness/cli/tare-oci.ts'),
  },
  outdir: aside,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'piece-[hash]',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  minifySyntax: true,
  sourcemap: false,
  legalComments: 'none',
  logLevel: 'warning',
  external: ['@duckdb/node-api', 'canvas', 'osx-temperature-sensor'],
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire as tareCreateRequire } from 'node:module'; const require = tareCreateRequire(import.meta.url);",
  },
});
for (const entry of ['bench.mjs', 'tare-oci.mjs']) await chmod(join(aside, entry), 0o755);
// Swapped in whole, so that a `bench` that starts meanwhile never finds half a bundle.
const old = packagePath(`.dist-old-${process.pid}`);
await rename(packagePath('dist'), old).catch(() => undefined);
await rename(aside, packagePath('dist'));
await rm(old, { recursive: true, force: true });
