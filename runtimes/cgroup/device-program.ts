import { DENY_ALL, type DeviceRule } from './device-rules.ts';

/** Of linux/bpf.h: BPF_DEVCG_DEV_*, BPF_DEVCG_ACC_*. */
const TYPE_BITS: Readonly<Record<string, number>> = { b: 1, c: 2, u: 2 };
const ACCESS_BITS: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
const ALL_ACCESS = 7;

/** What each register holds; 1 is the context until everything is loaded from it. */
const R = { verdict: 0, scratch: 1, type: 2, access: 3, major: 4, minor: 5 } as const;

/**
 * The rules of device-rules.ts as an eBPF program for a v2 cgroup (BPF_PROG_TYPE_CGROUP_DEVICE). The last matching rule
 * decides, as on v1, so they are tested from the last to the first; what matches none is refused. The kernel takes no
 * program with code that cannot be reached, so a rule that matches everything is the end. Context (linux/bpf.h,
 * bpf_cgroup_dev_ctx): u32 access_type = access << 16 | type, u32 major, u32 minor. Pure.
 */
export function deviceProgram(rules: readonly DeviceRule[]): Uint8Array {
  const fromLast = [DENY_ALL, ...rules].reverse();
  const end = fromLast.findIndex((rule) => testsOf(rule).length === 0);
  return new Uint8Array(
    Buffer.concat([
      insn(LOAD_WORD, R.type, 1, 0, 0),
      insn(MOVE_32, R.access, R.type, 0, 0),
      insn(SHIFT_RIGHT_32, R.access, 0, 0, 16),
      insn(AND_32, R.type, 0, 0, 0xffff),
      insn(LOAD_WORD, R.major, 1, 4, 0),
      insn(LOAD_WORD, R.minor, 1, 8, 0),
      ...fromLast.slice(0, end + 1).flatMap(ruleCode),
    ]),
  );
}

const LOAD_WORD = 0x61;
const MOVE_32 = 0xbc;
const MOVE_CONSTANT = 0xb7;
const SHIFT_RIGHT_32 = 0x74;
const AND_32 = 0x54;
const SKIP_UNLESS_EQUAL = 0x55;
const SKIP_IF_EQUAL = 0x15;
const EXIT = 0x95;

/** One comparison: instructions before it, then a jump over the rest of the rule. */
interface Test {
  before: Buffer[];
  jump: (skip: number) => Buffer;
}

/** Falls through to the next rule when this one does not match. */
function ruleCode(rule: DeviceRule): Buffer[] {
  const verdict = [insn(MOVE_CONSTANT, R.verdict, 0, 0, rule.allow ? 1 : 0), insn(EXIT, 0, 0, 0, 0)];
  return testsOf(rule).reduceRight<Buffer[]>(
    (rest, { before, jump }) => [...before, jump(rest.length), ...rest],
    verdict,
  );
}

function testsOf(rule: DeviceRule): Test[] {
  const tests: Test[] = [];
  const same = (register: number, value: number | null | undefined): void => {
    if (typeof value === 'number' && value >= 0)
      tests.push({ before: [], jump: (skip) => insn(SKIP_UNLESS_EQUAL, register, 0, skip, value) });
  };
  same(R.type, TYPE_BITS[rule.type ?? '']);
  same(R.major, rule.major);
  same(R.minor, rule.minor);
  const access = [...(rule.access || 'rwm')].reduce((sum, letter) => sum | (ACCESS_BITS[letter] ?? 0), 0);
  if (access !== ALL_ACCESS) {
    // What is allowed must cover the whole request; what is denied denies any part of it.
    const mask = rule.allow ? ALL_ACCESS & ~access : access;
    const code = rule.allow ? SKIP_UNLESS_EQUAL : SKIP_IF_EQUAL;
    tests.push({
      before: [insn(MOVE_32, R.scratch, R.access, 0, 0), insn(AND_32, R.scratch, 0, 0, mask)],
      jump: (skip) => insn(code, R.scratch, 0, skip, 0),
    });
  }
  return tests;
}

function insn(code: number, dst: number, src: number, offset: number, imm: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(code, 0);
  bytes.writeUInt8((src << 4) | dst, 1);
  bytes.writeInt16LE(offset, 2);
  bytes.writeInt32LE(imm | 0, 4);
  return bytes;
}
