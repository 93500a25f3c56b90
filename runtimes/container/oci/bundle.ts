import { readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';
import { acceptConfig } from '../spec/accept-config.ts';
import type { OciSpec } from '../spec/oci-spec.ts';

/** A bundle's folder and its configuration, with every path made absolute. */
export interface Bundle {
  folder: string;
  spec: OciSpec;
}

/** @throws BenchError `bundle-unreadable`, `bundle-invalid` with one line per problem. */
export async function readBundle(path: string): Promise<Bundle> {
  let folder: string;
  let text: string;
  try {
    folder = realpathSync(path);
    text = readFileSync(join(folder, 'config.json'), 'utf8');
  } catch (cause) {
    throw new BenchError('bundle-unreadable', `there is no bundle at ${path}: ${(cause as Error).message}`, {
      hint: 'a bundle is a folder with a config.json; `bench oci spec` writes one to start from',
      cause,
    });
  }
  const file = join(folder, 'config.json');
  let told: unknown;
  try {
    told = JSON.parse(text);
  } catch (cause) {
    throw new BenchError('bundle-invalid', `${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const spec = acceptConfig(told) ?? (await import('../spec/parse-config.ts')).parseConfig(told, file);
  return { folder, spec: absolutePaths(spec, folder) };
}

/** The root and the sources of binds may be relative to the bundle. Pure but for the root's symbolic links. */
function absolutePaths(spec: OciSpec, folder: string): OciSpec {
  const root = resolve(folder, spec.root.path);
  let real: string;
  try {
    real = realpathSync(root);
  } catch (cause) {
    throw new BenchError('bundle-invalid', `the root ${root} cannot be used: ${(cause as Error).message}`, {
      cause,
    });
  }
  return {
    ...spec,
    root: { ...spec.root, path: real },
    mounts: (spec.mounts ?? []).map((mount) => {
      const bind =
        mount.type === 'bind' || (mount.options ?? []).some((word) => word === 'bind' || word === 'rbind');
      return bind && mount.source ? { ...mount, source: resolve(folder, mount.source) } : mount;
    }),
  };
}
