import { lstatSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';
import { ownUid } from './privilege.ts';

/** Where one user's containers are. Nobody shares them: another user's folders are never looked into. */
export interface UserFolders {
  /** Gone after a reboot: states, sockets, claims. */
  state: string;
  /** Survives reboots: what containers wrote. */
  data: string;
}

/** The machine's own for root; for anybody else the XDG folders, or /tmp/tare-<uid> where there is no session. Pure. */
export function userFolders(env: NodeJS.ProcessEnv, uid: number, home: string): UserFolders {
  if (uid === 0) return { state: '/run/tare', data: '/var/lib/tare' };
  const state = env.XDG_RUNTIME_DIR ? join(env.XDG_RUNTIME_DIR, 'tare') : `/tmp/tare-${uid}`;
  const data = env.XDG_DATA_HOME ?? join(env.HOME ?? home, '.local', 'share');
  return { state, data: join(data, 'tare') };
}

/** This user's. */
export function ownFolders(): UserFolders {
  return userFolders(process.env, ownUid(), homedir());
}

/**
 * The state folder, made for its user alone. In /tmp anybody may have made one of that name before us, to be followed or to
 * read along: then it is not used.
 * @throws BenchError `state-folder-unsafe`, `state-folder`.
 */
export function claimStateFolder(folder = ownFolders().state, uid = ownUid()): string {
  try {
    mkdirSync(folder, { recursive: true, mode: uid === 0 ? 0o755 : 0o700 });
  } catch (cause) {
    throw new BenchError('state-folder', `${folder} cannot be made: ${(cause as Error).message}`, {
      hint: 'set XDG_RUNTIME_DIR to a folder of your own, or unset it',
      cause,
    });
  }
  const stat = lstatSync(folder);
  const mine = process.geteuid?.() ?? -1;
  const open = uid === 0 ? 0o022 : 0o077;
  if (stat.isDirectory() && stat.uid === mine && (stat.mode & open) === 0) return folder;
  throw new BenchError('state-folder-unsafe', `${folder} is not this user's alone, so it is not used`, {
    hint: `look whose it is (ls -ld ${folder}); set XDG_RUNTIME_DIR to a folder of your own with mode 0700`,
  });
}
