import { build, type BuildOptions, type Plugin } from 'esbuild';
import { chmod } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { packagePath } from '../../results/package-root.ts';

/** What `tare-oci` needs now and then and should not load each time: ES modules beside it, under these names. */
const LATER: Readonly<Record<string, string>> = {
  'whole-command-line': packagePath('harness/cli/oci/whole-command-line.ts'),
  'parse-config': packagePath('runtimes/container/spec/parse-config.ts'),
  execa: 'execa',
};

const laterApart: Plugin = {
  name: 'later-apart',
  setup({ onResolve }) {
    onResolve({ filter: /./ }, ({ kind, path }) => {
      const name = basename(path, '.ts');
      return kind === 'dynamic-import' && name in LATER
        ? { path: `./oci-${name}.mjs`, external: true }
        : undefined;
    });
  },
};

/**
 * Makes `tare-oci.cjs` in a folder: one CommonJS file, since Node's ES module loader costs 4 ms a start. sh reads its second
 * line and starts node without the certificates of NODE_EXTRA_CA_CERTS: Node parses them at start-up (40 ms for a
 * distribution's bundle), and this program opens no TLS connection. JavaScript sees a string and a comment there.
 */
export async function bundleOci(outdir: string, common: BuildOptions): Promise<void> {
  await build({
    ...common,
    outdir,
    entryPoints: Object.fromEntries(Object.entries(LATER).map(([name, path]) => [`oci-${name}`, path])),
    outExtension: { '.js': '.mjs' },
    chunkNames: 'oci-piece-[hash]',
    splitting: true,
    format: 'esm',
    banner: {
      js: "import { createRequire as tareCreateRequire } from 'node:module'; const require = tareCreateRequire(import.meta.url);",
    },
  });
  await build({
    ...common,
    outdir,
    entryPoints: { 'tare-oci': packagePath('harness/cli/tare-oci.ts') },
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    minifyWhitespace: true,
    define: { 'import.meta.url': 'tareUrl' },
    plugins: [laterApart],
    banner: {
      js: `#!/bin/sh\n':' //; unset NODE_EXTRA_CA_CERTS; exec node "$0" "$@"\nconst tareUrl = require('node:url').pathToFileURL(__filename).href;`,
    },
  });
  await chmod(join(outdir, 'tare-oci.cjs'), 0o755);
}
