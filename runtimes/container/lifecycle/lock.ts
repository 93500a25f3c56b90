import { withLock } from '../images/store/store-lock.ts';
import { claimStateFolder } from '../rootless/folders.ts';

/**
 * One caller at a time chooses names, addresses, subnets and ports, and changes what containers share. Short: nothing is
 * launched, copied or waited for under it. A dead caller's lock is taken away.
 */
export function locked<T>(work: () => Promise<T>): Promise<T> {
  return withLock(claimStateFolder(), 'containers', work);
}
