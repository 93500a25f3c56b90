import { BenchError } from '../../../results/bench-error.ts';
import { parseMountOptions } from '../plan/mount-options.ts';
import type { OciSpec } from '../spec/oci-spec.ts';

/** What a configuration asks and we do not do. */
export interface Unsupported {
  /** Without these the container would be another, or less confined, than was asked: refused. */
  refused: string[];
  /** These change how it performs or is accounted for, not what it may do: told, and left out. */
  ignored: string[];
}

type Loose = Readonly<Record<string, unknown>>;

/** Looks through a configuration for what we know of and leave out. Pure. */
export function unsupportedOf(spec: OciSpec): Unsupported {
  const refused: string[] = [];
  const ignored: string[] = [];
  const process: Loose = spec.process ?? {};
  const linux: Loose = spec.linux ?? {};
  const resources: Loose = spec.linux?.resources ?? {};
  const asked = (from: Loose, name: string): boolean => !isEmpty(from[name]);
  if (asked(process, 'apparmorProfile') && process['apparmorProfile'] !== 'unconfined')
    refused.push('process.apparmorProfile');
  for (const name of ['selinuxLabel']) if (asked(process, name)) refused.push(`process.${name}`);
  for (const name of ['scheduler', 'ioPriority', 'execCPUAffinity'])
    if (asked(process, name)) ignored.push(`process.${name}`);
  for (const name of ['mountLabel', 'intelRdt', 'netDevices', 'memoryPolicy'])
    if (asked(linux, name)) refused.push(`linux.${name}`);
  if (spec.linux?.personality && spec.linux.personality.domain !== 'LINUX') refused.push('linux.personality');
  const seccomp: Loose = spec.linux?.seccomp ?? {};
  if (asked(seccomp, 'listenerPath')) refused.push('linux.seccomp.listenerPath');
  for (const name of ['hugepageLimits', 'network', 'rdma'])
    if (asked(resources, name)) ignored.push(`linux.resources.${name}`);
  for (const mount of spec.mounts ?? [])
    for (const word of parseMountOptions(mount.options ?? []).extras)
      if (word !== 'idmap' && word !== 'ridmap')
        ignored.push(`the option ${word} of the mount on ${mount.destination}`);
  return { refused, ignored };
}

/** Refuses what cannot be left out; hands back, in words, what is. */
export function refuseUnsupported(spec: OciSpec): string[] {
  const { refused, ignored } = unsupportedOf(spec);
  if (refused.length > 0)
    throw new BenchError(
      'oci-unsupported',
      `this runtime does not do what is asked by ${refused.join(', ')}`,
      {
        hint: 'docs/container-runtime.md says what it does',
      },
    );
  return ignored.map((what) => `left out: ${what}`);
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
