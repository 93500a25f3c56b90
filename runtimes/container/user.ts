import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';

/** Who a process runs as, inside. */
export interface ContainerUser {
  uid: number;
  gid: number;
  additionalGids: number[];
  home: string;
}

const MAX_ID = 4294967294;

/**
 * Finds a user as an image or a person writes it: '', `uid`, `uid:gid`, `name`, `name:group`. Strict (CVE-2026-30892):
 * a number is only digits and within range, a name is looked up in the image's own passwd and group, and what is neither
 * is refused; nothing is guessed.
 *
 * @throws BenchError `user-unknown`.
 */
export function resolveUser(text: string, passwd: string, group: string): ContainerUser {
  const parts = text.split(':');
  const [user = '', groupName] = parts;
  if (parts.length > 2 || (parts.length === 2 && (user === '' || groupName === '')))
    throw unknown(text, 'it is not written as user[:group]');
  const accounts = records(passwd).filter((fields) => fields.length >= 6);
  const wanted = user === '' ? '0' : user;
  const account = isNumber(wanted)
    ? accounts.find((fields) => fields[2] === String(Number(wanted)))
    : accounts.find((fields) => fields[0] === wanted);
  if (!account && !isNumber(wanted)) throw unknown(text, `/etc/passwd of the image has no ${wanted}`);
  const uid = id(account?.[2] ?? wanted, text);
  const groups = records(group);
  const gid = groupName === undefined ? id(account?.[3] ?? '0', text) : groupId(groupName, groups, text);
  const name = account?.[0];
  const additionalGids =
    groupName === undefined && name !== undefined
      ? groups
          .filter((fields) => (fields[3] ?? '').split(',').includes(name))
          .map((fields) => id(fields[2] ?? '', text))
      : [];
  return { uid, gid, additionalGids, home: account?.[5] || '/' };
}

function groupId(name: string, groups: string[][], text: string): number {
  if (isNumber(name)) return id(name, text);
  const found = groups.find((fields) => fields[0] === name);
  if (!found) throw unknown(text, `/etc/group of the image has no ${name}`);
  return id(found[2] ?? '', text);
}

function records(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}

function isNumber(text: string): boolean {
  return /^[0-9]+$/.test(text);
}

function id(text: string, whole: string): number {
  const value = Number(text);
  if (!isNumber(text) || value > MAX_ID) throw unknown(whole, `${text || 'an empty id'} is not an id`);
  return value;
}

function unknown(text: string, why: string): BenchError {
  return new BenchError('user-unknown', `the user '${text}' cannot be used: ${why}`, {
    hint: 'uid, uid:gid, name or name:group, with names from the image',
  });
}

/**
 * A file of /etc as the topmost layer has it; empty when none has. Only a regular file in a real folder counts, and what
 * was looked at is what is read: neither a layer nor a program that writes to it can make us read a file of the host.
 */
export function readEtc(layers: readonly string[], name: 'passwd' | 'group'): string {
  for (const layer of [...layers].reverse()) {
    const etc = openUnlessLink(join(layer, 'etc'), constants.O_DIRECTORY);
    if (etc === 'absent') continue;
    if (etc === 'other') return '';
    try {
      const file = openUnlessLink(`/proc/self/fd/${etc}/${name}`, constants.O_NONBLOCK);
      if (file === 'absent') continue;
      if (file === 'other') return '';
      try {
        return fstatSync(file).isFile() ? readFileSync(file, 'utf8') : '';
      } finally {
        closeSync(file);
      }
    } finally {
      closeSync(etc);
    }
  }
  return '';
}

/** A descriptor; 'other' for a link or what is not of the wanted kind. */
function openUnlessLink(path: string, flags: number): number | 'absent' | 'other' {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | flags);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return 'absent';
    if (code === 'ELOOP' || code === 'ENOTDIR' || code === 'ENXIO') return 'other';
    throw error;
  }
}
