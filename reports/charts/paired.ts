import type { Plan } from '../../results/record/plan.ts';
import type { Metric } from '../../results/record/metric.ts';
import type { Comparison } from '../../results/record/summary.ts';
import { printable } from '../words/names.ts';
import { ratioWords } from '../words/cost.ts';
import { armEncoding } from './arm-encoding.ts';
import type { Observation } from './observations.ts';
import type { Picture } from './picture.ts';
import { domainFor, isDrawable, scaleOf } from './scale.ts';
import { band, ink, quiet } from './theme.ts';

/** The cost of each arm in each round, which is what the estimate and its interval are made of. */
export function pairedPicture(
  plan: Plan,
  workload: string,
  metric: Metric,
  observations: readonly Observation[],
  comparisons: readonly Comparison[],
): Picture | null {
  const encoding = armEncoding(plan);
  const base = new Map(
    observations
      .filter((one) => one.arm === plan.baseline && one.state === 'valid')
      .map((one) => [one.round, one.value!]),
  );
  const rounds = Math.max(1, ...observations.map((one) => one.round));
  const place = new Map(plan.arms.map((arm, i) => [arm.id, i]));
  const panels = [...comparisons]
    .sort((a, b) => (place.get(a.arm) ?? 0) - (place.get(b.arm) ?? 0))
    .filter(
      (one) =>
        one.workload === workload &&
        one.metric === metric.name &&
        one.overhead !== null &&
        isDrawable(one.overhead),
    )
    .map((comparison) => ({
      comparison,
      points: observations
        .filter((one) => one.arm === comparison.arm && one.state === 'valid' && base.has(one.round))
        .map((one) => {
          const baseline = base.get(one.round)!;
          const cost = metric.better === 'higher' ? baseline / one.value! : one.value! / baseline;
          return { round: one.round, cost, tip: printable(`round ${one.round}: ${ratioWords(cost)}`) };
        })
        .filter((one) => one.cost > 0 && isDrawable(one.cost)),
    }))
    .filter((panel) => panel.points.length > 0);
  if (panels.length === 0) return null;
  return {
    id: `paired-${workload}-${metric.name}`,
    title: 'Cost in each round',
    caption:
      'Each dot sets a box against the baseline of the same round; the bar is the estimate and the shade its interval. ' +
      'Dots around the dashed line (where it is in view) mean no cost.',
    alt: `Paired cost ratios of ${metric.title} by round, one panel per arm, with estimate and interval.`,
    workload,
    wide: false,
    spec: (width) => ({
      data: { values: [] },
      spacing: 8,
      vconcat: panels.map(({ comparison, points }, i) => {
        const colour = encoding.colourOf(comparison.arm);
        const all = [
          ...points.map((one) => one.cost),
          ...(comparison.interval
            ? [comparison.interval.low, comparison.interval.high].filter(isDrawable)
            : []),
        ];
        // No cost is shown whenever it is near enough to matter for the reading.
        const withOne = all.some((cost) => Math.abs(cost - 1) < 0.15) ? [...all, 1] : all;
        const domain = domainFor(withOne, 'linear', 0.1);
        const isLast = i === panels.length - 1;
        const asPercent = domain[1] < 2;
        const y = {
          type: 'quantitative' as const,
          title: null,
          scale: scaleOf('linear', domain),
          axis: {
            tickCount: 3,
            minExtent: 40,
            labelExpr: asPercent
              ? "(abs(datum.value - 1) < 1e-9 ? '0' : format((datum.value - 1) * 100, '+~r')) + ' %'"
              : "format(datum.value, '~r') + '×'",
          },
        };
        const x = {
          field: 'round',
          type: 'quantitative' as const,
          title: isLast ? 'round' : null,
          scale: { domain: [0.5, rounds + 0.5], nice: false, zero: false },
          axis: isLast
            ? { tickMinStep: 1, tickCount: Math.min(rounds, 10), format: 'd', grid: false }
            : { labels: false, ticks: false, grid: false },
        };
        return {
          data: { values: points },
          width: width - 66,
          height: 54,
          title: { text: encoding.labelOf(comparison.arm), color: colour, fontSize: 11, offset: 3 },
          layer: [
            ...(comparison.interval
              ? [
                  {
                    data: { values: [{ a: comparison.interval.low, b: comparison.interval.high }] },
                    mark: { type: 'rect' as const, color: band },
                    encoding: { y: { ...y, field: 'a' }, y2: { field: 'b' } },
                  },
                ]
              : []),
            ...(domain[0] <= 1 && domain[1] >= 1
              ? [
                  {
                    data: { values: [{ one: 1 }] },
                    mark: { type: 'rule' as const, color: quiet, strokeDash: [3, 3] },
                    encoding: { y: { ...y, field: 'one' } },
                  },
                ]
              : []),
            {
              data: { values: [{ hl: comparison.overhead }] },
              mark: { type: 'rule' as const, color: ink, strokeWidth: 1.5 },
              encoding: { y: { ...y, field: 'hl' } },
            },
            {
              mark: {
                type: 'point' as const,
                shape: encoding.shapeOf(comparison.arm),
                filled: true,
                size: 34,
                opacity: 1,
                color: colour,
                aria: true,
              },
              encoding: { x, y: { ...y, field: 'cost' }, description: { field: 'tip' } },
            },
          ],
        };
      }),
    }),
  };
}
