import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readRun } from '../../../results/store/read-run.ts';
import { suite } from '../../suite.ts';
import { listOwners } from '../../../runtimes/sweep/owner.ts';
import { bench, emptyParents, hostState, workFolder } from './bench-process.ts';

const test = suite('bench run, for real');

/** The quick matrix in miniature: every kind of arm, every kind of workload, one short round and a half. */
const MINIATURE = `
title: The quick matrix in miniature
baseline: native
runtimes:
  native:
  container:
  vm-qcow2: { runtime: qemu, options: { format: qcow2 } }
  vm-raw: { runtime: qemu, options: { format: raw } }
workloads:
  cpu: { workload: sysbench-cpu, options: { seconds: 1 } }
  memory: { workload: sysbench-memory, options: { seconds: 1 } }
  fileio: { workload: sysbench-fileio, options: { seconds: 1, fileSize: 16MiB } }
  network: { workload: iperf3, options: { seconds: 1 } }
# Other tests' leftovers and CI neighbours may disturb these short windows: whether rounds are void is not judged here.
policy: { maxSteal: 1, maxForeignCpu: 10, maxRunQueue: 1000, maxThermalEvents: 1000000, maxThrottled: 10 }
trials: { rounds: 1, spare: 0 }
`;

test('every arm runs every workload; the run folder is whole; the host is as it was', async () => {
  const folder = workFolder();
  const before = hostState();
  try {
    const done = await bench(folder.path, ['run', '--matrix', folder.matrix(MINIATURE), '--quiet', '--json']);
    assert.is(done.exitCode, 0, String(done.stderr));
    assert.is(String(done.stderr), '', '--quiet was not');
    const { run, report } = JSON.parse(String(done.stdout)) as { run: string; report: string };
    const { plan, trials, host } = await readRun(run);
    assert.is(trials.length, 16);
    assert.equal(
      trials
        .filter((trial) => trial.outcome.status !== 'completed')
        .map((trial) => [trial.cell, trial.outcome]),
      [],
    );
    assert.equal(
      trials.map((trial) => trial.cell),
      plan.order[0],
    );
    for (const trial of trials) {
      assert.is(trial.inside?.nproc, 1, `${trial.cell} sees ${trial.inside?.nproc} CPUs`);
      assert.ok((trial.cost.run?.cpuMs ?? 0) > 0, `${trial.cell} cost no CPU time`);
      assert.ok(existsSync(join(run, 'logs', trial.trial, 'log.txt')));
    }
    for (const tool of ['sysbench', 'iperf3']) {
      const hashes = new Set(trials.flatMap((trial) => trial.inside?.tools[tool] ?? []));
      assert.is(hashes.size, 1, `${tool} is not the same bytes in every arm`);
    }
    assert.ok(host?.after, 'the machine was not described after the run');
    const page = readFileSync(report, 'utf8');
    const again = await bench(folder.path, ['report', 'latest']);
    assert.is(again.exitCode, 0, String(again.stderr));
    assert.ok(readFileSync(report, 'utf8') === page, 'bench report made another page from the same trials');
    assert.equal(hostState(), before);
    if (listOwners().length === 0) assert.equal(emptyParents(), []);
  } finally {
    folder.remove();
  }
});

test('a matrix with an unknown word ends with 2 and says where', async () => {
  const folder = workFolder();
  try {
    const done = await bench(folder.path, [
      'run',
      '--matrix',
      folder.matrix('runtimes: { natve: }\nworkloads: { iperf3: }\n'),
    ]);
    assert.is(done.exitCode, 2);
    assert.match(String(done.stderr), /test\.yaml:1:13: unknown runtime "natve"; did you mean "native"\?/);
    assert.not.ok(existsSync(join(folder.path, 'results')));
  } finally {
    folder.remove();
  }
});

test.run();
