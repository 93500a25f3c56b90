import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import * as assert from 'uvu/assert';
import { MATRIX_DEFAULTS } from '../../../harness/matrix/defaults.ts';
import { packagePath } from '../../../results/package-root.ts';
import type { Disturbance } from '../../../results/record/trial.ts';
import { hostLayout, isUnified } from '../../../runtimes/cgroup/layout.ts';
import { suite } from '../../suite.ts';

const test = suite('a quota around the run, for real');

const layout = hostLayout();
const unified = isUnified(layout);
const mount = unified ? layout.v2?.mount : layout.v1.cpu;
const group = join(mount ?? '', `tare-test-${process.pid}`);

/** A process in a group of its own that works for 400 ms of CPU time between the edges of a window, and is judged. */
const script = `
import { beginWindow } from '${packagePath('harness/host/disturbance.ts')}';
import { invalidReasons } from '${packagePath('harness/host/validity.ts')}';
process.stdin.once('data', () => {
  const open = beginWindow([0]);
  const from = process.cpuUsage().user;
  while (process.cpuUsage().user - from < 400_000);
  const disturbance = open.stop().disturbance(Infinity, null);
  const lenient = { maxStealShare: 1, maxForeignCpuShare: 10 };
  const reasons = invalidReasons(disturbance, { ...lenient, maxThrottledShare: ${MATRIX_DEFAULTS.maxThrottledShare} });
  console.log(JSON.stringify({ disturbance, reasons }));
  process.exit(0);
});
console.log('ready');
`;

interface Judged {
  disturbance: Disturbance;
  reasons: string[];
}

async function judged(quotaPercent: number | null): Promise<Judged> {
  mkdirSync(group);
  try {
    const quota = quotaPercent === null ? null : quotaPercent * 1000;
    if (unified) writeFileSync(join(group, 'cpu.max'), `${quota ?? 'max'} 100000`);
    else if (quota !== null) writeFileSync(join(group, 'cpu.cfs_quota_us'), String(quota));
    const child = execa(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: packagePath('.'),
      stdin: 'pipe',
      timeout: 60_000,
      buffer: true,
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    writeFileSync(join(group, 'cgroup.procs'), String(child.pid));
    child.stdin.end('go\n');
    const { stdout } = await child;
    return JSON.parse(stdout.split('\n').at(-1) ?? '') as Judged;
  } finally {
    rmdirSync(group);
  }
}

test('is seen in the kernel’s counters and voids by the plan’s rule', async () => {
  const { disturbance, reasons } = await judged(20);
  // 400 ms of CPU time at 20 % take 2 s, four fifths of it stopped.
  assert.ok((disturbance.runThrottledMs ?? 0) > 500, JSON.stringify(disturbance));
  assert.is(reasons.length, 1);
  assert.match(reasons[0] ?? '', /a CPU quota around the run, not of the matrix, stopped it for \d+ ms/);
});

test('a group without a quota voids nothing', async () => {
  const { disturbance, reasons } = await judged(null);
  assert.is(disturbance.runThrottledMs, 0);
  assert.equal(reasons, []);
});

test('the tasks ready to run are those of /proc/stat', async () => {
  const { disturbance } = await judged(null);
  assert.type(disturbance.runQueuePerCpu, 'number');
  assert.match(readFileSync('/proc/stat', 'utf8'), /^procs_running \d+$/m);
});

test.run();
