import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BenchError } from '../../../../results/bench-error.ts';
import type { Op } from '../../../launch/ops.ts';
import { playHere } from '../launch-detached.ts';
import { criuErrors } from './criu-words.ts';

const CLONE_NEWNS = 0x20000;
/** criu calls ip and iptables-save for a network namespace. */
const CRIU_ENV = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'];
const NO_SLOT = -1;

/** The criu to use: the one that was named, or the first in PATH. @throws BenchError `criu-missing` with what to do. */
export function findCriu(named: string | undefined, path = process.env.PATH ?? ''): string {
  const candidates = named?.includes('/')
    ? [named]
    : [...path.split(':'), '/usr/sbin', '/usr/local/sbin'].map((folder) => join(folder, named ?? 'criu'));
  const found = candidates.find(isExecutable);
  if (found !== undefined) return found;
  throw new BenchError(
    'criu-missing',
    `checkpoint and restore are done by criu, and there is none (${named ?? 'criu'})`,
    {
      hint: 'apt-get install -y --no-install-recommends criu iproute2 iptables, or name one with --criu',
    },
  );
}

/**
 * Runs criu in a mount namespace of its own, after `before` was played there, on our standard streams.
 * @throws BenchError `criu-failed` with what criu logged as errors.
 */
export async function runCriu(
  request: { launcher: string; criu: string; workPath: string; logFile: string },
  words: readonly string[],
  before: readonly Op[] = [],
): Promise<void> {
  mkdirSync(request.workPath, { recursive: true, mode: 0o700 });
  const played = await playHere(request.launcher, [
    { op: 'clone', flags: CLONE_NEWNS, parentOps: 0, cgroupSlot: NO_SLOT },
    ...before,
    { op: 'close-fds', from: 3, keepSlot: NO_SLOT },
    { op: 'exec', argv: [request.criu, ...words], env: CRIU_ENV, search: 0 },
  ]);
  const code = await played.wait();
  if (code === 0) return;
  const log = join(request.workPath, request.logFile);
  const errors = criuErrors(textOf(log));
  throw new BenchError(
    'criu-failed',
    `criu ${words[0]} ended with ${code}: ${errors.join('; ') || 'without an error in its log'}`,
    { hint: `${log} has the rest; \`criu check\` says whether this criu works with this kernel` },
  );
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
