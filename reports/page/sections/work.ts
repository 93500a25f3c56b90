import { voidedRounds } from '../../../results/summarize/voided-rounds.ts';
import { armEncoding } from '../../charts/arm-encoding.ts';
import { bootPicture } from '../../charts/boot-phases.ts';
import { boxCostPictures } from '../../charts/box-cost.ts';
import { distributionPicture } from '../../charts/distribution.ts';
import { ecdfPicture } from '../../charts/ecdf.ts';
import { forestPictures } from '../../charts/forest.ts';
import { heatMapPicture } from '../../charts/heat-map.ts';
import { observationsOf } from '../../charts/observations.ts';
import { pairedPicture } from '../../charts/paired.ts';
import { draw, type Drawn, type Picture } from '../../charts/picture.ts';
import { drawSvg, type Svg } from '../../charts/render.ts';
import { roundsPicture } from '../../charts/rounds.ts';
import { timeLinePicture } from '../../charts/time-line.ts';
import { defaults } from '../../defaults.ts';
import { namesOf, printable } from '../../words/names.ts';
import { anchor } from '../anchor.ts';
import type { ReportRun } from '../report-run.ts';
import { cellRows } from './cells.ts';

/** A heat map helps from this many numbers on; fewer are read faster in the table. */
const HEAT_MAP_FROM = 24;

/** Whether single trials and single cells can still be told apart; else the page shows what is worked out of them. */
export function isDetailed({ plan, trials }: ReportRun): boolean {
  return trials.length <= defaults.maxDrawnTrials && plan.cells.length <= defaults.maxDrawnCells;
}

/** The pictures about the whole run. */
export async function overviewPictures(
  run: ReportRun,
): Promise<{ answer: Drawn[]; boxes: Drawn[]; time: Drawn[] }> {
  const { plan, summary, trials } = run;
  const planned = new Set(plan.workloads.map(({ id }) => id));
  const many = summary.comparisons.filter((one) => planned.has(one.workload)).length >= HEAT_MAP_FROM;
  const detailed = isDetailed(run);
  return {
    answer: await drawAll([
      ...(summary.comparisons.length <= 4 * defaults.maxForestRows ? forestPictures(summary, plan) : []),
      many ? heatMapPicture(summary, plan) : null,
    ]),
    boxes: await drawAll(
      detailed
        ? [...boxCostPictures(plan, trials).filter((one) => one.workload === null), bootPicture(plan, trials)]
        : [],
    ),
    time: await drawAll([detailed ? timeLinePicture(plan, trials) : null]),
  };
}

/** One section per workload: the pictures of its primary metrics, and its cells in a table. */
export async function workSections(run: ReportRun) {
  const { plan, trials, summary } = run;
  const names = namesOf(plan);
  const voided = voidedRounds(trials);
  const detailed = isDetailed(run);
  const costs = detailed ? boxCostPictures(plan, trials) : [];
  const sections = [];
  for (const workload of plan.workloads) {
    const pictures: (Picture | null)[] = [];
    for (const metric of detailed ? workload.metrics.filter((one) => one.primary) : []) {
      const observations = observationsOf(trials, workload.id, metric.name, voided);
      pictures.push(
        roundsPicture(plan, workload.id, metric, observations),
        pairedPicture(plan, workload.id, metric, observations, summary.comparisons),
        distributionPicture(plan, workload.id, metric, observations),
        ecdfPicture(plan, workload.id, metric, observations),
      );
    }
    pictures.push(...costs.filter((picture) => picture.workload === workload.id));
    const primary = workload.metrics.find((metric) => metric.primary) ?? workload.metrics[0]!;
    sections.push({
      id: anchor('work', workload.id),
      key: workload.id,
      name: names.workload(workload.id),
      what: `${printable(primary.title, 160)} (${printable(primary.unit, 24)}; ${primary.better === 'higher' ? 'more' : 'less'} is better)`,
      caveats: workload.caveats.map((caveat) => printable(caveat, 200)),
      options: optionText(workload.options),
      tool: printable(workload.workload, 80),
      pictures: await drawAll(pictures),
      cells: cellRows(run, workload.id),
    });
  }
  return sections;
}

/** The key to colours and shapes, drawn by the same renderer as the pictures. */
export async function armKey({ plan }: ReportRun): Promise<{ name: string; mark: Svg }[]> {
  const encoding = armEncoding(plan);
  const arms = plan.arms.slice(0, defaults.maxDrawnCells);
  return Promise.all(
    arms.map(async (arm, i) => ({
      name: namesOf(plan).arm(arm.id),
      mark: await drawSvg(
        {
          data: { values: [{}] },
          width: 14,
          height: 14,
          padding: 0,
          mark: {
            type: 'point',
            filled: true,
            size: 90,
            opacity: 1,
            shape: encoding.shapeOf(arm.id),
            color: encoding.colourOf(arm.id),
          },
          encoding: { x: { value: 7 }, y: { value: 7 } },
        },
        `key-${i}`,
      ),
    })),
  );
}

async function drawAll(pictures: readonly (Picture | null)[]): Promise<(Drawn & { anchor: string })[]> {
  const drawn = [];
  for (const picture of pictures)
    if (picture)
      drawn.push({ ...(await draw({ ...picture, id: anchor(picture.id) })), anchor: anchor(picture.id) });
  return drawn;
}

function optionText(options: Record<string, unknown>): string {
  return printable(
    Object.entries(options)
      .map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
      .join(', '),
    300,
  );
}
