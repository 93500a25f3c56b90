import { BenchError } from '../../results/bench-error.ts';
import type { Arm } from '../../results/record/plan.ts';
import type { Run } from '../../results/store/read-run.ts';
import { partDifferences } from '../../results/summarize/arm-parts.ts';
import { canonicalJson } from '../plan/canonical-json.ts';

/** What differs between two runs in machine, tools and set-up; empty when their numbers may stand side by side. */
export function differencesOfRuns(a: Run, b: Run): string[] {
  const differences: string[] = [];
  const differ = (what: string, one: unknown, other: unknown): void => {
    if (canonicalJson(one ?? null) !== canonicalJson(other ?? null))
      differences.push(`${what}: ${show(one)} against ${show(other)}`);
  };
  if (!a.host || !b.host) differences.push('a run without host.json: its machine is not known');
  else {
    differ('machine', a.host.before.fingerprint.slice(0, 12), b.host.before.fingerprint.slice(0, 12));
    const names = new Set([...Object.keys(a.host.before.system), ...Object.keys(b.host.before.system)]);
    if (a.host.before.fingerprint !== b.host.before.fingerprint)
      for (const name of names) differ(name, a.host.before.system[name], b.host.before.system[name]);
  }
  differ('CPUs', a.plan.resources.cpus, b.plan.resources.cpus);
  differ('memory', `${a.plan.resources.memoryMiB} MiB`, `${b.plan.resources.memoryMiB} MiB`);
  differ('guest image', a.plan.image?.digest.slice(0, 12), b.plan.image?.digest.slice(0, 12));
  for (const workload of b.plan.workloads) {
    const same = a.plan.workloads.find(({ id }) => id === workload.id);
    if (same) differ(`options of ${workload.id}`, same.options, workload.options);
  }
  for (const arm of b.plan.arms) {
    const same = a.plan.arms.find(({ id }) => id === arm.id);
    if (same) {
      differ(`runtime of ${arm.id}`, same.runtime, arm.runtime);
      differ(`emulation of ${arm.id}`, same.emulated, arm.emulated);
      differences.push(...partsOfRuns(a, same, b, arm, false));
    }
  }
  const [ours, theirs] = [toolsOf(a), toolsOf(b)];
  for (const [tool, hash] of theirs) if (ours.has(tool)) differ(tool, ours.get(tool), hash);
  return differences;
}

/**
 * What the two runs' arms of the same name run on that is not the same and that the matrix of one of them names: what is
 * being compared. A part that nobody named and that changed all the same is among differencesOfRuns.
 */
export function underTest(a: Run, b: Run): string[] {
  return b.plan.arms.flatMap((arm) => {
    const same = a.plan.arms.find(({ id }) => id === arm.id);
    return same ? partsOfRuns(a, same, b, arm, true) : [];
  });
}

function partsOfRuns(a: Run, one: Arm, b: Run, other: Arm, chosen: boolean): string[] {
  return partDifferences({ plan: a.plan, arm: one }, { plan: b.plan, arm: other })
    .filter((difference) => difference.chosen === chosen)
    .filter(({ part }) => part !== 'image' || chosen)
    .map(({ text }) => `${other.id}, ${text}`);
}

/** Throws `gate-not-comparable` (exit code 4) when anything differs. */
export function refuseIncomparable(differences: readonly string[]): void {
  if (differences.length === 0) return;
  throw new BenchError('gate-not-comparable', `not comparable:\n  ${differences.join('\n  ')}`, {
    hint: 'measure both in one job (bench gate --matrix), or say --even-if-not-comparable',
  });
}

/** Tool → its distinct hashes as the insides saw them. */
function toolsOf(run: Run): Map<string, string> {
  const seen = new Map<string, Set<string>>();
  for (const { inside } of run.trials)
    for (const [tool, hash] of Object.entries(inside?.tools ?? {}))
      seen.set(tool, (seen.get(tool) ?? new Set()).add(hash.slice(0, 12)));
  return new Map([...seen].map(([tool, hashes]) => [tool, [...hashes].sort().join(' / ')]));
}

function show(value: unknown): string {
  if (value === undefined || value === null) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
