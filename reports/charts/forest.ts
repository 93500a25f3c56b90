import type { TopLevelSpec } from 'vega-lite';
import type { Plan } from '../../results/record/plan.ts';
import type { Comparison, Summary } from '../../results/record/summary.ts';
import { defaults } from '../defaults.ts';
import { costWords } from '../words/cost.ts';
import { chartLabel, namesOf } from '../words/names.ts';
import { percent } from '../words/number.ts';
import { armEncoding } from './arm-encoding.ts';
import type { Picture } from './picture.ts';
import { domainFor, logTicks, scaleOf } from './scale.ts';
import { band, ink, paper, quiet } from './theme.ts';

interface Row {
  row: string;
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

function forestRows(summary: Summary, plan: Plan): Row[] {
  const names = namesOf(plan);
  const encoding = armEncoding(plan);
  const usable = summary.comparisons.filter(
    (one): one is Comparison & { overhead: number } =>
      one.overhead !== null &&
      one.overhead > 0 &&
      plan.workloads.some(({ id }) => id === one.workload) &&
      (names.metric(one.workload, one.metric)?.primary ?? false),
  );
  const seen = new Map<string, number>();
  return usable.slice(0, defaults.maxForestRows).map((one) => {
    const name = `${chartLabel(names.workload(one.workload)).slice(0, 24)}|${encoding.labelOf(one.arm)}`;
    const again = seen.get(name) ?? 0;
    seen.set(name, again + 1);
    const words = costWords(one);
    const text = [words?.signed, words?.interval].filter(Boolean).join(' ');
    return {
      row: again === 0 ? name : `${name} #${again + 1}`,
      arm: encoding.labelOf(one.arm),
      cost: one.overhead,
      low: one.interval ? Math.max(one.interval.low, 1e-6) : one.overhead,
      high: one.interval ? one.interval.high : one.overhead,
      text,
      tip: `${names.workload(one.workload)}, ${names.arm(one.arm)}: ${text}`,
    };
  });
}

function forestSpec(
  rows: Row[],
  summary: Summary,
  plan: Plan,
  width: number,
  form: 'ratio' | 'percent',
): TopLevelSpec {
  const encoding = armEncoding(plan);
  const arms = plan.arms.map((arm) => arm.id);
  const narrow = width < defaults.wideWidth;
  const toX = (ratio: number): number => (form === 'ratio' ? ratio : (ratio - 1) * 100);
  const data = rows.map((row) => ({
    ...row,
    x: toX(row.cost),
    x1: toX(row.low),
    x2: toX(row.high),
  }));
  const margin = [1 / (1 + summary.margin), 1 + summary.margin].map(toX) as [number, number];
  const scaleType = form === 'ratio' ? ('log' as const) : ('linear' as const);
  const domain = domainFor([...data.flatMap((row) => [row.x1, row.x2, row.x]), ...margin], scaleType, 0.05);
  const labelSpace = narrow ? 0 : 250;
  const textSpace = narrow ? 0 : 120;
  const plot = width - labelSpace - textSpace - 20;
  const x = {
    type: 'quantitative' as const,
    scale: scaleOf(scaleType, domain),
    title: form === 'ratio' ? `cost against the baseline, × (log axis)` : 'cost against the baseline, %',
    axis:
      form === 'ratio'
        ? { values: logTicks(domain, narrow ? 6 : 10), labelExpr: "format(datum.value, '~g') + '×'" }
        : { tickCount: narrow ? 5 : 8 },
  };
  const y = {
    field: 'row',
    type: 'nominal' as const,
    sort: data.map((row) => row.row),
    title: null,
    axis: narrow
      ? null
      : {
          labelExpr: "replace(datum.label, '|', ' · ')",
          ticks: false,
          domain: false,
          labelLimit: labelSpace,
          labelPadding: 8,
        },
  };
  const colour = { field: 'arm', type: 'nominal' as const, scale: encoding.colourScale(arms), legend: null };
  const step = narrow ? 44 : 24;
  return {
    data: { values: data },
    width: plot,
    height: { step },
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
      narrow
        ? {
            mark: {
              type: 'text',
              align: 'left',
              baseline: 'bottom',
              dy: -7,
              color: ink,
              fontSize: 11,
              limit: plot,
            },
            encoding: {
              y,
              x: { value: 0 },
              text: { field: 'label' },
            },
          }
        : {
            mark: { type: 'text', align: 'left', baseline: 'middle', color: ink, fontSize: 11 },
            encoding: { y, x: { value: plot + 10 }, text: { field: 'text' } },
          },
    ],
    transform: narrow
      ? [{ calculate: "replace(datum.row, '|', ' · ') + '  ' + datum.text", as: 'label' }]
      : [],
  };
}
