import { existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';
import type { Op } from '../../launch/ops.ts';
import { namespaceRefusal, type Refusal } from './availability.ts';
import { enterOp, idMaps, type Account, type IdMaps } from './id-maps.ts';

/** The user namespace that a plan's process moves into before anything else; every later operation is played as its root. */
export interface UserNamespace {
  /** Empty when this process is root of one already. */
  enter: readonly Op[];
  /** False where setgroups is denied: a map of one id, written without privilege. */
  setGroups: boolean;
}

/** What we are on this host. */
export type Privilege =
  | { kind: 'root'; uid: 0 }
  /** An ordinary user, who makes a user namespace for each box. */
  | { kind: 'user'; uid: number; account: Account; maps: IdMaps; refusal: Refusal | null }
  /** Root of a user namespace that somebody made around us (our own `image` verbs, unshare, a container). */
  | { kind: 'mapped-root'; uid: number; setGroups: boolean };

const IDENTITY = /^\s*0\s+0\s+4294967295\s*$/;

/** The uid that root of this user namespace has outside of it; null in the machine's first one. Pure. */
export function outsideUid(uidMap: string): number | null {
  if (IDENTITY.test(uidMap)) return null;
  const match = /^\s*0\s+(\d+)\s+\d+\s*$/m.exec(uidMap);
  return match ? Number(match[1]) : null;
}

let known: Privilege | undefined;

/** Asked of the kernel once. */
export function hostPrivilege(): Privilege {
  return (known ??= readPrivilege());
}

/** Who owns our files, as the host counts: the user's own id also where we are root of a user namespace. */
export function ownUid(): number {
  return hostPrivilege().uid;
}

function readPrivilege(): Privilege {
  const uid = process.geteuid?.() ?? -1;
  if (uid === 0) {
    const outside = outsideUid(text('/proc/self/uid_map') ?? '');
    if (outside === null) return { kind: 'root', uid: 0 };
    return { kind: 'mapped-root', uid: outside, setGroups: text('/proc/self/setgroups')?.trim() !== 'deny' };
  }
  const account = { name: accountName(uid), uid, gid: process.getegid?.() ?? uid };
  return {
    kind: 'user',
    uid,
    account,
    maps: idMaps(account, {
      subuid: text('/etc/subuid') ?? '',
      subgid: text('/etc/subgid') ?? '',
      newuidmap: onPath('newuidmap'),
      newgidmap: onPath('newgidmap'),
    }),
    refusal: namespaceRefusal({
      supported: existsSync('/proc/self/ns/user'),
      maxUserNamespaces: text('/proc/sys/user/max_user_namespaces'),
      unprivilegedClone: text('/proc/sys/kernel/unprivileged_userns_clone'),
      apparmorRestricts: text('/proc/sys/kernel/apparmor_restrict_unprivileged_userns'),
    }),
  };
}

/**
 * The user namespace that boxes of ours need; null for root, who needs none.
 * @throws BenchError `rootless-refused` where the kernel keeps user namespaces from ordinary users.
 */
export function userNamespace(privilege: Privilege = hostPrivilege()): UserNamespace | null {
  if (privilege.kind === 'root') return null;
  if (privilege.kind === 'mapped-root') return { enter: [], setGroups: privilege.setGroups };
  if (privilege.refusal)
    throw new BenchError(
      'rootless-refused',
      `an ordinary user cannot run boxes here: ${privilege.refusal.reason}`,
      {
        hint: privilege.refusal.remedy,
      },
    );
  return { enter: [enterOp(privilege.maps)], setGroups: privilege.maps.helpers !== null };
}

/** A program of the host, by PATH and the folders of root's programs that a user's PATH often lacks; null when it is not there. */
export function onPath(name: string, path = process.env.PATH ?? ''): string | null {
  const folders = [
    ...path.split(delimiter).filter((folder) => folder.startsWith('/')),
    '/usr/bin',
    '/usr/sbin',
    '/bin',
  ];
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file)) ?? null;
}

function accountName(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return String(uid);
  }
}

function text(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
