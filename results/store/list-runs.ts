import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describeError } from '../bench-error.ts';
import { planSchema, type Plan } from '../record/plan.ts';
import { MAX_DOCUMENT_BYTES, MAX_JOURNAL_BYTES } from './defaults.ts';
import { openGuarded, parseRecord, readGuardedText } from './guarded-file.ts';
import { RUN_FILES } from './run-folder.ts';

/** One line of `bench list`. */
export type RunListing =
  | {
      readable: true;
      path: string;
      plan: Plan;
      /** Lines of trials.jsonl, aborted and repeated trials included. */
      recorded: number;
      planned: number;
    }
  | { readable: false; path: string; problem: string };

/** The runs in a folder, oldest first. A folder without plan.json is no run; one that cannot be read is listed with why. */
export async function listRuns(runsDir: string): Promise<RunListing[]> {
  const folder = resolve(runsDir);
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const listings: RunListing[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    const names: string[] = await readdir(path).catch(() => []);
    if (!names.includes(RUN_FILES.plan)) continue;
    try {
      const planFile = join(path, RUN_FILES.plan);
      const plan = parseRecord(
        await readGuardedText(planFile, MAX_DOCUMENT_BYTES),
        planSchema,
        'plan',
        planFile,
      );
      const recorded = names.includes(RUN_FILES.trials) ? await countLines(join(path, RUN_FILES.trials)) : 0;
      const planned = plan.rounds * plan.cells.length;
      listings.push({ readable: true, path, plan, recorded, planned });
    } catch (error) {
      listings.push({ readable: false, path, problem: describeError(error) });
    }
  }
  const age = (listing: RunListing): string => (listing.readable ? listing.plan.createdAt : '');
  return listings.sort((a, b) => age(a).localeCompare(age(b)) || a.path.localeCompare(b.path));
}

async function countLines(path: string): Promise<number> {
  const handle = await openGuarded(path, MAX_JOURNAL_BYTES);
  try {
    let lines = 0;
    for await (const chunk of handle.createReadStream({ autoClose: false }))
      for (let at = (chunk as Buffer).indexOf(0x0a); at >= 0; at = (chunk as Buffer).indexOf(0x0a, at + 1))
        lines++;
    return lines;
  } finally {
    await handle.close();
  }
}
