import { mkdirSync, readFileSync } from 'node:fs';
import { BenchError } from '../../../../results/bench-error.ts';
import { ensureLauncher } from '../../../launch/ensure-launcher.ts';
import { storedSpec } from '../control.ts';
import type { StateRoot } from '../state.ts';
import { currentStatus } from '../status.ts';
import { streamsOf, writeCheckpointRecord } from './checkpoint-record.ts';
import { dumpWords, type CriuChoices } from './criu-words.ts';
import { externalMounts } from './external-mounts.ts';
import { findCriu, runCriu } from './run-criu.ts';

/** Saves a running container with criu; without `leaveRunning` it has ended afterwards, and waits to be deleted. */
export async function checkpointContainer(
  root: StateRoot,
  id: string,
  choices: CriuChoices & { criu?: string; cacheDir: string },
): Promise<void> {
  const state = root.read(id);
  const status = currentStatus(root, state);
  if (status !== 'running')
    throw new BenchError('oci-state', `cannot checkpoint a container that is ${status}: ${id}`);
  const criu = findCriu(choices.criu);
  const spec = storedSpec(root, id);
  if (spec.process?.terminal)
    throw new BenchError('checkpoint-terminal', `${id} has a terminal, which cannot be saved`, {
      hint: 'run it without one (process.terminal, -t)',
    });
  const joined = spec.linux?.namespaces?.filter(({ path }) => path).map(({ type }) => type) ?? [];
  if (joined.length > 0)
    throw new BenchError(
      'checkpoint-namespace',
      `${id} has joined namespaces of others (${joined.join(', ')}), which are not its own to save`,
    );
  mkdirSync(choices.imagePath, { recursive: true, mode: 0o700 });
  const externals = externalMounts(readFileSync(`/proc/${state.pid}/mountinfo`, 'utf8'));
  const streams = streamsOf(state.pid);
  await runCriu(
    {
      launcher: await ensureLauncher(choices.cacheDir),
      criu,
      workPath: choices.workPath,
      logFile: 'dump.log',
    },
    dumpWords(choices, { pid: state.pid, externals, streams }),
  );
  writeCheckpointRecord(choices.imagePath, { schema: 'tare.oci-checkpoint/1', externals, streams });
}
