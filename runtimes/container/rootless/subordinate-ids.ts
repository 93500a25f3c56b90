/** A range of ids that a user may hand out, as /etc/subuid and /etc/subgid write it. */
export interface IdRange {
  start: number;
  count: number;
}

/** Ids end here; the last one means "no id". */
const END_OF_IDS = 0xffffffff;

/**
 * The ranges of one user, by name or by number, in the order of the file (subuid(5): `login:start:count`). A line that is not
 * one is passed over, as newuidmap does.
 */
export function subordinateRanges(text: string, user: string, uid: number): IdRange[] {
  return text.split('\n').flatMap((line) => {
    const match = /^([^:\s]+):(\d+):(\d+)$/.exec(line.trim());
    if (!match || (match[1] !== user && match[1] !== String(uid))) return [];
    const range = { start: Number(match[2]), count: Number(match[3]) };
    return range.count > 0 && range.start + range.count <= END_OF_IDS ? [range] : [];
  });
}
