import type { TopLevelSpec } from 'vega-lite';
import type { Plan } from '../../results/record/plan.ts';
import type { Summary } from '../../results/record/summary.ts';
import { keyOf } from '../answer/table.ts';
import { defaults } from '../defaults.ts';
import { costWords } from '../words/cost.ts';
import { chartLabel, namesOf } from '../words/names.ts';
import { percent } from '../words/number.ts';
import { armEncoding } from './arm-encoding.ts';
import type { Picture } from './picture.ts';
import { domainFor, logTicks, scaleOf } from './scale.ts';
import { band, paper, quiet } from './theme.ts';

interface Row {
  group: string;
  groupKey: string;
  arm: string;
  cost: number;
  low: number;
  high: number;
  text: string;
  tip: string;
}

/** Comparisons of primary metrics whose interval stays within this ratio of 1 get a close-up, where the margin can be seen. */
const CLOSE_UP = 1.3;

/** The forest plot of all overheads, and a close-up of those near no cost; empty when there is nothing to draw. */
export function forestPictures(summary: Summary, plan: Plan): Picture[] {
  const rows = forestRows(summary, plan);
  if (rows.length === 0) return [];
  const near = rows.filter((row) => row.low > 1 / CLOSE_UP && row.high < CLOSE_UP);
  const margin = percent(summary.margin, 1);
  const level = percent(summary.confidence, 0);
  const pictures: Picture[] = [
    {
      id: 'forest',
      title: 'What each box costs',
      caption:
        `Each mark is the typical cost of one box on one workload; the line through it is the ${level} interval. ` +
        'The further right of 1×, the dearer; a mark twice as far right costs the square. The axis is logarithmic.',
      alt: 'Forest plot of overheads with intervals, one row per workload and arm. The same numbers stand in the answer table.',
      workload: null,
      wide: true,
      spec: (width) => forestSpec(rows, summary, plan, width, 'ratio'),
    },
  ];
  if (near.length > 0 && near.length < rows.length)
    pictures.push({
      id: 'forest-near',
      title: 'Close-up: boxes that cost little or nothing',
      caption:
        `The same marks, for costs near zero. The shaded band is ±${margin}: a 90 % interval wholly inside it means ` +
        '"no cost that matters"; one that crosses the zero line and leaves the band is not settled.',
      alt: 'Forest plot of the overheads near no cost, with the equivalence band. The same numbers stand in the answer table.',
      workload: null,
      wide: true,
      spec: (width) => forestSpec(near, summary, plan, width, 'percent'),
    });
  return pictures;
}

/** In the order of the plan, so that the same boxes stand below each other in every group. */
function forestRows(summary: Summary, plan: Plan): Row[] {
  const names = namesOf(plan);
  const encoding = armEncoding(plan);
  const byKey = new Map(summary.comparisons.map((one) => [keyOf(one.workload, one.arm, one.metric), one]));
  return plan.workloads
    .flatMap((workload) =>
      workload.metrics
        .filter((metric) => metric.primary)
        .flatMap((metric) =>
          plan.arms.flatMap((arm): Row[] => {
            const one = byKey.get(keyOf(workload.id, arm.id, metric.name));
            if (!one || one.overhead === null || !isRatio(one.overhead)) return [];
            const words = costWords(one);
            const text = [words?.signed, words?.interval].filter(Boolean).join(' ');
            return [
              {
                group: chartLabel(names.workload(workload.id)),
                groupKey: `${workload.id}\n${metric.name}`,
                arm: encoding.labelOf(arm.id),
                cost: one.overhead,
                low: one.interval ? Math.max(one.interval.low, 1 / LARGEST_RATIO) : one.overhead,
                high: one.interval ? Math.min(one.interval.high, LARGEST_RATIO) : one.overhead,
                text,
                tip: `${names.workload(workload.id)}, ${names.arm(arm.id)}: ${text}`,
              },
            ];
          }),
        ),
    )
    .slice(0, defaults.maxForestRows);
}

/** Ratios beyond this are no costs of a box; bounds beyond it end at the edge of the plot. */
const LARGEST_RATIO = 1e6;

function isRatio(value: number): boolean {
  return value >= 1 / LARGEST_RATIO && value <= LARGEST_RATIO;
}

interface Line extends Partial<Row> {
  /** Sorts, and keeps rows of the same name apart; the label stands behind the bar. */
  y: string;
  label: string;
  isHead: boolean;
  x?: number;
  x1?: number;
  x2?: number;
}

/** A head line for each workload, then its boxes. */
function linesOf(rows: readonly Row[], toX: (ratio: number) => number): Line[] {
  const lines: Line[] = [];
  rows.forEach((row, i) => {
    if (row.groupKey !== rows[i - 1]?.groupKey)
      lines.push({ y: `${lines.length}|${row.group}`, label: row.group, isHead: true });
    lines.push({
      ...row,
      y: `${lines.length}|${row.arm}`,
      label: row.arm,
      isHead: false,
      x: toX(row.cost),
      x1: toX(row.low),
      x2: toX(row.high),
    });
  });
  return lines;
}

function forestSpec(
  rows: readonly Row[],
  summary: Summary,
  plan: Plan,
  width: number,
  form: 'ratio' | 'percent',
): TopLevelSpec {
  const encoding = armEncoding(plan);
  const arms = plan.arms.map((arm) => arm.id);
  const narrow = width < defaults.wideWidth;
  const toX = (ratio: number): number => (form === 'ratio' ? ratio : (ratio - 1) * 100);
  const lines = linesOf(rows, toX);
  const marks = lines.filter((line) => !line.isHead);
  const margin = [1 / (1 + summary.margin), 1 + summary.margin].map(toX) as [number, number];
  const scaleType = form === 'ratio' ? ('log' as const) : ('linear' as const);
  const domain = domainFor(
    [...marks.flatMap((row) => [row.x1!, row.x2!, row.x!]), ...margin],
    scaleType,
    0.05,
  );
  const labelSpace = narrow ? 0 : 250;
  const textSpace = narrow ? 0 : 140;
  const plot = width - labelSpace - textSpace - 20;
  const x = {
    type: 'quantitative' as const,
    scale: scaleOf(scaleType, domain),
    title: form === 'ratio' ? 'cost against the baseline, × (log axis)' : 'cost against the baseline, %',
    axis:
      form === 'ratio'
        ? { values: logTicks(domain, narrow ? 6 : 10), labelExpr: "format(datum.value, '~g') + '×'" }
        : { tickCount: narrow ? 5 : 8 },
  };
  const y = {
    field: 'y',
    type: 'nominal' as const,
    sort: lines.map((line) => line.y),
    title: null,
    axis: null,
  };
  const colour = { field: 'arm', type: 'nominal' as const, scale: encoding.colourScale(arms), legend: null };
  // On a phone the label stands above its mark; else in the margin to the left, heads further out than boxes.
  const label = (heads: boolean) => ({
    data: {
      values: lines
        .filter((line) => line.isHead === heads)
        .map((line) => ({
          ...line,
          said: narrow && !heads ? `${line.label}  ${line.text ?? ''}` : line.label,
        })),
    },
    mark: {
      type: 'text' as const,
      align: 'left' as const,
      baseline: narrow ? ('bottom' as const) : ('middle' as const),
      dy: narrow ? (heads ? 8 : -6) : 0,
      fontWeight: heads ? ('bold' as const) : ('normal' as const),
      clip: false,
    },
    encoding: {
      y,
      x: { value: narrow ? 0 : heads ? -labelSpace : 14 - labelSpace },
      text: { field: 'said' },
    },
  });
  return {
    width: plot,
    height: { step: narrow ? 38 : 22 },
    data: { values: marks },
    layer: [
      {
        data: { values: [{ a: margin[0], b: margin[1] }] },
        mark: { type: 'rect', color: band, opacity: 1 },
        encoding: { x: { ...x, field: 'a' }, x2: { field: 'b' } },
      },
      {
        data: { values: [{ one: toX(1) }] },
        mark: { type: 'rule', color: quiet, strokeDash: [3, 3] },
        encoding: { x: { ...x, field: 'one' } },
      },
      {
        mark: { type: 'rule', strokeWidth: 2 },
        encoding: { y, x: { ...x, field: 'x1' }, x2: { field: 'x2' }, color: colour },
      },
      {
        mark: {
          type: 'point',
          filled: true,
          size: 70,
          opacity: 1,
          stroke: paper,
          strokeWidth: 1,
          aria: true,
        },
        encoding: {
          y,
          x: { ...x, field: 'x' },
          color: colour,
          shape: { field: 'arm', type: 'nominal', scale: encoding.shapeScale(arms), legend: null },
          description: { field: 'tip' },
        },
      },
      label(true),
      label(false),
      ...(narrow
        ? []
        : [
            {
              mark: { type: 'text' as const, align: 'left' as const, baseline: 'middle' as const },
              encoding: { y, x: { value: plot + 10 }, text: { field: 'text' } },
            },
          ]),
    ],
  };
}
