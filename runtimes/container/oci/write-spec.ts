import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';
import { defaultSeccomp } from '../seccomp/default-profile.ts';
import { DEFAULT_CAPABILITIES } from '../spec/capabilities.ts';
import { defaultSpec } from '../spec/default-spec.ts';

/** Writes a config.json to start from, beside a folder `rootfs`; never over one that is there. */
export function writeSpec(folder: string): string {
  const file = join(folder, 'config.json');
  if (existsSync(file))
    throw new BenchError('oci-spec-exists', `${file} is there already`, { hint: 'remove it first' });
  const spec = defaultSpec({
    rootfs: 'rootfs',
    argv: ['sh'],
    readonlyRoot: true,
    seccomp: defaultSeccomp(DEFAULT_CAPABILITIES),
  });
  writeFileSync(file, JSON.stringify(spec, null, 2) + '\n');
  return file;
}
