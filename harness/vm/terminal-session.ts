import { constants } from 'node:os';
import type { ReadStream } from 'node:tty';
import type { Writable } from 'node:stream';
import type { Session, SessionRequest } from '../../runtimes/qemu/control/session-client.ts';
import type { MachineRecord } from '../../runtimes/qemu/lifecycle/machine-record.ts';
import { exitCodeOf, openSession } from '../../runtimes/qemu/lifecycle/open-session.ts';

/** Where a session's words come from and go to. */
export interface Terminal {
  stdin: ReadStream;
  stdout: Writable & { rows?: number; columns?: number; isTTY?: boolean };
  stderr: Writable;
  signal: AbortSignal;
}

export interface TerminalRequest extends Pick<SessionRequest, 'argv' | 'cwd' | 'env'> {
  /** A terminal inside, as large as ours. */
  terminal: boolean;
  runAs?: SessionRequest['runAs'];
}

const SIZE_UNKNOWN = { rows: 24, columns: 80 };

/**
 * A program in a machine with our own input and output: keys go in as they are pressed, the window's size follows, and
 * the exit code is the program's. An interrupt ends what runs inside, not the machine.
 */
export async function terminalSession(
  record: MachineRecord,
  request: TerminalRequest,
  { stdin, stdout, stderr, signal }: Terminal,
): Promise<number> {
  const { terminal, ...rest } = request;
  const size = (): { rows: number; columns: number } => ({
    rows: stdout.rows ?? SIZE_UNKNOWN.rows,
    columns: stdout.columns ?? SIZE_UNKNOWN.columns,
  });
  const session = await openSession(
    record,
    { ...rest, terminal: terminal ? size() : null },
    { stdout: (chunk) => void stdout.write(chunk), stderr: (chunk) => void stderr.write(chunk) },
  );
  const raw = terminal && stdin.isTTY;
  if (raw) stdin.setRawMode(true);
  const resize = (): void => session.resize(size().rows, size().columns);
  const interrupt = (): void => session.kill(constants.signals.SIGINT);
  stdout.on('resize', resize);
  signal.addEventListener('abort', interrupt, { once: true });
  const feeding = feed(session, stdin);
  try {
    return exitCodeOf(await session.ended);
  } finally {
    feeding.stop();
    stdout.off('resize', resize);
    signal.removeEventListener('abort', interrupt);
    if (raw) stdin.setRawMode(false);
    session.close();
  }
}

/** Input goes no faster than the guest takes it. */
function feed(session: Session, stdin: ReadStream): { stop(): void } {
  const take = (chunk: Buffer): void => {
    if (session.write(chunk)) return;
    stdin.pause();
    void session.drained().then(() => stdin.resume());
  };
  const end = (): void => session.endInput();
  stdin.on('data', take);
  stdin.once('end', end);
  stdin.resume();
  return {
    stop() {
      stdin.off('data', take);
      stdin.off('end', end);
      stdin.pause();
    },
  };
}
