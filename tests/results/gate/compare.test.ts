import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { planFixture, trialsFixture } from '../run-fixture.ts';
import { compareRuns } from '../../../harness/compare/compare-runs.ts';
import { renderComparedRuns } from '../../../harness/compare/render-comparison.ts';
import type { Run } from '../../../results/store/read-run.ts';

const test = suite('two runs side by side');

function run(id: string, vmCost: number, memoryMiB = 512): Run {
  const plan = planFixture();
  const trials = trialsFixture(
    plan,
    (round, arm) => (100 + (round % 3)) * (arm === 'vm' ? vmCost + round / 1e4 : 1),
  );
  return {
    ...{ path: `/runs/${id}`, host: null, trials, matrixText: '', warnings: [] },
    plan: { ...plan, runId: id, resources: { ...plan.resources, memoryMiB } },
  };
}

test('every overhead of both runs, their ratio, and whether the intervals meet', () => {
  const { overheads } = compareRuns(run('a', 1.1), run('b', 1.3));
  const disk = overheads.find(({ workload }) => workload === 'disk');
  assert.ok(disk?.ratio && Math.abs(disk.ratio - 1.3 / 1.1) < 0.001);
  assert.is(disk?.overlap, false);
  assert.is(compareRuns(run('a', 1.1), run('b', 1.1)).overheads[0]?.overlap, true);
});

test('what differs in set-up is named, and that nothing was interleaved', () => {
  const text = renderComparedRuns(compareRuns(run('a', 1.1), run('b', 1.1, 1024)));
  assert.match(text, /memory: 512 MiB against 1024 MiB/);
  assert.match(text, /its machine is not known/);
  assert.match(text, /not interleaved/);
});

test('what each run could have seen stands beside its verdict, and every line fits the terminal', () => {
  const compared = compareRuns(run('a', 1.1), run('b', 1.3));
  const disk = compared.overheads.find(({ workload }) => workload === 'disk');
  assert.ok(disk?.a?.sight && disk.a.sight.detectable > 0 && disk.b?.sight);
  assert.match(renderComparedRuns(compared), /A could see.*B could see/);
  for (const width of [80, 120])
    for (const line of renderComparedRuns(compared, width).split('\n'))
      assert.ok([...line].length <= width, line);
});

test.run();
