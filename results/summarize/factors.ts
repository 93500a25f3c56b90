import type { Arm, Plan } from '../record/plan.ts';
import type { Comparison, Factor, Gap } from '../record/summary.ts';
import { factorEffect, type FactorPair } from '../statistics/factor-effects.ts';
import type { Series } from '../statistics/series.ts';
import { change } from '../statistics/verdict-sentence.ts';

/**
 * Where a run's arms of one runtime differ in their options, what each option does by itself, and how much of the gap
 * between the baseline and the first arm it explains. The first level listed of every option is the starting point; the
 * arm with the last level of all of them shows what remains when every option has done what it can.
 */
export function factorsOf(
  plan: Plan,
  series: readonly Series[],
  comparisons: readonly Comparison[],
): { factors: Factor[]; gaps: Gap[] } {
  const factors: Factor[] = [];
  const gaps: Gap[] = [];
  for (const arms of armsByRuntime(plan)) {
    const levels = varyingOptions(arms);
    if (levels.size === 0 || arms.length < 3) continue;
    for (const { workload, metric, label } of primaryMetrics(plan)) {
      const mine = series.filter((one) => one.workload === workload && one.metric === metric);
      const found = effects(arms, levels, mine, plan.policy.confidence).map((one) => ({
        workload,
        metric,
        ...one,
      }));
      factors.push(...found);
      const gap = gapOf(plan, arms, levels, comparisons, found, { workload, metric, label });
      if (gap) gaps.push(gap);
    }
  }
  return { factors, gaps };
}

/** Levels as text, since options may be anything JSON can say. */
function levelOf(arm: Arm, option: string): string {
  const value = arm.options[option];
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'unset');
}

function armsByRuntime(plan: Plan): Arm[][] {
  const groups = new Map<string, Arm[]>();
  for (const arm of plan.arms) {
    if (arm.id === plan.baseline || arm.id === plan.control) continue;
    groups.set(arm.runtime, [...(groups.get(arm.runtime) ?? []), arm]);
  }
  return [...groups.values()];
}

/** Option → its levels in order of appearance, for options that have more than one. */
function varyingOptions(arms: readonly Arm[]): Map<string, string[]> {
  const options = new Set(arms.flatMap((arm) => Object.keys(arm.options)));
  const varying = new Map<string, string[]>();
  for (const option of options) {
    const levels = [...new Set(arms.map((arm) => levelOf(arm, option)))];
    if (levels.length > 1) varying.set(option, levels);
  }
  return varying;
}

function primaryMetrics(plan: Plan): { workload: string; metric: string; label: string }[] {
  return plan.workloads.flatMap(({ id, label, metrics }) =>
    metrics
      .filter((metric) => metric.primary)
      .map((metric) => ({ workload: id, metric: metric.name, label })),
  );
}

function effects(
  arms: readonly Arm[],
  levels: ReadonlyMap<string, string[]>,
  series: readonly Series[],
  confidence: number,
): Omit<Factor, 'workload' | 'metric'>[] {
  const seriesOf = new Map(series.map((one) => [one.arm, one]));
  return [...levels].flatMap(([factor, [from = '', ...others]]) =>
    others.flatMap((to) => {
      const pairs = pairsOf(arms, [...levels.keys()], factor, from, to, seriesOf);
      const effect = pairs.length > 0 ? factorEffect(pairs, confidence) : null;
      return effect ? [{ factor, from, to, pairs: pairs.length, ...effect }] : [];
    }),
  );
}

function pairsOf(
  arms: readonly Arm[],
  options: readonly string[],
  factor: string,
  from: string,
  to: string,
  seriesOf: ReadonlyMap<string, Series>,
): FactorPair[] {
  const others = options.filter((option) => option !== factor);
  const key = (arm: Arm): string => JSON.stringify(others.map((option) => levelOf(arm, option)));
  const twins = new Map(arms.filter((arm) => levelOf(arm, factor) === to).map((arm) => [key(arm), arm]));
  return arms
    .filter((arm) => levelOf(arm, factor) === from)
    .flatMap((arm) => {
      const twin = twins.get(key(arm));
      const before = seriesOf.get(arm.id);
      const after = twin && seriesOf.get(twin.id);
      return before && after ? [{ from: before, to: after }] : [];
    });
}

function gapOf(
  plan: Plan,
  arms: readonly Arm[],
  levels: ReadonlyMap<string, string[]>,
  comparisons: readonly Comparison[],
  factors: readonly Factor[],
  { workload, metric, label }: { workload: string; metric: string; label: string },
): Gap | null {
  const costOf = (arm: Arm | undefined): Comparison | undefined =>
    comparisons.find((one) => one.arm === arm?.id && one.workload === workload && one.metric === metric);
  const at = (pick: (all: string[]) => string | undefined): Arm | undefined =>
    arms.find((arm) => [...levels].every(([option, all]) => levelOf(arm, option) === pick(all)));
  const start = at((all) => all[0]);
  const whole = costOf(start);
  if (!start || !whole?.overhead || factors.length === 0) return null;
  const end = at((all) => all.at(-1));
  const rest = costOf(end);
  const shareOf = (ratio: number): number => Math.log(ratio) / Math.log(whole.overhead ?? NaN);
  const explained = factors.map((one) => ({ ...one, share: shareOf(1 / one.ratio) }));
  const remaining =
    end && rest?.overhead
      ? { arm: end.id, ratio: rest.overhead, interval: rest.interval, share: shareOf(rest.overhead) }
      : null;
  const said = explained.map(
    (one) =>
      `${one.factor} ${one.from} → ${one.to} ${percent(one.share)} (${change(one.ratio)}${span(one.interval)})`,
  );
  const emulated = start.emulated ? ', emulated' : '';
  const what = start.emulated ? 'emulation and the virtual disk or network' : 'the virtual machine itself';
  const sentence =
    `${label}: ${start.label}${emulated} costs ${change(whole.overhead)}${span(whole.interval)} against ${plan.baseline}. ` +
    `Of that gap, on a logarithmic scale, ${said.join('; ')}` +
    (remaining
      ? `; ${change(remaining.ratio)}${span(remaining.interval)} remains with ${end?.label}${emulated}: ${what}.`
      : '.');
  return {
    workload,
    metric,
    arm: start.id,
    baseline: plan.baseline,
    ratio: whole.overhead,
    interval: whole.interval,
    explained: explained.map(({ factor, from, to, share }) => ({ factor, from, to, share })),
    remaining,
    sentence,
  };
}

function span(interval: { low: number; high: number } | null): string {
  return interval
    ? ` [${change(interval.low)}, ${change(interval.high)}]`
    : ' (too few rounds for an interval)';
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`.replace('-', '−');
}
