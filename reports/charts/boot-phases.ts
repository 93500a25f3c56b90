import type { Plan } from '../../results/record/plan.ts';
import type { TrialRecord } from '../../results/record/trial.ts';
import { printable } from '../words/names.ts';
import { duration } from '../words/number.ts';
import { armEncoding } from './arm-encoding.ts';
import type { Picture } from './picture.ts';
import { isDrawable } from './scale.ts';
import { ink, paper } from './theme.ts';

/** Facts named like this are phases of a start, in milliseconds and in order: startKernelMs, startModulesMs. */
const PHASE = /^start([A-Z]\w*)Ms$/;
const TOTAL = 'Total';

/** Where the start-up time goes, as medians per phase in the order the runtime gives them. */
export function bootPicture(plan: Plan, trials: readonly TrialRecord[]): Picture | null {
  const encoding = armEncoding(plan);
  const phases: string[] = [];
  const values = new Map<string, number[]>();
  for (const trial of trials)
    for (const [phase, ms] of phasesOf(trial)) {
      if (!phases.includes(phase)) phases.push(phase);
      const key = `${trial.arm}\n${phase}`;
      const seen = values.get(key);
      if (seen) seen.push(ms);
      else values.set(key, [ms]);
    }
  const data = plan.arms.flatMap((arm) => {
    let from = 0;
    return phases.flatMap((phase, i) => {
      const seen = values.get(`${arm.id}\n${phase}`);
      if (!seen) return [];
      const ms = median(seen);
      const start = from;
      from += ms;
      const name = printable(phase.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase(), 40);
      return [
        {
          arm: encoding.labelOf(arm.id),
          phase: name,
          shade: SHADES[i % SHADES.length]!,
          from: start,
          to: from,
          text: ms > 0.09 * total(values, arm.id) ? name : '',
          tip: `${encoding.labelOf(arm.id)}, ${name}: ${duration(ms)}`,
        },
      ];
    });
  });
  if (data.length === 0) return null;
  return {
    id: 'boot-phases',
    title: 'Where the start of a VM goes',
    caption: `Medians over all trials, in order: ${[...new Set(data.map((one) => one.phase))].join(', ')}.`,
    alt: 'Stacked bars of the phases of a boot by arm, in milliseconds.',
    workload: null,
    wide: true,
    spec: (width) => ({
      data: { values: data },
      width: width - 24,
      height: { step: 48 },
      encoding: {
        y: {
          field: 'arm',
          type: 'nominal',
          sort: [...new Set(data.map((one) => one.arm))],
          title: null,
          axis: null,
        },
      },
      layer: [
        {
          mark: { type: 'bar', aria: true, stroke: paper, strokeWidth: 1, height: 20, yOffset: 7 },
          encoding: {
            x: {
              field: 'from',
              type: 'quantitative',
              title: 'milliseconds',
              axis: { grid: false, tickCount: 6 },
            },
            x2: { field: 'to' },
            color: { field: 'shade', type: 'nominal', scale: null },
            description: { field: 'tip' },
          },
        },
        {
          mark: { type: 'text', align: 'left', dx: 5, dy: 7, color: '#111', fontSize: 11 },
          encoding: { x: { field: 'from', type: 'quantitative' }, text: { field: 'text' } },
        },
        {
          transform: [{ aggregate: [{ op: 'count', as: 'n' }], groupby: ['arm'] }],
          mark: { type: 'text', align: 'left', baseline: 'bottom', dy: -6, color: ink },
          encoding: { x: { value: 0 }, text: { field: 'arm' } },
        },
      ],
    }),
  };
}

/** Phase and milliseconds, in the runtime's order; what they leave of the total is the wait for the first command. */
function phasesOf(trial: TrialRecord): [string, number][] {
  const named = Object.entries(trial.facts).flatMap(([fact, value]): [string, number][] => {
    const phase = PHASE.exec(fact)?.[1];
    return phase === undefined || typeof value !== 'number' || !(value >= 0) || !isDrawable(value)
      ? []
      : [[phase, value]];
  });
  const parts = named.filter(([phase]) => phase !== TOTAL);
  const total = named.find(([phase]) => phase === TOTAL)?.[1];
  const rest = total === undefined ? 0 : total - parts.reduce((sum, [, ms]) => sum + ms, 0);
  return parts.length > 0 && rest > 0 ? [...parts, ['FirstCommand', rest]] : parts;
}

/** Light enough for dark text on every one, in the light page and in the dark; neighbours differ in lightness. */
const SHADES = ['#8fb8de', '#e9c46a', '#a8d5ba', '#e8a598', '#c9b6e4', '#d9d9d9'];

function total(values: Map<string, number[]>, arm: string): number {
  return [...values]
    .filter(([key]) => key.startsWith(`${arm}\n`))
    .reduce((sum, [, seen]) => sum + median(seen), 0);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
}
