import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readHistory } from '../../harness/history/history-file.ts';
import { judgeHistory } from '../../harness/history/judge-history.ts';
import { MAX_JOURNAL_BYTES, MAX_LINE_BYTES } from '../../results/store/defaults.ts';
import { readLineBatches } from '../../results/store/lines.ts';
import { readRun } from '../../results/store/read-run.ts';
import { normalDraw, seeded } from '../../results/statistics/random.ts';
import { summarize } from '../../results/summarize/summarize.ts';
import { largeRun } from './large-run.ts';

/**
 * `npm run bench:journal [-- ROUNDS]`: a run's folder of 1,000 cells × ROUNDS (1,000) full trial records from disk to summary,
 * beside what JSON.parse alone takes for the same lines; and a history of 1,000 series × ROUNDS points from disk to change
 * points. Wall time, CPU time and peak memory of each, in this order, each with its bar. Exit code 1 on a miss.
 */
const ARMS = 10;
const WORKLOADS = 100;
const TEMPLATE_ROUNDS = 12;
const rounds = Number(process.argv[2] ?? 1000);
const bars = { seconds: 3, megabytes: 500 };

const folder = mkdtempSync(join(tmpdir(), 'tare-journal-'));
let missed = 0;
try {
  const bytes = writeRunFolder(join(folder, 'run'));
  console.log(
    `${rounds * ARMS * WORKLOADS} trials in ${ARMS * WORKLOADS} cells, ${(bytes / 1e6).toFixed(0)} MB of trials.jsonl`,
  );
  await measure('JSON.parse of every line, nothing kept', null, async () => {
    for await (const lines of readLineBatches(
      join(folder, 'run', 'trials.jsonl'),
      MAX_JOURNAL_BYTES,
      MAX_LINE_BYTES,
    ))
      for (const { text } of lines) JSON.parse(text);
  });
  const history = join(folder, 'history.jsonl');
  writeHistory(history);
  await measure('history: read and judged', { seconds: 10, megabytes: Infinity }, async () => {
    const { points } = await readHistory(history);
    const judged = judgeHistory(points, 0.02);
    const changed = judged.filter(({ changes }) => changes.length > 0).length;
    console.log(`  ${points.length} points in ${judged.length} series, ${changed} of them changed`);
  });
  await measure('run folder: read, checked, summarised', bars, async () => {
    const run = await readRun(join(folder, 'run'));
    const { cells, comparisons } = summarize(run);
    console.log(`  ${cells.length} series described, ${comparisons.length} comparisons`);
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = missed === 0 ? 0 : 1;

async function measure(
  what: string,
  bar: { seconds: number; megabytes: number } | null,
  work: () => Promise<void>,
): Promise<void> {
  const begun = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  const wall = (performance.now() - begun) / 1000;
  const peak = (process.resourceUsage().maxRSS * 1024) / 1e6;
  const holds = bar === null || (wall <= bar.seconds && peak <= bar.megabytes);
  if (!holds) missed++;
  const said =
    bar === null ? 'the floor' : `bar ${bar.seconds} s, ${bar.megabytes} MB: ${holds ? 'holds' : 'MISSED'}`;
  console.log(
    `${what}: ${wall.toFixed(2)} s wall, ${((user + system) / 1e6).toFixed(2)} s CPU, peak ${peak.toFixed(0)} MB so far (${said})`,
  );
}

function writeRunFolder(path: string): number {
  const base = largeRun({ arms: ARMS, workloads: WORKLOADS, rounds: TEMPLATE_ROUNDS });
  mkdirSync(path);
  const order = Array.from({ length: rounds }, (_, round) => base.plan.order[round % TEMPLATE_ROUNDS] ?? []);
  writeFileSync(join(path, 'plan.json'), JSON.stringify({ ...base.plan, rounds, order }));
  writeFileSync(join(path, 'host.json'), JSON.stringify(base.host));
  const random = seeded('journal');
  const perRound = ARMS * WORKLOADS;
  let bytes = 0;
  for (let round = 0; round < rounds; round++) {
    const from = (round % TEMPLATE_ROUNDS) * perRound;
    const lines = base.trials.slice(from, from + perRound).map((trial) => {
      const { outcome } = trial;
      const noise = Math.exp(0.01 * normalDraw(random));
      const noisy =
        outcome.status === 'completed'
          ? {
              ...outcome,
              samples: outcome.samples.map((sample) => ({ ...sample, value: sample.value * noise })),
            }
          : outcome;
      return `${JSON.stringify({ ...trial, round, trial: `r${round}-${trial.cell}`, outcome: noisy })}\n`;
    });
    const text = lines.join('');
    appendFileSync(join(path, 'trials.jsonl'), text);
    bytes += Buffer.byteLength(text);
  }
  return bytes;
}

/** A thousand series, one in fifty of which rises by a tenth half way. */
function writeHistory(file: string): void {
  const random = seeded('history');
  for (let round = 0; round < rounds; round++) {
    let text = '';
    for (let series = 0; series < 1000; series++) {
      const logRatio = 0.01 * normalDraw(random) + (series % 50 === 0 && round > rounds / 2 ? 0.1 : 0);
      const interval = { low: logRatio - 0.01, high: logRatio + 0.01, level: 0.951 };
      const at = new Date(1.7e12 + round * 864e5).toISOString();
      const point = {
        schema: 'tare.history/1',
        series: `w${series}.rate vm/native`,
        run: `run-${round}`,
        at,
      };
      text += `${JSON.stringify({ ...point, commit: `c${round}`, machine: 'f'.repeat(64), logRatio, interval, n: 20 })}\n`;
    }
    appendFileSync(file, text);
  }
}
