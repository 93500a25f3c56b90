import { packagePath } from '../../results/package-root.ts';
import { compileC } from '../compile/compile-c.ts';

/** Builds that only tests make. */
export interface LauncherVariant {
  /** Under address and undefined-behaviour sanitizers; not static. */
  sanitize?: boolean;
  /** Further words for the compiler: a source beside the launcher's own, a symbol wrapped. */
  flags?: string[];
}

/**
 * The compiled launcher in the cache; compiled when it is not there.
 * @throws BenchError `compiler-missing`, `compile-failed`.
 */
export function ensureLauncher(cacheDir: string, variant: LauncherVariant = {}): Promise<string> {
  return compileC(cacheDir, {
    name: 'tare-launch',
    folder: packagePath('runtimes', 'launch', 'c'),
    flags: ['-Wpedantic', '-Wl,-z,norelro', ...(variant.flags ?? [])],
    sanitize: variant.sanitize,
  });
}
