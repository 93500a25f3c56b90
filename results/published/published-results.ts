import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { BenchError } from '../bench-error.ts';
import { parseCsv } from '../import/csv.ts';
import { packagePath } from '../package-root.ts';

const optionalNumber = z.string().transform((text, context) => {
  if (text === '') return null;
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  context.addIssue({ code: 'custom', message: `'${text}' is not a number` });
  return z.NEVER;
});

const rowSchema = z.object({
  id: z.string().min(1),
  paper: z.string().min(1),
  setup: z.string(),
  tool: z.string(),
  metric: z.string(),
  unit: z.string(),
  better: z.enum(['higher', 'lower']),
  native: optionalNumber,
  container: optionalNumber,
  container_kind: z.string(),
  vm: optionalNumber,
  vm_kind: z.string(),
  ratio_container: optionalNumber,
  ratio_vm: optionalNumber,
  n: z.string(),
  source: z.string(),
  provenance: z.string(),
  confidence: z.string(),
});

/** One published measurement: the same work bare, in a container, in a VM; what a source does not state is null. */
export type PublishedRow = z.infer<typeof rowSchema>;

let known: Map<string, PublishedRow> | undefined;

/** The published results that ship with Tare, by id. */
export function publishedResults(): ReadonlyMap<string, PublishedRow> {
  known ??= parsePublished(
    readFileSync(packagePath('results', 'published', 'published-results.csv'), 'utf8'),
    'published-results.csv',
  );
  return known;
}

/** Parses published results; `bad-published` with file:line names the first row that does not fit. */
export function parsePublished(text: string, place: string): Map<string, PublishedRow> {
  const rows = new Map<string, PublishedRow>();
  for (const { line, row } of parseCsv(text, place)) {
    const parsed = rowSchema.safeParse(row);
    const issue = parsed.error?.issues[0];
    if (!parsed.success)
      throw new BenchError('bad-published', `${place}:${line}: ${issue?.path.join('.')}: ${issue?.message}`);
    if (rows.has(parsed.data.id))
      throw new BenchError('bad-published', `${place}:${line}: id '${parsed.data.id}' occurs twice`);
    rows.set(parsed.data.id, parsed.data);
  }
  return rows;
}

export type BoxKind = 'native' | 'container' | 'vm';

/** Runtimes that boot a kernel of their own. */
const VIRTUAL_MACHINES = new Set(['qemu', 'firecracker', 'cloud-hypervisor', 'kata', 'libvirt']);

/** What kind of box a runtime of the catalog makes, in the published tables' three columns. */
export function kindOfRuntime(runtime: string): BoxKind {
  if (runtime === 'native') return 'native';
  return VIRTUAL_MACHINES.has(runtime) ? 'vm' : 'container';
}

/**
 * The cost of one kind of box against another as published (above 1: dearer), or null when the row does not have both.
 * Where only ratios to native were published, those are used.
 */
export function publishedCost(row: PublishedRow, kind: BoxKind, against: BoxKind): number | null {
  const ratioToNative = (which: BoxKind): number | null =>
    which === 'native' ? 1 : which === 'container' ? row.ratio_container : row.ratio_vm;
  const both = (arm: number | null, baseline: number | null): number | null => {
    if (arm === null || baseline === null || !(arm > 0) || !(baseline > 0)) return null;
    return row.better === 'higher' ? baseline / arm : arm / baseline;
  };
  return both(row[kind], row[against]) ?? both(ratioToNative(kind), ratioToNative(against));
}
