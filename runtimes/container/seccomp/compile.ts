import { BenchError } from '../../../results/bench-error.ts';
import type { SeccompProgram } from '../plan/process-ops.ts';
import type { OciSeccomp } from '../spec/oci-spec.ts';
import { assemble, BPF, DATA, jump, load, ret, type Instruction } from './bpf.ts';
import numbers from './syscall-numbers.json' with { type: 'json' };

/** Machines whose call numbers we know, by Node's name, with their audit architecture (linux/audit.h). */
const MACHINES = {
  x64: { audit: 0xc000003e, table: numbers.x86_64 as Record<string, number> },
  arm64: { audit: 0xc00000b7, table: numbers.aarch64 as Record<string, number> },
} as const;
export type Machine = keyof typeof MACHINES;

const ENOSYS = 38;
const EPERM = 1;
/** Numbers from here on are the x32 calls of x86-64: another table, refused as unknown. */
const HIGHEST = 0x1_0000_0000;
/** A conditional jump reaches this far; farther ones go by an unconditional one. */
const REACH = 255;

type Condition = { index: number; op: string; value: bigint; two: bigint };
interface Rule {
  action: number;
  conditions: Condition[];
}
/** A run of call numbers with the same fate: one action, or rules to be tried in order. */
interface Range {
  from: number;
  rules: readonly Rule[];
  otherwise: number;
}

const cache = new WeakMap<OciSeccomp, SeccompProgram>();

/**
 * An OCI seccomp profile as a filter: the native architecture first, then a balanced tree over call numbers, so that a
 * call costs about log2(ranges) comparisons instead of a walk over the whole list. Other architectures (32-bit programs,
 * x32) fail with ENOSYS. Names this machine does not have are skipped, as the specification asks. Cached per profile.
 *
 * @throws BenchError `seccomp-profile` for an unknown action, operator or machine.
 */
export function compileSeccomp(profile: OciSeccomp, machine: string = process.arch): SeccompProgram {
  const cached = cache.get(profile);
  if (cached) return cached;
  if (!(machine in MACHINES))
    throw new BenchError('seccomp-profile', `no seccomp tables for the machine ${machine}`, {
      hint: 'run with --security-opt seccomp=unconfined',
    });
  const { audit, table } = MACHINES[machine as Machine];
  const ranges = toRanges(profile, table);
  const program = [
    load(DATA.ARCH),
    jump(BPF.JEQ, audit, 1, 0),
    ret(errnoAction(ENOSYS)),
    load(DATA.NR),
    ...tree(ranges),
  ];
  const compiled = { program: assemble(program), flags: filterFlags(profile.flags ?? []) };
  cache.set(profile, compiled);
  return compiled;
}

function toRanges(profile: OciSeccomp, table: Record<string, number>): Range[] {
  const otherwise = actionOf(profile.defaultAction, profile.defaultErrnoRet);
  const rules = new Map<number, Rule[]>();
  for (const entry of profile.syscalls ?? []) {
    const action = actionOf(entry.action, entry.errnoRet);
    // A rule that says what happens anyway only costs; but it may stand before a later, wider rule.
    for (const name of entry.names) {
      const number = table[name];
      if (number === undefined) continue;
      const list = rules.get(number) ?? [];
      rules.set(number, list);
      list.push(...alternatives(entry.args ?? []).map((conditions) => ({ action, conditions })));
    }
  }
  // What is newer than our tables must look absent, so that programs fall back (an errno default would look forbidden).
  const last = Math.max(...Object.values(table));
  const unknown = (otherwise & 0xffff0000) === 0x50000 ? errnoAction(ENOSYS) : otherwise;
  const ranges: Range[] = [];
  for (let number = 0; number <= last + 1; number++) {
    const fate: Omit<Range, 'from'> =
      number > last ? { rules: [], otherwise: unknown } : simplify(rules.get(number) ?? [], otherwise);
    const before = ranges.at(-1);
    if (before?.rules.length === 0 && fate.rules.length === 0 && before.otherwise === fate.otherwise)
      continue;
    ranges.push({ from: number, ...fate });
  }
  return ranges;
}

/** Rules up to the first without conditions, which decides. */
function simplify(rules: readonly Rule[], otherwise: number): Omit<Range, 'from'> {
  const decisive = rules.findIndex((rule) => rule.conditions.length === 0);
  if (decisive < 0) return { rules, otherwise };
  return { rules: rules.slice(0, decisive), otherwise: rules[decisive]?.action ?? otherwise };
}

/** Conditions on different arguments hold together; several on the same argument are alternatives (as in runc). */
function alternatives(
  args: readonly { index: number; value: number; valueTwo?: number | null; op: string }[],
): Condition[][] {
  const conditions = args.map((arg) => ({
    index: arg.index,
    op: arg.op,
    value: BigInt(arg.value),
    two: BigInt(arg.valueTwo ?? 0),
  }));
  const repeated = new Set(args.map((arg) => arg.index)).size < args.length;
  return repeated ? conditions.map((each) => [each]) : [conditions];
}

/** A balanced decision tree; `ranges` is sorted and covers everything from its first number on. */
function tree(ranges: readonly Range[]): Instruction[] {
  const [only] = ranges;
  if (ranges.length <= 1) return only ? leaf(only) : [];
  const middle = ranges.length >> 1;
  const pivot = ranges[middle]?.from ?? HIGHEST;
  const left = tree(ranges.slice(0, middle));
  const right = tree(ranges.slice(middle));
  return left.length <= REACH
    ? [jump(BPF.JGE, pivot, left.length, 0), ...left, ...right]
    : [jump(BPF.JGE, pivot, 0, 1), jump(BPF.JUMP, left.length, 0, 0), ...left, ...right];
}

function leaf(range: Range): Instruction[] {
  return [...range.rules.flatMap((rule) => ruleCode(rule)), ret(range.otherwise)];
}

/** Every condition in turn; the first that fails skips to the end of the rule. */
function ruleCode(rule: Rule): Instruction[] {
  let code: Instruction[] = [ret(rule.action)];
  for (const condition of [...rule.conditions].reverse()) {
    code = [...conditionCode(condition, code.length), ...code];
    if (code.length > REACH)
      throw new BenchError('seccomp-profile', 'a seccomp rule has too many conditions');
  }
  return code;
}

/** Tests a 64-bit argument; falls through when it holds, jumps `skip` instructions further when not. */
function conditionCode(condition: Condition, skip: number): Instruction[] {
  const { index, op } = condition;
  const high = Number((condition.value >> 32n) & 0xffffffffn);
  const low = Number(condition.value & 0xffffffffn);
  const highWord = load(DATA.argHigh(index));
  const lowWord = load(DATA.argLow(index));
  switch (op) {
    case 'SCMP_CMP_EQ':
      return [highWord, jump(BPF.JEQ, high, 0, skip + 2), lowWord, jump(BPF.JEQ, low, 0, skip)];
    case 'SCMP_CMP_NE':
      return [highWord, jump(BPF.JEQ, high, 0, 2), lowWord, jump(BPF.JEQ, low, skip, 0)];
    case 'SCMP_CMP_GT':
      return ordered(highWord, lowWord, high, jump(BPF.JGT, low, 0, skip), skip, true);
    case 'SCMP_CMP_GE':
      return ordered(highWord, lowWord, high, jump(BPF.JGE, low, 0, skip), skip, true);
    case 'SCMP_CMP_LT':
      return ordered(highWord, lowWord, high, jump(BPF.JGE, low, skip, 0), skip, false);
    case 'SCMP_CMP_LE':
      return ordered(highWord, lowWord, high, jump(BPF.JGT, low, skip, 0), skip, false);
    case 'SCMP_CMP_MASKED_EQ': {
      const wantedHigh = Number((condition.two >> 32n) & 0xffffffffn);
      const wantedLow = Number(condition.two & 0xffffffffn);
      return [
        highWord,
        jump(BPF.AND, high, 0, 0),
        jump(BPF.JEQ, wantedHigh, 0, skip + 3),
        lowWord,
        jump(BPF.AND, low, 0, 0),
        jump(BPF.JEQ, wantedLow, 0, skip),
      ];
    }
    default:
      throw new BenchError('seccomp-profile', `unknown seccomp operator ${op}`);
  }
}

/** Comparison by words: a larger or smaller high word decides; an equal one leaves it to the low word. */
function ordered(
  highWord: Instruction,
  lowWord: Instruction,
  high: number,
  decide: Instruction,
  skip: number,
  greater: boolean,
): Instruction[] {
  return [
    highWord,
    // Larger: holds when asking for greater (past the other three), fails when asking for less.
    jump(BPF.JGT, high, greater ? 3 : skip + 3, 0),
    jump(BPF.JEQ, high, 0, greater ? skip + 2 : 2),
    lowWord,
    decide,
  ];
}

function errnoAction(errno: number): number {
  return 0x50000 | (errno & 0xffff);
}

function actionOf(action: string, errno: number | null | undefined): number {
  switch (action) {
    case 'SCMP_ACT_ALLOW':
      return 0x7fff0000;
    case 'SCMP_ACT_LOG':
      return 0x7ffc0000;
    case 'SCMP_ACT_ERRNO':
      return errnoAction(errno ?? EPERM);
    case 'SCMP_ACT_TRACE':
      return 0x7ff00000 | ((errno ?? EPERM) & 0xffff);
    case 'SCMP_ACT_TRAP':
      return 0x30000;
    case 'SCMP_ACT_KILL':
    case 'SCMP_ACT_KILL_THREAD':
      return 0;
    case 'SCMP_ACT_KILL_PROCESS':
      return 0x80000000;
    default:
      throw new BenchError('seccomp-profile', `unknown seccomp action ${action}`, {
        hint: 'SCMP_ACT_NOTIFY needs an agent, which this runtime does not run',
      });
  }
}

const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 32,
};

function filterFlags(names: readonly string[]): number {
  return names.reduce((sum, name) => {
    const flag = FLAGS[name];
    if (flag === undefined) throw new BenchError('seccomp-profile', `unknown seccomp flag ${name}`);
    return sum | flag;
  }, 0);
}
