import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { analyzeFile } from '../../harness/analyze/analyze-file.ts';
import { hodgesLehmann } from '../../results/statistics/hodges-lehmann.ts';
import { normalDraw, seeded } from '../../results/statistics/random.ts';
import { decideStop } from '../../results/statistics/stopping.ts';

/**
 * `npm run bench:analyze`: 10⁶ observations in 1,000 cells from a CSV file to summaries and verdicts, Hodges–Lehmann with
 * both intervals for 2,000 rounds, and a look at 40 comparisons of 200 rounds, each against its bar. Exit code 1 on a miss.
 */
const ROUNDS = 1000;
const METRICS = 250;
const ARMS = ['native', 'container', 'vm-qcow2', 'vm-raw'];
const MIB = 2 ** 20;

function* csv(): Generator<string> {
  const random = seeded('analyze');
  yield 'round,arm,metric,value,unit,better\n';
  for (let round = 0; round < ROUNDS; round++) {
    let rows = '';
    for (let metric = 0; metric < METRICS; metric++)
      for (const arm of ARMS)
        rows += `${round},${arm},metric_${metric},${(1000 * Math.exp(0.05 * normalDraw(random))).toFixed(3)},ms,lower\n`;
    yield rows;
  }
}

const folder = mkdtempSync(join(tmpdir(), 'tare-analyze-'));
const file = join(folder, 'million.csv');
for (const piece of csv()) appendFileSync(file, piece);
let missed = 0;
function report(what: string, value: number, unit: string, bar: number): void {
  if (value > bar) missed++;
  console.log(
    `${what}: ${value.toFixed(value < 10 ? 2 : 0)} ${unit} (bar ${bar}) ${value > bar ? 'MISSED' : 'holds'}`,
  );
}

const begun = performance.now();
const cpu = process.cpuUsage();
const analysis = await analyzeFile(file, { margin: 0.01, confidence: 0.95 });
const wallS = (performance.now() - begun) / 1000;
const { user, system } = process.cpuUsage(cpu);
rmSync(folder, { recursive: true });
if (analysis.cells.length !== ROUNDS || analysis.observations !== ROUNDS * METRICS * ARMS.length)
  throw new Error('the analysis lost something');
report(`${analysis.observations} observations in ${analysis.cells.length} cells`, wallS, 's', 3);
console.log(`  of which ${((user + system) / 1e6).toFixed(2)} s CPU time`);
report('peak memory of the process', process.resourceUsage().maxRSS / 1024, 'MiB', (500 * 1e6) / MIB);

const random = seeded('large');
const large = Float64Array.from({ length: 2000 }, () => normalDraw(random));
report(
  'Hodges–Lehmann with two intervals, 2,000 rounds',
  fastest(() => hodgesLehmann(large, [0.95, 0.9])),
  'ms',
  50,
);

const rounds = Float64Array.from({ length: 200 }, (_, i) => i);
const series = ['base', ...ARMS].flatMap((arm) =>
  Array.from({ length: 10 }, (_, metric) => ({
    ...{
      workload: 'w',
      arm,
      metric: `m${metric}`,
      unit: 'ms',
      better: 'lower' as const,
      rounds,
      positions: null,
    },
    values: rounds.map(() => Math.exp(0.05 * normalDraw(random))),
  })),
);
const policy = { min: 10, max: 400, precision: 0.001, budgetMs: null };
const look = (): unknown =>
  decideStop(series, { rounds: 200, elapsedMs: 0, baseline: 'base', confidence: 0.95, policy });
report('a look at 40 comparisons of 200 rounds', fastest(look), 'ms', 50);
process.exitCode = missed === 0 ? 0 : 1;

/** Fastest of five, ms: what the work takes, not what the neighbours do. */
function fastest(work: () => unknown): number {
  return Math.min(
    ...Array.from({ length: 5 }, () => {
      const from = performance.now();
      work();
      return performance.now() - from;
    }),
  );
}
