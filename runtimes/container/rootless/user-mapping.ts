import { BenchError } from '../../../results/bench-error.ts';
import { isMapped } from './id-maps.ts';
import type { Privilege } from './privilege.ts';

/**
 * Refuses a user that does not exist in the box's user namespace, before the kernel does it with "Invalid argument".
 * @throws BenchError `rootless-user`.
 */
export function requireMappedUser(privilege: Privilege, user: { uid: number; gid: number }): void {
  if (privilege.kind !== 'user') return;
  const { maps } = privilege;
  const missing = [
    ...(isMapped(maps.uid, user.uid) ? [] : [`user ${user.uid}`]),
    ...(isMapped(maps.gid, user.gid) ? [] : [`group ${user.gid}`]),
  ];
  if (missing.length === 0) return;
  const words = missing.join(' and ');
  throw new BenchError(
    'rootless-user',
    maps.single
      ? `${words} cannot be had inside: only root (that is you) exists there, since ${maps.single.reason}`
      : `${words} cannot be had inside: your ranges in /etc/subuid and /etc/subgid end before`,
    { hint: maps.single?.remedy ?? 'run it as another user (-u 0), or let root give you larger ranges' },
  );
}
