import type { LowerView } from '../layer/lower-view.ts';
import type { PackItem } from '../layer/pack.ts';

const DIRECTORIES = new Set(['dev', 'proc', 'sys']);
const FILES = new Set(['etc/hosts', 'etc/hostname', 'etc/resolv.conf']);

/**
 * Leaves out what a container runtime makes only to mount something on it: empty /dev, /proc and /sys and empty network files
 * that the image did not have. They are nobody's change.
 */
export function withoutMountStubs(items: PackItem[], lower: LowerView): PackItem[] {
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
