import type { TopLevelSpec } from 'vega-lite';
import { costWords } from '../words/cost.ts';
import { printable } from '../words/names.ts';
import type { Picture } from './picture.ts';
import { domainFor, isDrawable, logTicks, scaleFor, scaleOf } from './scale.ts';
import { alarm, armColour, band, quiet } from './theme.ts';

/** One run's place in a series. */
export interface TrendPoint {
  label: string;
  cost: number;
  low: number | null;
  high: number | null;
}

/** A series over runs: the cost with its interval, the equivalence band, and a line where its level changed. */
export function trendPicture(
  points: readonly TrendPoint[],
  changes: readonly number[],
  margin: number,
): Picture | null {
  const usable = points
    .map((point, i) => ({ ...point, run: i + 1 }))
    .filter(({ cost, low, high }) => [cost, low ?? 1, high ?? 1].every((one) => one > 0 && isDrawable(one)));
  if (usable.length === 0) return null;
  const values = usable.flatMap(({ cost, low, high }) => [cost, low ?? cost, high ?? cost]);
  const type = scaleFor(values);
  const domain = domainFor(values, type, 0.12);
  const data = usable.map((point) => ({
    ...point,
    low: point.low ?? point.cost,
    high: point.high ?? point.cost,
    tip: printable(`${point.label}: ${costText(point)}`, 160),
  }));
  return {
    id: 'trend',
    title: 'Cost, run by run',
    caption:
      'Each mark is a run, with its interval. The shade is the margin around no cost, where it is in view.' +
      (changes.length > 0 ? ' A dashed line marks a change of level that chance does not explain.' : ''),
    alt: 'Cost of every run in the series with its interval. The same numbers stand in the table.',
    workload: null,
    wide: true,
    spec: (width): TopLevelSpec => {
      const y = {
        type: 'quantitative' as const,
        title: 'cost against the baseline',
        scale: { ...scaleOf(type, domain), clamp: true },
        axis: {
          ...(type === 'log' ? { values: logTicks(domain, 6) } : { tickCount: 5 }),
          labelExpr:
            domain[1] < 2
              ? "format((datum.value - 1) * 100, '~r') + ' %'"
              : "format(datum.value, '~r') + '×'",
        },
      };
      const x = {
        type: 'quantitative' as const,
        title: 'run',
        scale: { domain: [0.5, points.length + 0.5], nice: false as const, zero: false as const },
        axis: { tickMinStep: 1, format: 'd', grid: false, tickCount: Math.min(points.length, 12) },
      };
      const inView = [1 / (1 + margin), 1 + margin].filter((edge) => edge >= domain[0] && edge <= domain[1]);
      return {
        width: width - 90,
        height: 240,
        data: { values: data },
        layer: [
          ...(inView.length > 0
            ? [
                {
                  data: { values: [{ a: 1 / (1 + margin), b: 1 + margin }] },
                  mark: { type: 'rect' as const, color: band },
                  encoding: { y: { ...y, field: 'a' }, y2: { field: 'b' } },
                },
              ]
            : []),
          {
            data: { values: changes.map((index) => ({ at: index + 0.5 })) },
            mark: { type: 'rule', color: alarm, strokeDash: [5, 4], strokeWidth: 1.5 },
            encoding: { x: { ...x, field: 'at' } },
          },
          {
            mark: { type: 'line', color: quiet, strokeWidth: 1, opacity: 0.6 },
            encoding: { x: { ...x, field: 'run' }, y: { ...y, field: 'cost' } },
          },
          {
            mark: { type: 'rule', strokeWidth: 2, color: armColour(1) },
            encoding: { x: { ...x, field: 'run' }, y: { ...y, field: 'low' }, y2: { field: 'high' } },
          },
          {
            mark: { type: 'point', filled: true, size: 55, opacity: 1, color: armColour(1), aria: true },
            encoding: {
              x: { ...x, field: 'run' },
              y: { ...y, field: 'cost' },
              description: { field: 'tip' },
            },
          },
        ],
      };
    },
  };
}

function costText({ cost, low, high }: TrendPoint): string {
  const words = costWords({
    overhead: cost,
    interval: low === null || high === null ? null : { low, high, level: 0 },
  });
  return [words?.signed, words?.interval].filter(Boolean).join(' ');
}
