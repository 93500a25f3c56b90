import type { Summary } from '../record/summary.ts';
import type { Inside, TrialRecord } from '../record/trial.ts';
import { MEMORY_PARITY_TOLERANCE } from './defaults.ts';

type ParityRow = Summary['parity'][number];

const facts: { what: string; read: (inside: Inside) => string }[] = [
  { what: 'CPUs', read: (inside) => String(inside.nproc) },
  { what: 'CPU model', read: (inside) => inside.cpuModel },
  { what: 'CPU flags', read: (inside) => `${inside.cpuFlagCount} (${inside.cpuFlagsHash.slice(0, 8)})` },
  { what: 'clock source', read: (inside) => inside.clocksource },
  { what: 'virtualisation', read: (inside) => inside.virtualization },
  { what: 'kernel', read: (inside) => inside.kernel },
];

/** What the insides of the arms saw, arm by arm: equal or not. Several values within one arm are joined by ' / '. */
export function parityTable(trials: readonly TrialRecord[]): ParityRow[] {
  const insides = new Map<string, Inside[]>();
  for (const { arm, inside } of trials) {
    if (!inside) continue;
    const seen = insides.get(arm);
    if (seen) seen.push(inside);
    else insides.set(arm, [inside]);
  }
  if (insides.size === 0) return [];
  const row = (what: string, read: (inside: Inside) => string | null): ParityRow | null => {
    const values: Record<string, string> = {};
    for (const [arm, seen] of insides) {
      const distinct = [...new Set(seen.map(read).filter((value) => value !== null))];
      if (distinct.length > 0) values[arm] = distinct.sort().join(' / ');
    }
    if (Object.keys(values).length === 0) return null;
    return { what, values, matches: new Set(Object.values(values)).size === 1 };
  };
  const tools = [
    ...new Set([...insides.values()].flat().flatMap((inside) => Object.keys(inside.tools))),
  ].sort();
  return [
    ...facts.map(({ what, read }) => row(what, read)),
    memoryRow(insides),
    ...tools.map((tool) => row(`${tool} (sha256)`, (inside) => inside.tools[tool]?.slice(0, 12) ?? null)),
  ].filter((found) => found !== null);
}

/** Memory is a limit in one kind of box and RAM in another: compared by what may be used, within what a kernel keeps. */
function memoryRow(insides: ReadonlyMap<string, Inside[]>): ParityRow {
  const values: Record<string, string> = {};
  const usable: number[] = [];
  for (const [arm, seen] of insides) {
    const limits = seen.map((inside) => Math.min(inside.memoryLimitMiB ?? Infinity, inside.memTotalMiB));
    const least = Math.min(...limits);
    usable.push(least, Math.max(...limits));
    values[arm] =
      `${Math.round(least)} MiB${seen.some((one) => one.memoryLimitMiB !== null) ? ' limit' : ''}`;
  }
  const matches = Math.min(...usable) >= Math.max(...usable) * (1 - MEMORY_PARITY_TOLERANCE);
  return { what: 'memory', values, matches };
}

/**
 * Tools whose bytes differ between two arms in one workload. Different builds of a tool make numbers that look like
 * overhead (sysbench: 37,472 against 2,541 MB/s), so such arms are not compared.
 */
export function unequalTools(
  trials: readonly TrialRecord[],
): (workload: string, arm: string, baseline: string) => string[] {
  const hashes = new Map<string, Map<string, string>>();
  for (const { workload, arm, inside } of trials) {
    if (!inside) continue;
    const key = `${workload}\0${arm}`;
    const known = hashes.get(key) ?? new Map<string, string>();
    hashes.set(key, known);
    for (const [tool, hash] of Object.entries(inside.tools)) {
      // Changed under way within one arm: poison, so that it equals nothing.
      known.set(tool, known.has(tool) && known.get(tool) !== hash ? 'several' : hash);
    }
  }
  return (workload, arm, baseline) => {
    const ours = hashes.get(`${workload}\0${arm}`);
    const theirs = hashes.get(`${workload}\0${baseline}`);
    if (!ours || !theirs) return [];
    return [...ours.keys()]
      .filter((tool) => theirs.has(tool))
      .filter((tool) => ours.get(tool) !== theirs.get(tool) || ours.get(tool) === 'several')
      .sort();
  };
}
