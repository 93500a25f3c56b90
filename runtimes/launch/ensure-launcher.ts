import { packagePath } from '../../results/package-root.ts';
import { compileC } from '../compile/compile-c.ts';

/**
 * The compiled launcher in the cache; compiled when it is not there.
 * @throws BenchError `compiler-missing`, `compile-failed`.
 */
export function ensureLauncher(cacheDir: string, options: { sanitize?: boolean } = {}): Promise<string> {
  return compileC(cacheDir, {
    name: 'tare-launch',
    folder: packagePath('runtimes', 'launch', 'c'),
    flags: ['-Wpedantic', '-Wl,-z,norelro'],
    ...options,
  });
}
