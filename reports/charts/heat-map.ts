import type { Plan } from '../../results/record/plan.ts';
import type { Summary } from '../../results/record/summary.ts';
import { ratioWords } from '../words/cost.ts';
import { chartLabel, namesOf } from '../words/names.ts';
import { armEncoding } from './arm-encoding.ts';
import type { Picture } from './picture.ts';

/** Costs of this much and more share the darkest shade. */
const DARKEST = 10;
/** Cells of a heat map that can still carry their number. */
const MAX_NUMBERED = 120;

/** All costs at a glance, for runs with many cells. */
export function heatMapPicture(summary: Summary, plan: Plan): Picture | null {
  const names = namesOf(plan);
  const encoding = armEncoding(plan);
  const planned = new Set(plan.workloads.map(({ id }) => id));
  const data = summary.comparisons
    .filter(
      (one) =>
        planned.has(one.workload) &&
        one.overhead !== null &&
        one.overhead > 0 &&
        (names.metric(one.workload, one.metric)?.primary ?? false),
    )
    .map((one) => {
      const heat = Math.max(-1, Math.min(1, Math.log(one.overhead!) / Math.log(DARKEST)));
      return {
        workload: `${one.workload}\n${one.metric}`,
        arm: encoding.labelOf(one.arm),
        heat,
        text: ratioWords(one.overhead).replace(/\u00a0/g, ''),
        dark: Math.abs(heat) > 0.6,
        tip: `${names.workload(one.workload)}, ${names.arm(one.arm)}: ${ratioWords(one.overhead)}`,
      };
    });
  if (data.length === 0) return null;
  const labels = uniqueLabels([...new Set(data.map((one) => one.workload))], (row) =>
    names.workload(row.split('\n')[0]!),
  );
  const rows = [...labels.values()];
  const columns = [...new Set(data.map((one) => one.arm))];
  const numbered = data.length <= MAX_NUMBERED;
  return {
    id: 'heat-map',
    title: 'All costs at a glance',
    caption:
      'Darker is dearer; blue is cheaper than the baseline. White is no cost. Ten times and more share the darkest shade.',
    alt: 'Heat map of overheads, workloads by arms. The numbers stand in the answer table.',
    workload: null,
    wide: true,
    spec: (width) => {
      const labelled = rows.length <= 80;
      const named = columns.length <= 12;
      const plot = Math.max(80, width - (labelled ? Math.min(230, width / 2.2) : 20) - 10);
      return {
        data: { values: data.map((one) => ({ ...one, row: labels.get(one.workload)! })) },
        width: plot,
        height: { step: numbered ? 22 : Math.max(2, Math.min(14, 900 / rows.length)) },
        encoding: {
          y: {
            field: 'row',
            type: 'nominal',
            sort: rows,
            title: labelled ? null : 'workloads, in the order of the plan',
            axis: labelled
              ? { labelLimit: Math.min(230, width / 2.2), domain: false, ticks: false }
              : { labels: false, ticks: false, domain: false },
          },
          x: {
            field: 'arm',
            type: 'nominal',
            sort: columns,
            title: named ? null : 'arms, in the order of the plan',
            axis: named
              ? {
                  orient: 'top',
                  labelAngle: columns.length > 4 || width < 400 ? -40 : 0,
                  domain: false,
                  ticks: false,
                  labelLimit: 140,
                }
              : { labels: false, ticks: false, domain: false },
          },
        },
        layer: [
          {
            mark: { type: 'rect', aria: data.length <= MAX_NUMBERED },
            encoding: {
              color: {
                field: 'heat',
                type: 'quantitative',
                legend: null,
                // Blue to white to brown (ColorBrewer BrBG's warm side, PuOr's order): safe for colour-blind readers, monotone in grey on each side.
                scale: { domain: [-1, 0, 1], range: ['#2166ac', '#f7f7f7', '#8c510a'] },
              },
              ...(data.length <= MAX_NUMBERED ? { description: { field: 'tip' } } : {}),
            },
          },
          ...(numbered
            ? [
                {
                  mark: { type: 'text' as const, fontSize: 11 },
                  encoding: {
                    text: { field: 'text' },
                    color: { condition: { test: 'datum.dark', value: '#ffffff' }, value: '#111111' },
                  },
                },
              ]
            : []),
        ],
      };
    },
  };
}

/** Workloads whose short names are the same stay rows of their own. */
function uniqueLabels(ids: readonly string[], nameOf: (id: string) => string): Map<string, string> {
  const used = new Map<string, number>();
  return new Map(
    ids.map((id) => {
      const label = chartLabel(nameOf(id));
      const seen = used.get(label) ?? 0;
      used.set(label, seen + 1);
      return [id, seen === 0 ? label : `${label} #${seen + 1}`];
    }),
  );
}
