import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { claimStateFolder, ownFolders } from '../container/rootless/folders.ts';
import { processStartTime } from './process-start-time.ts';

export { processStartTime };

/** Files that say who is alive; on a tmpfs, so that a reboot forgets what it took away anyway. One folder a user. */
export function ownersFolder(): string {
  return join(ownFolders().state, 'owners');
}

const ownerSchema = z.object({
  owner: z.string().regex(/^[a-z0-9-]{1,32}$/),
  pid: z.int().positive(),
  startTime: z.string(),
  scratchDir: z.string().startsWith('/'),
});
/** Who made resources on this host: a process, by pid and the time it started, since pids are used again. */
export type Owner = z.infer<typeof ownerSchema>;

/** Says that a process, this one or `pid`, owns everything named `owner` and everything below `scratchDir`. */
export function registerOwner(
  owner: string,
  scratchDir: string,
  folder = ownersFolder(),
  pid = process.pid,
): Promise<void> {
  if (folder === ownersFolder()) claimStateFolder();
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const record: Owner = {
    owner,
    pid,
    startTime: processStartTime(pid) ?? '',
    scratchDir,
  };
  const file = join(folder, `${owner}.json`);
  writeFileSync(`${file}.new`, JSON.stringify(record) + '\n');
  renameSync(`${file}.new`, file);
  return Promise.resolve();
}

/** Takes the claim back, after everything was removed. Idempotent. */
export function releaseOwner(owner: string, folder = ownersFolder()): Promise<void> {
  rmSync(join(folder, `${owner}.json`), { force: true });
  return Promise.resolve();
}

/** All owners on record, dead or alive. A file that cannot be read is no owner. */
export function listOwners(folder = ownersFolder()): Owner[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => {
      try {
        const parsed = ownerSchema.safeParse(JSON.parse(readFileSync(join(folder, name), 'utf8')));
        return parsed.success ? [parsed.data] : [];
      } catch {
        return [];
      }
    });
}

export function isAlive(owner: Pick<Owner, 'pid' | 'startTime'>): boolean {
  return processStartTime(owner.pid) === owner.startTime;
}
