import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderGate } from '../../harness/gate/render-text.ts';
import { GATE_LOOKS } from '../../results/statistics/defaults.ts';
import { gateJob } from './gate/gate-job.ts';

/**
 * `npm run bench:gate`: two real gates on this machine. First native against native (A/A, 40 rounds), which must not
 * fail; then native against native under a CPU quota of 95 %, which a quiet machine must see. Needs root; about ten
 * minutes. Exit code 1 when the A/A gate fails or the slowdown passes.
 */
const folder = await mkdtemp(join(tmpdir(), 'tare-gate-'));
const say = (line: string): void => console.error(line);
try {
  const same = await gateJob(folder, { quota: null, looks: [40], seed: 'aa', say });
  console.log(`A/A, nothing changed\n\n${renderGate(same)}\n`);
  const slower = await gateJob(folder, { quota: 0.95, looks: [...GATE_LOOKS], seed: 'quota-95', say });
  console.log(`CPU quota 95 %\n\n${renderGate(slower)}`);
  process.exitCode = same.answer === 'fail' || slower.answer === 'pass' ? 1 : 0;
} finally {
  await rm(folder, { recursive: true, force: true });
}
