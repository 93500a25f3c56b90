import type { TrialRecord } from '../record/trial.ts';

/**
 * Lets the trials of a run share what is the same in all of them: every box of an arm sees the same inside, and a journal of
 * 10⁶ trials would hold it 10⁶ times. What is shared is equal, so nobody can tell; records are never changed once read.
 */
export class SharedParts {
  private readonly insides = new Map<string, NonNullable<TrialRecord['inside']>>();
  private readonly facts = new Map<string, TrialRecord['facts']>();

  /** Puts the known equal parts in the place of a record's own. */
  take(record: TrialRecord, cell: { id: string; arm: string; workload: string }): void {
    record.cell = cell.id;
    record.arm = cell.arm;
    record.workload = cell.workload;
    if (record.inside) record.inside = known(this.insides, cell.id, record.inside);
    record.facts = known(this.facts, cell.id, record.facts);
  }
}

/** The last part of that cell where it equals this one; else this one, which becomes the last. */
function known<T extends object>(parts: Map<string, T>, key: string, part: T): T {
  const last = parts.get(key);
  if (last && equal(last, part)) return last;
  parts.set(key, part);
  return part;
}

/** Equality of JSON values of two levels, as parts of a record are: unequal where it would have to look deeper. */
function equal(a: object, b: object, depth = 2): boolean {
  const names = Object.keys(a) as (keyof typeof a)[];
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => {
    const [one, other] = [a[name] as unknown, b[name] as unknown];
    if (one === other) return Object.hasOwn(b, name);
    return isObject(one) && isObject(other) && depth > 1 && equal(one, other, depth - 1);
  });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
