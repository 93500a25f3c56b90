import type { Readable, Writable } from 'node:stream';
import { attachContainer } from './attach.ts';
import { killContainer, removeContainer, startContainer, waitContainer } from './control.ts';
import { createContainer, type CreateRequest } from './create.ts';
import { listRecords, shellCode } from './record.ts';
import { containerStatus } from './control.ts';

export interface Foreground {
  stdin: Readable & { isTTY?: boolean; setRawMode?: (raw: boolean) => unknown };
  stdout: Writable & { isTTY?: boolean; rows?: number; columns?: number };
  stderr: Writable;
  signal: AbortSignal;
}

/** Creates and starts; resolves with the id. */
export async function runDetached(request: CreateRequest): Promise<string> {
  const record = await createContainer(request);
  startContainer(record);
  return record.id;
}

/**
 * Creates, attaches, starts, waits: `run` without -d. The first interrupt is passed on as SIGTERM, and what does not end
 * is killed after the usual grace. Resolves with the exit code a shell would give.
 */
export async function runForeground(request: CreateRequest, io: Foreground): Promise<number> {
  const size = { rows: io.stdout.rows ?? 24, columns: io.stdout.columns ?? 80 };
  const record = await createContainer({ ...request, size });
  const raw = request.terminal && request.interactive && io.stdin.isTTY === true;
  try {
    const attached = await attachContainer(record, {
      stdin: request.interactive ? io.stdin : null,
      stdout: io.stdout,
      stderr: io.stderr,
      size: () =>
        request.terminal ? { rows: io.stdout.rows ?? 24, columns: io.stdout.columns ?? 80 } : null,
    });
    if (raw) io.stdin.setRawMode?.(true);
    io.stdout.on('resize', attached.resize);
    io.signal.addEventListener('abort', () => {
      try {
        killContainer(record, record.stopSignal);
      } catch {
        // It has ended.
      }
    });
    startContainer(record);
    await attached.ended;
    io.stdout.off('resize', attached.resize);
    return shellCode(await waitContainer(record));
  } finally {
    if (raw) io.stdin.setRawMode?.(false);
    if (request.interactive) io.stdin.pause();
    if (request.autoRemove) await removeContainer(record, true);
  }
}

/** Removes containers that ended and were to be removed then (-d --rm): done by whoever comes next. */
export async function reapEnded(): Promise<void> {
  for (const record of listRecords())
    if (record.autoRemove && containerStatus(record) === 'exited') await removeContainer(record, true);
}
