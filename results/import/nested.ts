import { BenchError } from '../bench-error.ts';
import type { NestedSeries } from '../summarize/replication.ts';
import { parseCsv } from './csv.ts';
import { badObservation, UNNAMED_WORKLOAD } from './observation-error.ts';

/** Levels that are looked for when none are named, outermost first. */
export const USUAL_LEVELS = ['round', 'start', 'iteration'] as const;

const OTHER_COLUMNS = ['arm', 'metric', 'value', 'unit', 'workload', 'better', 'position'];
const UNNAMED_ARM = 'all';

/**
 * Values of a nested pilot: CSV with a header, or JSON lines, of `value`, one column per level of repetition, and where there
 * is more than one of them `arm`, `metric`, `workload`, `unit`. Refused with file:line (`bad-observation`, `bad-csv`): an
 * unknown column, a value that is no number, a level left empty, the same repetition twice.
 *
 * @param asked the level columns, outermost first; without them those of round, start, iteration that the file has
 */
export function importNested(
  text: string,
  place: string,
  asked: readonly string[] | null,
): { levels: string[]; series: Omit<NestedSeries, 'costs'>[]; warnings: string[] } {
  const rows = text.trimStart().startsWith('{') ? jsonRows(text, place) : parseCsv(text, place);
  const columns = new Set(rows.flatMap(({ row }) => Object.keys(row)));
  const levels = asked ? [...asked] : USUAL_LEVELS.filter((name) => columns.has(name));
  const missing = levels.filter((name) => !columns.has(name));
  if (missing.length > 0 || levels.length < 2)
    throw new BenchError(
      'bad-observation',
      missing.length > 0
        ? `${place}: there is no column ${missing.join(', ')}`
        : `${place}: replication needs two levels or more; found ${levels.join(', ') || 'none'}`,
      { hint: 'name the level columns, outermost first: --levels round,start,iteration' },
    );
  const known = new Set([...levels, ...OTHER_COLUMNS, ...USUAL_LEVELS]);
  const unknown = [...columns].filter((name) => !known.has(name));
  if (unknown.length > 0) throw badObservation(place, 1, `unknown column ${unknown.join(', ')}`);
  const found = new Map<string, Omit<NestedSeries, 'costs'>>();
  const seen = new Set<string>();
  for (const { line, row } of rows) {
    const { arm = UNNAMED_ARM, metric = 'value', workload = UNNAMED_WORKLOAD, unit = '' } = row;
    const value = row['value']?.trim() ? Number(row['value']) : NaN;
    if (!Number.isFinite(value))
      throw badObservation(place, line, `value '${row['value'] ?? ''}' is not a number`);
    const path = levels.map((name) => {
      const repetition = row[name] ?? '';
      if (repetition === '') throw badObservation(place, line, `${name} is empty`);
      return repetition;
    });
    const key = JSON.stringify([workload, arm, metric]);
    const repetition = `${key} ${JSON.stringify(path)}`;
    if (seen.has(repetition))
      throw badObservation(
        place,
        line,
        `${levels.map((name, i) => `${name} ${path[i]}`).join(', ')} occurs twice`,
      );
    seen.add(repetition);
    const one = found.get(key) ?? { workload, arm, metric, unit, values: [] };
    if (one.unit !== unit)
      throw badObservation(place, line, `two units for ${metric}: '${one.unit}' and '${unit}'`);
    one.values.push({ path, value });
    found.set(key, one);
  }
  const dropped = USUAL_LEVELS.filter((name) => columns.has(name) && !levels.includes(name));
  const warnings = dropped.map((name) => `column ${name} is not one of the levels: it was not read`);
  return { levels, series: [...found.values()], warnings };
}

function jsonRows(text: string, place: string): { line: number; row: Record<string, string> }[] {
  return text.split('\n').flatMap((one, i) => {
    if (one.trim() === '') return [];
    let row: unknown;
    try {
      row = JSON.parse(one);
    } catch (cause) {
      throw badObservation(place, i + 1, `not JSON: ${(cause as Error).message}`);
    }
    if (typeof row !== 'object' || row === null) throw badObservation(place, i + 1, 'not an object');
    return [
      {
        line: i + 1,
        row: Object.fromEntries(Object.entries(row).map(([key, value]) => [key, String(value)])),
      },
    ];
  });
}
