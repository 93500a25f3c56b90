import { accessSync, constants, lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';
import type { OciProcess } from '../spec/oci-spec.ts';

/** As many as the kernel follows. */
const MAX_LINKS = 40;
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Looks for the program before the container is called created, so that a typo is an error of `create` with the words
 * that Docker and Podman turn into exit code 127, and not a process that dies at start. Only looks: what is executed is
 * resolved by the kernel inside the container.
 *
 * @param root where the container's root can be seen from here: /proc/<pid>/root
 * @throws BenchError `oci-program`
 */
export function findProgram(root: string, process: OciProcess): void {
  const name = process.args[0] ?? '';
  const path = process.env?.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? DEFAULT_PATH;
  const candidates = name.includes('/')
    ? [absolute(name, process.cwd)]
    : path.split(':').map((at) => `${at || '.'}/${name}`);
  let refused = false;
  for (const candidate of candidates) {
    const found = resolveBeneath(root, absolute(candidate, process.cwd));
    if (found === null) continue;
    if (isExecutable(found)) return;
    refused = true;
  }
  if (refused) throw new BenchError('oci-program', `exec: "${name}": permission denied`);
  throw new BenchError(
    'oci-program',
    name.includes('/')
      ? `exec: "${name}": stat ${name}: no such file or directory`
      : `exec: "${name}": executable file not found in $PATH`,
  );
}

function absolute(path: string, cwd: string): string {
  return path.startsWith('/') ? path : `${cwd}/${path}`;
}

/** Follows a path as a process with that root would: links start again at the root, '..' stops at it. Null when nothing is there. */
export function resolveBeneath(root: string, path: string): string | null {
  const todo = path.split('/').reverse();
  const at: string[] = [];
  for (let links = 0; todo.length > 0;) {
    const part = todo.pop()!;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      at.pop();
      continue;
    }
    const here = join(root, ...at, part);
    const stat = lstatSync(here, { throwIfNoEntry: false });
    if (!stat) return null;
    if (!stat.isSymbolicLink()) {
      at.push(part);
      continue;
    }
    if (++links > MAX_LINKS) return null;
    const target = readlinkSync(here);
    if (target.startsWith('/')) at.length = 0;
    todo.push(...target.split('/').reverse());
  }
  return join(root, ...at);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return lstatSync(file).isFile();
  } catch {
    return false;
  }
}
