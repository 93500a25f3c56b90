import type { LimitWrite } from './limits.ts';

/** One rule about devices, as OCI writes them; absent numbers mean any, an absent type means both kinds. */
export interface DeviceRule {
  allow: boolean;
  type?: string | null;
  major?: number | null;
  minor?: number | null;
  /** Of r, w, m (make a node). */
  access?: string | null;
}

/** What every container may use whatever else is said: nodes may be made, and the harmless ones and terminals opened. */
export const DEFAULT_DEVICE_RULES: readonly DeviceRule[] = [
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...(
    [
      [1, 3],
      [1, 5],
      [1, 7],
      [1, 8],
      [1, 9],
      [5, 0],
      [5, 1],
      [5, 2],
    ] as const
  ).map(([major, minor]) => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 136, access: 'rwm' },
];

export const DENY_ALL: DeviceRule = { allow: false, type: 'a', access: 'rwm' };

/** Rules as writes to the v1 devices controller, in order. */
export function deviceWrites(rules: readonly DeviceRule[]): LimitWrite[] {
  return rules.flatMap((rule): LimitWrite[] => {
    const file = rule.allow ? 'devices.allow' : 'devices.deny';
    const part = (value: number | null | undefined): string =>
      value === null || value === undefined || value < 0 ? '*' : String(value);
    const write = (value: string): LimitWrite => ({ controller: 'devices', file, value, optional: false });
    const numbers = `${part(rule.major)}:${part(rule.minor)} ${rule.access || 'rwm'}`;
    const any = rule.type === null || rule.type === undefined || rule.type === 'a' || rule.type === '';
    if (any && numbers === '*:* rwm') return [write('a')];
    return any ? [write(`c ${numbers}`), write(`b ${numbers}`)] : [write(`${rule.type} ${numbers}`)];
  });
}

const TYPE_BITS: Readonly<Record<string, number>> = { b: 1, c: 2, u: 2 };
const ACCESS_BITS: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };

/**
 * The same rules as an eBPF program for a v2 cgroup (BPF_PROG_TYPE_CGROUP_DEVICE). The last matching rule decides, as on
 * v1, so they are tested from the last to the first; what matches none is refused. Context (linux/bpf.h,
 * bpf_cgroup_dev_ctx): u32 access_type = access << 16 | type, u32 major, u32 minor.
 */
export function deviceProgram(rules: readonly DeviceRule[]): Uint8Array {
  const code: Buffer[] = [
    insn(0x61, 2, 1, 0, 0), // r2 = access_type
    insn(0xbc, 3, 2, 0, 0), // r3 = r2 (32 bits)
    insn(0x74, 3, 0, 0, 16), // r3 >>= 16: access
    insn(0x54, 2, 0, 0, 0xffff), // r2 &= 0xffff: type
    insn(0x61, 4, 1, 4, 0), // r4 = major
    insn(0x61, 5, 1, 8, 0), // r5 = minor
  ];
  for (const rule of [...rules].reverse()) code.push(...ruleCode(rule));
  code.push(insn(0xb7, 0, 0, 0, 0), insn(0x95, 0, 0, 0, 0));
  return new Uint8Array(Buffer.concat(code));
}

/** Falls through to the next rule when this one does not match. */
function ruleCode(rule: DeviceRule): Buffer[] {
  const tests: ((skip: number) => Buffer)[] = [];
  const type = TYPE_BITS[rule.type ?? ''];
  if (type !== undefined) tests.push((skip) => insn(0x55, 2, 0, skip, type)); // if r2 != type skip
  const access = [...(rule.access || 'rwm')].reduce((sum, letter) => sum | (ACCESS_BITS[letter] ?? 0), 0);
  const before: Buffer[] = [];
  if (access !== 7) {
    // The request must ask for nothing beyond the rule: (access & ~rule) == 0.
    before.push(insn(0xbc, 1, 3, 0, 0), insn(0x54, 1, 0, 0, 7 & ~access));
    tests.push((skip) => insn(0x55, 1, 0, skip, 0));
  }
  if (typeof rule.major === 'number' && rule.major >= 0)
    tests.push((skip) => insn(0x55, 4, 0, skip, rule.major ?? 0));
  if (typeof rule.minor === 'number' && rule.minor >= 0)
    tests.push((skip) => insn(0x55, 5, 0, skip, rule.minor ?? 0));
  const verdict = [insn(0xb7, 0, 0, 0, rule.allow ? 1 : 0), insn(0x95, 0, 0, 0, 0)];
  return [
    ...before,
    ...tests.map((test, index) => test(tests.length - 1 - index + verdict.length)),
    ...verdict,
  ];
}

function insn(code: number, dst: number, src: number, offset: number, imm: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(code, 0);
  bytes.writeUInt8((src << 4) | dst, 1);
  bytes.writeInt16LE(offset, 2);
  bytes.writeInt32LE(imm | 0, 4);
  return bytes;
}
