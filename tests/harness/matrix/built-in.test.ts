import * as assert from 'uvu/assert';
import { loadMatrix } from '../../../harness/matrix/load-matrix.ts';
import { builtInMatrices, findMatrix } from '../../../harness/run/find-matrix.ts';
import { publishedResults } from '../../../results/published/published-results.ts';
import { runtimes } from '../../../runtimes/catalog.ts';
import { workloads } from '../../../workloads/catalog.ts';
import { suite } from '../../suite.ts';

const test = suite('built-in matrices');
const load = (name: string) =>
  loadMatrix(findMatrix(name), { runtimes, workloads }, { cpus: [0, 1], memoryMiB: 8192 });

for (const name of builtInMatrices()) {
  test(`${name} is a valid matrix that says what it is for`, async () => {
    const matrix = await load(name);
    assert.is(matrix.name, name);
    assert.is.not(matrix.title, name);
    assert.ok(matrix.arms.length > 1);
  });
}

test('quick compares native, container and both disk formats over the four measurements, six rounds or more', async () => {
  const matrix = await load('quick');
  assert.equal(
    matrix.arms.map((arm) => [arm.runtime, arm.options.format]),
    [
      ['native', undefined],
      ['container', undefined],
      ['qemu', 'qcow2'],
      ['qemu', 'raw'],
    ],
  );
  assert.equal(
    matrix.workloads.map((workload) => workload.workload),
    ['sysbench-cpu', 'sysbench-memory', 'sysbench-fileio', 'iperf3'],
  );
  assert.ok(matrix.trials.rounds >= 6);
  assert.equal([matrix.resources.cpus, matrix.resources.memoryMiB], [1, 512]);
});

test('homework sets each of its published numbers beside a measurement', async () => {
  const matrix = await load('homework');
  const named = matrix.workloads.flatMap((workload) => workload.published);
  const homework = [...publishedResults().keys()].filter((id) => id.startsWith('cloud-hw-'));
  assert.equal(named.sort(), homework.sort());
  assert.ok(matrix.trials.rounds >= 10);
});

test.run();
