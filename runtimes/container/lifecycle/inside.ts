import { closeSync, constants, fstatSync, openSync, readlinkSync } from 'node:fs';
import { BenchError } from '../../../results/bench-error.ts';
import { O_CLOEXEC, O_PATH } from '../../launch/constants.ts';

/** The kernel's own limit of links in one path. */
const MAX_LINKS = 40;
const { O_NOFOLLOW, O_DIRECTORY } = constants;

/** Something found beneath a root, by descriptor; it must be closed. */
export interface Found {
  fd: number;
  isDirectory: boolean;
  isLink: boolean;
}

/**
 * Files beneath a root, seen as its programs see them: absolute links and `..` stay inside. Every step is a descriptor, so what a
 * program inside renames meanwhile leads nowhere else (CVE-2018-15664). The root may be another mount namespace's.
 */
export class Inside {
  readonly #root: number;

  /** @param root e.g. /proc/PID/root, which is followed once. */
  constructor(root: string) {
    this.#root = openSync(`${root}/.`, O_PATH | O_DIRECTORY | O_CLOEXEC);
  }

  close(): void {
    closeSync(this.#root);
  }

  /**
   * 'all' follows every link; 'parents' not the last one; 'none' takes any link on the way for absent.
   * Undefined when there is nothing.
   */
  find(path: string, follow: 'all' | 'parents' | 'none'): Found | undefined {
    const trail = [this.#dup(this.#root)];
    const rest = path.split('/').filter((part) => part !== '' && part !== '.');
    try {
      for (let links = 0; rest.length > 0;) {
        const part = rest.shift() ?? '';
        if (part === '..') {
          if (trail.length > 1) closeSync(trail.pop() ?? -1);
          continue;
        }
        const fd = openSync(`${pathOf(trail.at(-1) ?? -1)}/${part}`, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (!fstatSync(fd).isSymbolicLink() || (follow === 'parents' && rest.length === 0)) {
          trail.push(fd);
          continue;
        }
        closeSync(fd);
        if (follow === 'none') return undefined;
        if (++links > MAX_LINKS) throw new BenchError('path-links', `${path} has too many symbolic links`);
        const target = readlinkSync(`${pathOf(trail.at(-1) ?? -1)}/${part}`);
        if (target.startsWith('/')) for (const each of trail.splice(1)) closeSync(each);
        rest.unshift(...target.split('/').filter((each) => each !== '' && each !== '.'));
      }
      const fd = trail.pop() ?? -1;
      const stat = fstatSync(fd);
      return { fd, isDirectory: stat.isDirectory(), isLink: stat.isSymbolicLink() };
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
      throw error;
    } finally {
      for (const fd of trail) closeSync(fd);
    }
  }

  #dup(fd: number): number {
    return openSync(`${pathOf(fd)}/.`, O_PATH | O_DIRECTORY | O_CLOEXEC);
  }
}

/** A descriptor as a path that also a child of ours can use, as long as we hold it. */
export function pathOf(fd: number): string {
  return `/proc/${process.pid}/fd/${fd}`;
}
