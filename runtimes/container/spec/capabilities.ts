import { readFileSync } from 'node:fs';
import { BenchError } from '../../../results/bench-error.ts';

/** Linux capabilities in the order of their bits (include/uapi/linux/capability.h). */
export const CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const;

/** The 14 that Docker grants by default (mask a80425fb): what a service that drops privileges itself needs, and no more. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

/** A bit mask of names. @throws BenchError `unknown-capability`. */
export function capabilityMask(names: readonly string[]): bigint {
  return names.reduce((mask, name) => {
    const bit = (CAPABILITIES as readonly string[]).indexOf(name.toUpperCase());
    if (bit < 0)
      throw new BenchError('unknown-capability', `there is no capability ${name}`, {
        hint: 'names are as in capabilities(7), e.g. CAP_NET_ADMIN',
      });
    return mask | (1n << BigInt(bit));
  }, 0n);
}

/** Docker's --cap-add and --cap-drop: ALL, and names with or without CAP_. Drops win over additions, as Docker has it. */
export function adjustCapabilities(
  base: readonly string[],
  add: readonly string[],
  drop: readonly string[],
): string[] {
  const full = (name: string): string => {
    const upper = name.toUpperCase();
    return upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  };
  const all = (list: readonly string[]): boolean => list.some((name) => name.toUpperCase() === 'ALL');
  capabilityMask([...add, ...drop].filter((name) => name.toUpperCase() !== 'ALL').map(full));
  const wanted = new Set<string>(all(add) ? CAPABILITIES : all(drop) ? [] : base);
  for (const name of add) if (name.toUpperCase() !== 'ALL') wanted.add(full(name));
  for (const name of drop) if (name.toUpperCase() !== 'ALL') wanted.delete(full(name));
  return CAPABILITIES.filter((name) => wanted.has(name));
}

/**
 * Those of `names` that this process has itself: nobody can give what he lacks (a root in a container of a cloud, say).
 * @param status text of /proc/self/status
 */
export function heldCapabilities(
  names: readonly string[],
  status: string = readFileSync('/proc/self/status', 'utf8'),
): string[] {
  const held = BigInt(`0x${/^CapPrm:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return names.filter((name) => (capabilityMask([name]) & held) !== 0n);
}
