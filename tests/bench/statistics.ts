import { adaptiveCoverage, fixedCoverage } from './statistics/coverage.ts';
import type { Claim } from './statistics/claim.ts';
import { gateFalseAlarms, gateFinds, gateWrongPasses } from './statistics/gate-errors.ts';
import { historyFalseAlarms, historyFinds } from './statistics/history-errors.ts';
import { noiseModels } from './statistics/noise-model.ts';

/**
 * `npm run bench:statistics`: the error rates that docs/statistics.md claims, measured by simulation with the product's
 * own functions. Seeded: every run prints the same table. Exit code 1 when a bar is missed. `--runs N` scales it.
 */
const at = process.argv.indexOf('--runs');
const scale = at > 0 ? Number(process.argv[at + 1]) : 1;
const runs = (full: number): number => Math.max(20, Math.round(full * scale));

function* claims(): Generator<Claim> {
  for (const n of [6, 10, 20, 40])
    for (const model of noiseModels) yield fixedCoverage(model, n, runs(10_000));
  for (const model of noiseModels) yield adaptiveCoverage(model, runs(4000));
  for (const model of noiseModels) yield gateFalseAlarms(model, runs(500));
  yield gateFinds(runs(1000));
  for (const sd of [0.005, 0.01, 0.02, 0.03, 0.05]) yield gateWrongPasses(sd, runs(10_000));
  for (const noise of ['iid', 'AR(0.3)', 'spikes']) yield historyFalseAlarms(noise, runs(300));
  yield historyFinds(runs(500));
}

let missed = 0;
const begun = performance.now();
console.log('| claim | bar | measured | |\n|---|---|---|---|');
for (const { claim, bar, measured, holds } of claims()) {
  if (!holds) missed++;
  console.log(`| ${claim} | ${bar} | ${measured} | ${holds ? 'holds' : 'MISSED'} |`);
}
const seconds = ((performance.now() - begun) / 1000).toFixed(0);
console.log(`\n${missed === 0 ? 'every bar holds' : `${missed} bars missed`} · ${seconds} s`);
process.exitCode = missed === 0 ? 0 : 1;
