import type { Op } from '../../launch/ops.ts';
import type { IdMapping } from '../spec/oci-spec.ts';
import { subordinateRanges, type IdRange } from './subordinate-ids.ts';

/** The user who runs us, and what /etc says of him. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
}

/** What the host offers for maps beyond one's own id. */
export interface MapSources {
  subuid: string;
  subgid: string;
  /** Paths of the setuid helpers; null where they are not installed. */
  newuidmap: string | null;
  newgidmap: string | null;
}

/** Which ids exist inside. */
export interface IdMaps {
  uid: IdMapping[];
  gid: IdMapping[];
  /** Helpers that write maps of more than one id; null when the map is the user's own id alone. */
  helpers: { uid: string; gid: string } | null;
  /** Why only one id is mapped, and what mends it; null when ranges are. */
  single: { reason: string; remedy: string } | null;
}

/** Root inside is the user himself; the ids from 1 on are his subordinate ones, where he has any that can be mapped. */
export function idMaps(account: Account, sources: MapSources): IdMaps {
  const { newuidmap, newgidmap } = sources;
  const uids = subordinateRanges(sources.subuid, account.name, account.uid);
  const gids = subordinateRanges(sources.subgid, account.name, account.uid);
  const single = whySingle(account, uids, gids, newuidmap !== null && newgidmap !== null);
  if (single || newuidmap === null || newgidmap === null)
    return { uid: [own(account.uid)], gid: [own(account.gid)], helpers: null, single };
  return {
    uid: [own(account.uid), ...stacked(uids)],
    gid: [own(account.gid), ...stacked(gids)],
    helpers: { uid: newuidmap, gid: newgidmap },
    single: null,
  };
}

function whySingle(account: Account, uids: IdRange[], gids: IdRange[], helpers: boolean): IdMaps['single'] {
  const ranges = uids.length > 0 && gids.length > 0;
  if (ranges && helpers) return null;
  const remedy = [
    ...(helpers ? [] : ['apt-get install uidmap']),
    ...(ranges ? [] : [`usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${account.name}`]),
  ].join(' && ');
  return {
    reason: ranges
      ? 'newuidmap and newgidmap are not installed'
      : `${account.name} has no range in /etc/subuid and /etc/subgid`,
    remedy: `as root: ${remedy}`,
  };
}

function own(id: number): IdMapping {
  return { containerID: 0, hostID: id, size: 1 };
}

/** Ranges one after the other from id 1 on. */
function stacked(ranges: readonly IdRange[]): IdMapping[] {
  let next = 1;
  return ranges.map(({ start, count }) => {
    const mapping = { containerID: next, hostID: start, size: count };
    next += count;
    return mapping;
  });
}

/** Whether an id of the inside exists. */
export function isMapped(mappings: readonly IdMapping[], id: number): boolean {
  return mappings.some((each) => id >= each.containerID && id < each.containerID + each.size);
}

/** The operation that makes its process root of a user namespace with these maps. */
export function enterOp(maps: IdMaps): Op {
  const text = (list: readonly IdMapping[]): string =>
    list.map((each) => `${each.containerID} ${each.hostID} ${each.size}\n`).join('');
  const words = (list: readonly IdMapping[]): string[] =>
    list.flatMap((each) => [each.containerID, each.hostID, each.size].map(String));
  return {
    op: 'user-namespace',
    uidMap: text(maps.uid),
    gidMap: text(maps.gid),
    uidHelper: maps.helpers ? [maps.helpers.uid, ...words(maps.uid)] : [],
    gidHelper: maps.helpers ? [maps.helpers.gid, ...words(maps.gid)] : [],
  };
}
