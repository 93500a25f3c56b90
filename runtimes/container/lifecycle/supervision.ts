import { join } from 'node:path';
import type { Op } from '../../launch/ops.ts';
import type { StoredRequest } from './request.ts';

/** Slots of the plan: the gate, the child's ends of its streams, the supervisor's (fixed in c/supervise.h). */
export const GATE = 20;
const CHILD = { stdin: 14, stdout: 15, stderr: 16, socket: 17 } as const;
const SUPERVISOR = { stdin: 24, stdout: 25, stderr: 26, socket: 27 } as const;
const O_RDWR = 2;
/** A log is rotated once at this size, so that a talkative container cannot fill the disk. */
export const MAX_LOG_BYTES = 64 << 20;
/** What an exec prints goes to whoever asked for it, and is kept nowhere. */
export const NO_LOG = -1;

export interface Supervised extends Pick<StoredRequest, 'terminal' | 'interactive' | 'size'> {
  /** With the gate's fifo in it; gets the log, the exit and the attach socket. */
  folder: string;
  maxLogBytes: number;
  /** Who owns the terminal inside. */
  uid: number;
  /** A container gets its terminal as /dev/console too; an exec does not. */
  console: boolean;
}

/**
 * The operations that give a program its supervisor and its streams: before the clone, in the parent's part, inside. `supervise`
 * itself is apart: an exec must play it while the folder's path still means something, before it enters the container.
 */
export function supervisionOps(request: Supervised): {
  supervise: Op;
  before: Op[];
  parent: Op[];
  inside: Op[];
} {
  const { folder, maxLogBytes, uid } = request;
  const interactive = request.interactive ? 1 : 0;
  const supervise: Op = { op: 'supervise', folder, maxLogBytes, interactive };
  const gate: Op = { op: 'open', slot: GATE, path: join(folder, 'gate'), flags: O_RDWR, mode: 0 };
  if (request.terminal) {
    const { rows = 24, columns = 80 } = request.size ?? {};
    return {
      supervise,
      before: [gate, { op: 'socketpair', slot: SUPERVISOR.socket, otherSlot: CHILD.socket }],
      parent: [
        { op: 'close-slot', slot: CHILD.socket },
        { op: 'close-slot', slot: GATE },
      ],
      inside: [
        { op: 'pty', masterSlot: 21, slaveSlot: 22, rows, columns },
        ...(request.console ? [{ op: 'console', slot: 22 } as const] : []),
        { op: 'send-fd', socketSlot: CHILD.socket, slot: 21 },
        { op: 'terminal', slot: 22, uid },
      ],
    };
  }
  return {
    supervise,
    before: [
      gate,
      { op: 'pipe', readSlot: CHILD.stdin, writeSlot: SUPERVISOR.stdin },
      { op: 'pipe', readSlot: SUPERVISOR.stdout, writeSlot: CHILD.stdout },
      { op: 'pipe', readSlot: SUPERVISOR.stderr, writeSlot: CHILD.stderr },
    ],
    parent: [
      ...[CHILD.stdin, CHILD.stdout, CHILD.stderr, GATE].map((slot): Op => ({ op: 'close-slot', slot })),
      // Without -i the program reads the end of its input at once.
      ...(request.interactive ? [] : [{ op: 'close-slot', slot: SUPERVISOR.stdin } as const]),
    ],
    inside: [
      { op: 'dup', slot: CHILD.stdin, fd: 0 },
      { op: 'dup', slot: CHILD.stdout, fd: 1 },
      { op: 'dup', slot: CHILD.stderr, fd: 2 },
    ],
  };
}
