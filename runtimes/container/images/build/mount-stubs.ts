import type { LowerView } from '../layer/lower-view.ts';
import type { PackItem } from '../layer/pack.ts';

const DIRECTORIES = new Set(['dev', 'proc', 'sys']);
const FILES = new Set(['etc/hosts', 'etc/hostname', 'etc/resolv.conf']);

/**
 * Leaves out what a container runtime makes only to mount something on it: empty /dev, /proc and /sys, empty network files, and
 * the mount points of the step's own mounts, where the image did not have them. They are nobody's change.
 */
export function withoutMountStubs(
  items: PackItem[],
  lower: LowerView,
  targets: readonly string[] = [],
): PackItem[] {
  return withoutStubsOf(withoutNetworkStubs(items, lower), lower, targets);
}

/** The mount points, and the folders that only lead to them. */
function withoutStubsOf(items: PackItem[], lower: LowerView, targets: readonly string[]): PackItem[] {
  let kept = items;
  const stubs = targets.flatMap((target) => {
    const parts = target.split('/').filter(Boolean);
    return parts.map((_, at) => parts.slice(0, parts.length - at).join('/'));
  });
  for (const stub of stubs)
    kept = kept.filter(({ member }) => {
      if (member.path !== stub || lower.look(stub.split('/')).type !== 'absent') return true;
      if (member.type === 'file') return member.size > 0;
      return member.type !== 'directory' || kept.some((each) => each.member.path.startsWith(`${stub}/`));
    });
  return kept;
}

function withoutNetworkStubs(items: PackItem[], lower: LowerView): PackItem[] {
  const hasChildren = (path: string): boolean =>
    items.some(({ member }) => member.path.startsWith(`${path}/`));
  const kept = items.filter(({ member }) => {
    const absent = (): boolean => lower.look(member.path.split('/')).type === 'absent';
    if (DIRECTORIES.has(member.path) && member.type === 'directory')
      return hasChildren(member.path) || !absent();
    return !(FILES.has(member.path) && member.type === 'file' && member.size === 0 && absent());
  });
  const lost = kept.length < items.length;
  // /etc itself may be nothing but the stubs' parent.
  const etc = lost && !kept.some(({ member }) => member.path.startsWith('etc/'));
  return etc && lower.look(['etc']).type === 'absent'
    ? kept.filter(({ member }) => member.path !== 'etc')
    : kept;
}
