import * as assert from 'uvu/assert';
import { adaptiveCoverage, fixedCoverage } from '../../bench/statistics/coverage.ts';
import { gateFalseAlarms, gateFinds, gateWrongPasses } from '../../bench/statistics/gate-errors.ts';
import { historyFalseAlarms } from '../../bench/statistics/history-errors.ts';
import { noiseModels, type NoiseModel } from '../../bench/statistics/noise-model.ts';
import type { Claim } from '../../bench/statistics/claim.ts';
import { suite } from '../../suite.ts';

/** The short form of `npm run bench:statistics`: the claims of docs/statistics.md, seeded, in seconds. So few runs may miss
 * a bar by chance; they must not contradict it. */
const test = suite('error rates, short form');

function notContradicted(claim: Claim): void {
  assert.ok(!claim.contradicted, `${claim.claim}: ${claim.measured}, bar ${claim.bar}`);
}

for (const model of noiseModels)
  test(`coverage at 20 rounds, ${model.name}`, () => notContradicted(fixedCoverage(model, 20, 800)));
for (const model of noiseModels)
  test(`coverage with adaptive stopping, ${model.name}`, () => notContradicted(adaptiveCoverage(model, 40)));

const [iid] = noiseModels as [NoiseModel];
test('a gate over 40 unchanged metrics stays silent', () => notContradicted(gateFalseAlarms(iid, 10)));
test('a gate finds 5 %', () => notContradicted(gateFinds(15)));
test('a gate does not pass 1.5 δ', () => notContradicted(gateWrongPasses(0.02, 500)));
test('a history without change stays silent', () => notContradicted(historyFalseAlarms('spikes', 10, 30)));

test.run();
