import * as assert from 'uvu/assert';
import { roundsNeeded, roundsNeededSentence } from '../../../harness/plan/rounds-needed.ts';
import type { Plan } from '../../../results/record/plan.ts';
import { summarize } from '../../../results/summarize/summarize.ts';
import { fakeObserver } from '../../fakes/fake-observer.ts';
import { planOf, runFake } from '../../fakes/fake-run.ts';
import { fakeRuntime } from '../../fakes/fake-runtime.ts';
import { fakeWorkload } from '../../fakes/fake-workload.ts';
import { suite } from '../../suite.ts';

const test = suite('rounds needed');

const MATRIX = 'runtimes: { a: , b: }\nworkloads: { work: , play: }\ntrials: { rounds: 8, spare: 0 }\n';

async function earlier(noise: number): Promise<{ plan: Plan; summary: ReturnType<typeof summarize> }> {
  let trial = 0;
  const value = (): number => 100 * (1 + noise * Math.sin(++trial * 12.9898));
  const catalog = {
    runtimes: [fakeRuntime('a', []), fakeRuntime('b', [])],
    workloads: [fakeWorkload('work', [], undefined, value), fakeWorkload('play', [], undefined, value)],
  };
  const plan = planOf(MATRIX, catalog);
  return { plan, summary: summarize({ plan, trials: await runFake(plan, catalog, fakeObserver([])) }) };
}

test('are told for each cell that is compared, from what an earlier run saw', async () => {
  const { plan, summary } = await earlier(0.05);
  const needed = roundsNeeded(plan, summary);
  assert.equal(needed.map(({ cell }) => cell).sort(), ['play.b', 'work.b']);
  for (const { rounds, pairedSd } of needed) assert.ok(rounds > 8 && pairedSd > 0.01);
  assert.match(
    roundsNeededSentence(plan, needed) ?? '',
    /within ±1 % needs about this many rounds: .*planned: 8/,
  );
});

test('are fewer when the earlier run was quieter', async () => {
  const loud = await earlier(0.05);
  const quiet = await earlier(0.01);
  const most = (found: ReturnType<typeof roundsNeeded>): number =>
    Math.max(...found.map(({ rounds }) => rounds));
  assert.ok(most(roundsNeeded(quiet.plan, quiet.summary)) < most(roundsNeeded(loud.plan, loud.summary)));
});

test('are not told when the earlier run shares no cell with the plan', async () => {
  const { plan, summary } = await earlier(0.05);
  const other = { ...plan, baseline: 'somebody-else' };
  assert.equal(roundsNeeded(other, summary), []);
  assert.is(roundsNeededSentence(other, []), null);
});

test.run();
