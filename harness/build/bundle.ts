import { build } from 'esbuild';
import { chmod, rm } from 'node:fs/promises';
import { packagePath } from '../../results/package-root.ts';

/**
 * Makes dist/bench.mjs: one start-up file and lazily loaded pieces, so that `bench --help` loads neither charts nor
 * schemas it does not use. Native or optional modules stay outside.
 */
await rm(packagePath('dist'), { recursive: true, force: true });
await build({
  entryPoints: { bench: packagePath('harness/cli/main.ts') },
  outdir: packagePath('dist'),
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
await chmod(packagePath('dist/bench.mjs'), 0o755);
