import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from '../../../results/bench-error.ts';
import type { ExecOptions, ExecResult } from '../../contract.ts';
import type { CommandEnd } from '../control/guest-port.ts';
import { AGENT_TIMEOUT_MS, CAPTURE_BYTES, EXEC_TIMEOUT_MS, REAP_RETRY_MS } from '../defaults.ts';
import type { GuestLink } from './guest-link.ts';

/** Must be guest/guest.h's. */
const EXEC_DIR = '/var/lib/tare-exec';
const SIGKILL = 9;
/** After SIGKILL the end is reported at once; a guest that does not is hung. */
const KILL_GRACE_MS = 5_000;

let counter = 0;

/**
 * Runs a command through the guest agent. The agent starts our runner, the runner reports the end by way of the guest's
 * first process; between the two nothing on the host polls. Output beyond the capture size is read from files.
 */
export async function guestExec(
  link: GuestLink,
  argv: string[],
  options: ExecOptions = {},
): Promise<ExecResult> {
  const id = `e${++counter}`;
  const stdinPath = await stageStdin(link, id, options.stdin);
  const env = Object.entries(options.env ?? {}).map(([key, value]) => `${key}=${value}`);
  const small = stdinPath === '-' && options.stdin !== undefined ? Buffer.from(options.stdin) : undefined;
  const end = link.port.commandEnd(id);
  end.catch(() => undefined);
  const begunNs = process.hrtime.bigint();
  const args = [
    link.runAs,
    id,
    String(CAPTURE_BYTES),
    options.cwd ?? '-',
    stdinPath,
    String(env.length),
    ...env,
    ...argv,
  ];
  const answerMs = Math.min(AGENT_TIMEOUT_MS, options.timeoutMs ?? AGENT_TIMEOUT_MS);
  const pid = await link.agent.exec(link.port.runner, args, { stdin: small, timeoutMs: answerMs });
  const { ended, timedOut } = await endOrKill(link, id, end, options);
  const output = await collect(link, pid, id, ended, answerMs);
  if (ended.startError !== null) output.stderr += `${argv[0] ?? ''}: ${errnoName(ended.startError)}\n`;
  return {
    exitCode: ended.exitCode,
    signal: ended.signal === null ? null : signalName(ended.signal),
    ...output,
    wallNs: Number(ended.atNs - begunNs),
    timedOut,
  };
}

/** A large stdin is written to a file first; a small one travels with the request. */
async function stageStdin(link: GuestLink, id: string, stdin: ExecOptions['stdin']): Promise<string> {
  if (stdin === undefined || stdin.length <= CAPTURE_BYTES) return '-';
  const path = `/tmp/tare-${id}.in`;
  await link.agent.writeFile(path, [Buffer.from(stdin)]);
  return path;
}

/** Waits for the end; at the limit or on abort the command's whole process group is killed, and its end awaited. */
async function endOrKill(
  link: GuestLink,
  id: string,
  end: Promise<CommandEnd>,
  options: ExecOptions,
): Promise<{ ended: CommandEnd; timedOut: boolean }> {
  const limitMs = options.timeoutMs ?? EXEC_TIMEOUT_MS;
  const stop = new AbortController();
  const limit = sleep(limitMs, 'limit' as const, { signal: stop.signal, ref: false });
  limit.catch(() => undefined);
  const aborted = new Promise<'aborted'>((resolve) => {
    if (options.signal?.aborted) resolve('aborted');
    options.signal?.addEventListener('abort', () => resolve('aborted'), { signal: stop.signal });
  });
  try {
    const first = await Promise.race([end, limit, aborted]);
    if (typeof first === 'object') return { ended: first, timedOut: false };
    await link.port.request('kill', [id, String(SIGKILL)], KILL_GRACE_MS).catch(() => undefined);
    const ended = await Promise.race([
      end,
      sleep(KILL_GRACE_MS, undefined, { signal: stop.signal, ref: false }),
    ]);
    if (first === 'aborted')
      throw new BenchError('vm-aborted', 'interrupted', { cause: options.signal?.reason });
    if (!ended)
      throw new BenchError(
        'vm-guest-timeout',
        `the guest did not end a command ${KILL_GRACE_MS} ms after SIGKILL`,
      );
    return { ended, timedOut: true };
  } finally {
    stop.abort();
    link.port.forget(id);
  }
}

/** The command has ended: its runner exits next, and the agent holds its small output. */
async function collect(
  link: GuestLink,
  pid: number,
  id: string,
  ended: CommandEnd,
  answerMs: number,
): Promise<{ stdout: string; stderr: string }> {
  const fits = ended.stdoutBytes + ended.stderrBytes <= CAPTURE_BYTES;
  let status = await link.agent.execStatus(pid, answerMs);
  while (!status.exited) {
    await sleep(REAP_RETRY_MS);
    status = await link.agent.execStatus(pid, answerMs);
  }
  if (fits) return { stdout: status.stdout.toString('utf8'), stderr: status.stderr.toString('utf8') };
  const whole = {
    stdout: await readWhole(link, `${EXEC_DIR}/${id}.out`, ended.stdoutBytes),
    stderr: await readWhole(link, `${EXEC_DIR}/${id}.err`, ended.stderrBytes),
  };
  await link.port.request('forget', [id]);
  return whole;
}

async function readWhole(link: GuestLink, path: string, bytes: number): Promise<string> {
  if (bytes === 0) return '';
  const pieces: Buffer[] = [];
  for await (const piece of link.agent.readFile(path)) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`;
}

function errnoName(number: number): string {
  return Object.entries(constants.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
}
