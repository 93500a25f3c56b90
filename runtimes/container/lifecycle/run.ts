import { BenchError } from '../../../results/bench-error.ts';
import { attach, type AttachEnd, type Foreground } from './attach.ts';
import { killContainer, startContainer } from './control.ts';
import { createContainer } from './create.ts';
import { announce, containerSubject } from './events.ts';
import { shellCode, type ContainerRecord } from './record.ts';
import { refreshed, removeContainer } from './remove.ts';
import type { CreateRequest } from './request.ts';
import { containerStatus } from './status.ts';
import { waitContainer } from './wait.ts';

/** Creates and starts; resolves with the id. */
export async function runDetached(request: CreateRequest): Promise<string> {
  const record = await createContainer(request);
  await startContainer(record, request.cacheDir);
  return record.id;
}

/**
 * Creates, attaches, starts, waits: `run` without -d. The first interrupt is passed on as the stop signal. Resolves with the exit
 * code a shell would give; 0 when the detach keys were pressed and it goes on alone.
 */
export async function runForeground(
  request: CreateRequest,
  detachKeys: Buffer,
  io: Foreground,
): Promise<number> {
  const { rows = 24, columns = 80 } = io.stdout;
  const record = await createContainer({ ...request, size: { rows, columns } });
  let end: AttachEnd = 'ended';
  try {
    const attached = await attach(attachOptions(record, detachKeys, true), io);
    await startContainer(record, request.cacheDir);
    end = await attached.ended;
    return end === 'detached' ? 0 : shellCode(await waitContainer(record));
  } finally {
    if (request.autoRemove && end === 'ended') await removeContainer(record, { force: true, volumes: true });
  }
}

/** `start -a`: as run, of a container that is there already. */
export async function startForeground(
  record: ContainerRecord,
  cacheDir: string,
  detachKeys: Buffer,
  input: boolean,
  io: Foreground,
): Promise<number> {
  if (containerStatus(record) !== 'created') {
    // Launched again it is past its gate before anybody could attach; what it prints until then is in the log.
    const running = await startContainer(record, cacheDir);
    return attachForeground(running, detachKeys, input, io);
  }
  const attached = await attach({ ...attachOptions(record, detachKeys, true), input }, io);
  await startContainer(record, cacheDir);
  const end = await attached.ended;
  return end === 'detached' ? 0 : shellCode(await waitContainer(record));
}

/** `attach`: until it ends, with its exit code, or until the keys or an interrupt let go of it, with 0. */
export async function attachForeground(
  record: ContainerRecord,
  detachKeys: Buffer,
  input: boolean,
  io: Foreground,
): Promise<number> {
  const status = containerStatus(record);
  if (status !== 'running' && status !== 'paused')
    throw new BenchError('container-not-running', `${record.name} is ${status}, not running`, {
      hint: `bench container start -a ${record.name}`,
    });
  const options = { ...attachOptions(record, detachKeys, false), input: input && record.interactive };
  const attached = await attach(options, io);
  announce(containerSubject(record), 'attach');
  if ((await attached.ended) === 'detached') return 0;
  return shellCode(await waitContainer(refreshed(record)));
}

function attachOptions(
  record: ContainerRecord,
  detachKeys: Buffer,
  passInterrupt: boolean,
): Parameters<typeof attach>[0] {
  const interrupted = (): void => {
    try {
      killContainer(record, record.stopSignal);
    } catch {
      // It has ended.
    }
  };
  return {
    folder: record.stateFolder,
    name: record.name,
    input: record.interactive,
    terminal: record.terminal,
    detachKeys,
    ...(passInterrupt ? { interrupted } : {}),
  };
}
