import type { Plan } from '../../results/record/plan.ts';
import type { NoiseFloor, Summary } from '../../results/record/summary.ts';
import { namesOf, printable } from '../words/names.ts';
import { percent } from '../words/number.ts';

/** One group of sentences that belong to the answer but to no single box. */
export interface RunNotes {
  title: string;
  sentences: string[];
}

/**
 * What the run as a whole says beside its table: how much of a gap each option explains (factorial runs), what two equal
 * boxes seemed to differ by (runs with an A/A control), and where and why workloads stopped (adaptive runs).
 */
export function runNotes(summary: Summary, plan: Plan): RunNotes[] {
  const primary = new Set(
    plan.workloads.flatMap(({ id, metrics }) =>
      metrics.filter((metric) => metric.primary).map((metric) => `${id}\0${metric.name}`),
    ),
  );
  const floors = (summary.noiseFloor ?? []).filter(({ workload, metric }) =>
    primary.has(`${workload}\0${metric}`),
  );
  const notes: RunNotes[] = [
    { title: 'What explains the gap', sentences: (summary.gaps ?? []).map(({ sentence }) => sentence) },
    { title: 'What this run takes for noise', sentences: floors.map((floor) => floorSentence(floor, plan)) },
    {
      title: 'When it stopped',
      sentences: (summary.stopping ?? []).map(
        ({ workload, why }) => `${namesOf(plan).workload(workload)}: ${why}`,
      ),
    },
  ];
  return notes
    .filter(({ sentences }) => sentences.length > 0)
    .map(({ title, sentences }) => ({ title, sentences: sentences.map((text) => printable(text, MOST)) }));
}

/** A gap's sentence names every option; longer than this it is no sentence any more. */
const MOST = 1200;

function floorSentence({ workload, apparent, low, high, detectable, n }: NoiseFloor, plan: Plan): string {
  const span = low === null || high === null ? '' : ` [${signed(low)}, ${signed(high)}]`;
  return (
    `${namesOf(plan).workload(workload)}: the baseline against itself came out at ${signed(apparent)}${span} over ${n} rounds; ` +
    `a real difference below ${percent(detectable)} could have gone unseen.`
  );
}

/** A cost ratio as a signed change. */
function signed(ratio: number): string {
  const text = percent(Math.abs(ratio - 1));
  return ratio < 1 ? `−${text}` : `+${text}`;
}
