import { packagePath } from '../../../../results/package-root.ts';
import { compileC } from '../../../compile/compile-c.ts';

/**
 * The compiled `tare-layer` in the cache; compiled when it is not there.
 * @throws BenchError `compiler-missing`, `compile-failed`.
 */
export function ensureLayerTool(cacheDir: string, options: { sanitize?: boolean } = {}): Promise<string> {
  return compileC(cacheDir, {
    name: 'tare-layer',
    folder: packagePath('runtimes', 'container', 'images', 'native'),
    flags: ['-Wconversion'],
    ...options,
  });
}
