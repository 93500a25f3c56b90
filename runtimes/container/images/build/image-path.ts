import type { LowerView, Sight } from '../layer/lower-view.ts';
import type { RawName } from '../tar/entry.ts';

const MAX_LINKS = 40;

export interface Resolved {
  /** Canonical: no links in it, beneath the root. */
  path: RawName[];
  sight: Sight;
}

/**
 * Follows a path inside a tree as a process chrooted into it would: links are resolved within, `..` stops at the root, and a part
 * that does not exist is taken as it stands. `followLast` says whether a link at the end is followed too.
 */
export function resolveInside(view: LowerView, path: RawName, followLast = true): Resolved {
  let done: RawName[] = [];
  const todo = path.split('/');
  let links = 0;
  for (let part = todo.shift(); part !== undefined; part = todo.shift()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      done = done.slice(0, -1);
      continue;
    }
    const sight = view.look([...done, part]);
    const last = todo.every((each) => each === '' || each === '.');
    if (sight.type === 'symlink' && (!last || followLast)) {
      if (++links > MAX_LINKS) break;
      if (sight.target.startsWith('/')) done = [];
      todo.unshift(...sight.target.split('/'));
      continue;
    }
    done = [...done, part];
  }
  return { path: done, sight: view.look(done) };
}
