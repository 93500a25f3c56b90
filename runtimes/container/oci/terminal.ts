import type { Op } from '../../launch/ops.ts';

/** What a terminal needs in a plan: before the clone, and inside after the pivot. */
export interface TerminalOps {
  before: Op[];
  inside: Op[];
}

export interface TerminalRequest {
  /** Unix socket that gets the master, as Docker's shim and conmon offer one. */
  consoleSocket: string;
  size: { height: number; width: number } | null | undefined;
  /** Who owns the terminal inside. */
  uid: number;
  /** A container gets its terminal as /dev/console too; an exec does not. */
  console: boolean;
}

const SOCKET_SLOT = 22;
const MASTER_SLOT = 23;
const SLAVE_SLOT = 24;

/** A pseudo-terminal of the inside's own devpts; its master goes to the caller, its slave is the program's. Pure. */
export function terminalOps(request: TerminalRequest | null): TerminalOps {
  if (!request) return { before: [], inside: [] };
  const { consoleSocket, size, uid } = request;
  return {
    before: [{ op: 'connect', slot: SOCKET_SLOT, path: consoleSocket }],
    inside: [
      {
        op: 'pty',
        masterSlot: MASTER_SLOT,
        slaveSlot: SLAVE_SLOT,
        rows: size?.height ?? 0,
        columns: size?.width ?? 0,
      },
      { op: 'send-fd', socketSlot: SOCKET_SLOT, slot: MASTER_SLOT },
      ...(request.console ? [{ op: 'console', slot: SLAVE_SLOT } as const] : []),
      { op: 'terminal', slot: SLAVE_SLOT, uid },
    ],
  };
}
