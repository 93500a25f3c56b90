import { BenchError } from '../../../results/bench-error.ts';
import { SIGKILL } from '../../launch/constants.ts';
import type { Op } from '../../launch/ops.ts';
import { capabilityMask } from '../spec/capabilities.ts';
import type { OciProcess } from '../spec/oci-spec.ts';

/** Resource numbers of setrlimit(2) (asm-generic). */
const RLIMITS: Readonly<Record<string, number>> = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
};
const INFINITY = 0xffffffffffffffffn;

/** A compiled seccomp filter. */
export interface SeccompProgram {
  program: Uint8Array;
  flags: number;
}

export interface ProcessContext {
  seccomp: SeccompProgram | null;
  /** Descriptors from 3 on that the program is to keep. */
  preserveFds: number;
  /** The program dies with the process that waits for it. */
  diesWithParent: boolean;
  /** Played last, after every restriction holds: a start gate. */
  beforeExec: readonly Op[];
  /** False where setgroups is denied (a single-id user namespace). */
  setGroups: boolean;
}

/**
 * From a prepared file system view to the program, in the order that works: limits and masks while still able, every
 * descriptor closed, the working directory checked, then ids, capabilities, no_new_privs, and the filter last.
 */
export function processOps(process: OciProcess, context: ProcessContext, last: Op): Op[] {
  const caps = process.capabilities ?? {};
  const mask = (names: readonly string[] | null | undefined): bigint => capabilityMask(names ?? []);
  const filter: Op[] = context.seccomp ? [{ op: 'seccomp', ...context.seccomp }] : [];
  const noNewPrivs = process.noNewPrivileges ?? false;
  return [
    ...(process.rlimits ?? []).map(rlimitOp),
    { op: 'umask', mask: process.user.umask ?? 0o022 },
    { op: 'close-fds', from: 3 + context.preserveFds, keepSlot: gateSlot(context.beforeExec) },
    { op: 'chdir', path: process.cwd },
    { op: 'bounding', mask: mask(caps.bounding) },
    // Without no_new_privs only CAP_SYS_ADMIN may install a filter, so it comes before that is given up.
    ...(noNewPrivs ? [] : filter),
    { op: 'keep-caps' },
    {
      op: 'ids',
      uid: process.user.uid,
      gid: process.user.gid,
      groups: context.setGroups ? groupBytes(process.user.additionalGids ?? []) : new Uint8Array(0),
    },
    // A change of ids clears the death signal.
    ...(context.diesWithParent ? [{ op: 'death-signal', signal: SIGKILL, parent: 0 } as const] : []),
    {
      op: 'caps',
      effective: mask(caps.effective),
      permitted: mask(caps.permitted),
      inheritable: mask(caps.inheritable),
      ambient: mask(caps.ambient),
    },
    ...(noNewPrivs ? [{ op: 'no-new-privs' } as const, ...filter] : []),
    ...context.beforeExec,
    last,
  ];
}

/** The slot a start gate waits on, which must survive until then; -1 when there is no gate. */
function gateSlot(ops: readonly Op[]): number {
  const gate = ops.find((each) => each.op === 'gate');
  return gate?.op === 'gate' ? Number(gate.slot) : -1;
}

export function execOp(process: OciProcess): Op {
  return { op: 'exec', argv: process.args, env: process.env ?? [], search: 1 };
}

function rlimitOp(limit: { type: string; soft: number; hard: number }): Op {
  const resource = RLIMITS[limit.type];
  if (resource === undefined)
    throw new BenchError('unknown-rlimit', `there is no resource limit ${limit.type}`, {
      hint: `one of ${Object.keys(RLIMITS).join(', ')}`,
    });
  const value = (amount: number): number | bigint =>
    amount < 0 || amount > Number.MAX_SAFE_INTEGER ? INFINITY : amount;
  return { op: 'rlimit', resource, soft: value(limit.soft), hard: value(limit.hard), optional: 1 };
}

function groupBytes(groups: readonly number[]): Uint8Array {
  return new Uint8Array(new Uint32Array(groups).buffer);
}
