import { familiarName } from '../reference.ts';
import type { ImageStore } from '../store/image-store.ts';
import { pruneStore } from '../store/prune.ts';
import { containerUses } from './container-uses.ts';
import { historyRows, imageRows, inspection } from '../view/describe-images.ts';
import { humanAge, humanBytes, textTable } from '../view/human.ts';

/** `bench image ls`: the text to print. */
export async function listText(
  store: ImageStore,
  flags: { quiet?: boolean; json?: boolean; trunc: boolean },
): Promise<string> {
  const rows = await imageRows(store);
  const id = (digest: string): string => (flags.trunc ? digest.slice('sha256:'.length, 19) : digest);
  if (flags.json) return JSON.stringify(rows);
  if (flags.quiet) return rows.map((row) => id(row.id)).join('\n');
  const cells = rows.map((row) => [
    row.repository,
    row.tag,
    id(row.id),
    humanAge(row.created, Date.now()),
    humanBytes(row.sizeBytes),
  ]);
  return textTable([['REPOSITORY', 'TAG', 'IMAGE ID', 'CREATED', 'SIZE'], ...cells]);
}

/** `bench image history`. */
export async function historyText(
  store: ImageStore,
  name: string,
  flags: { json?: boolean },
): Promise<string> {
  const rows = await historyRows(store, await store.get(name));
  if (flags.json) return JSON.stringify(rows);
  const cells = rows.map((row) => [
    humanAge(row.created, Date.now()),
    row.createdBy.length > 80 ? `${row.createdBy.slice(0, 79)}…` : row.createdBy,
    humanBytes(row.sizeBytes),
    row.comment,
  ]);
  return textTable([['CREATED', 'CREATED BY', 'SIZE', 'COMMENT'], ...cells]);
}

/** `bench image inspect`. */
export async function inspectText(store: ImageStore, names: string[]): Promise<string> {
  const found = [];
  for (const name of names) found.push(await inspection(store, await store.get(name)));
  return JSON.stringify(found, null, 2);
}

/** `bench image rm`. */
export async function removeText(
  store: ImageStore,
  names: string[],
  flags: { force?: boolean },
): Promise<string[]> {
  const lines = [];
  const uses = await containerUses();
  for (const name of names) {
    const { untagged } = await store.remove(name, { ...flags, uses });
    lines.push(...untagged.map((each) => `Untagged: ${familiarName(each)}`));
  }
  return lines;
}

/** `bench image prune`. */
export async function pruneText(
  store: ImageStore,
  flags: { all?: boolean; buildCache?: boolean; json?: boolean },
): Promise<string> {
  const report = await pruneStore(store, { ...flags, uses: await containerUses() });
  if (flags.json) return JSON.stringify(report);
  const { freedBytes, images, blobs, layers } = report;
  return `freed ${humanBytes(freedBytes)}: ${images.length} images, ${blobs} blobs, ${layers} unpacked layers`;
}
