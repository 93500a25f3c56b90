/** One classic BPF instruction (struct sock_filter). */
export interface Instruction {
  code: number;
  jt: number;
  jf: number;
  k: number;
}

/** Opcodes of linux/bpf_common.h that a seccomp filter uses. */
export const BPF = {
  /** Load the 32-bit word at an offset of struct seccomp_data. */
  LOAD: 0x20,
  AND: 0x54,
  JUMP: 0x05,
  JEQ: 0x15,
  JGT: 0x25,
  JGE: 0x35,
  RETURN: 0x06,
} as const;

/** Offsets in struct seccomp_data (little-endian machines). */
export const DATA = {
  NR: 0,
  ARCH: 4,
  argLow: (index: number): number => 16 + 8 * index,
  argHigh: (index: number): number => 20 + 8 * index,
} as const;

export function load(offset: number): Instruction {
  return { code: BPF.LOAD, jt: 0, jf: 0, k: offset };
}

export function ret(value: number): Instruction {
  return { code: BPF.RETURN, jt: 0, jf: 0, k: value >>> 0 };
}

export function jump(code: number, k: number, jt: number, jf: number): Instruction {
  return { code, jt, jf, k: k >>> 0 };
}

/** The program as the kernel takes it. */
export function assemble(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach((each, index) => {
    bytes.writeUInt16LE(each.code, index * 8);
    bytes.writeUInt8(each.jt, index * 8 + 2);
    bytes.writeUInt8(each.jf, index * 8 + 3);
    bytes.writeUInt32LE(each.k, index * 8 + 4);
  });
  return new Uint8Array(bytes);
}

/**
 * Runs a program as the kernel would: for tests, against the rules it was made from.
 * `data` is (nr, arch, args).
 */
export function evaluate(
  bytes: Uint8Array,
  data: { nr: number; arch: number; args: readonly bigint[] },
): { value: number; steps: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (offset: number): number => {
    if (offset === DATA.NR) return data.nr >>> 0;
    if (offset === DATA.ARCH) return data.arch >>> 0;
    const value = data.args[(offset - 16) >> 3] ?? 0n;
    return Number(((offset - 16) & 4 ? value >> 32n : value) & 0xffffffffn);
  };
  let accumulator = 0;
  for (let at = 0, steps = 1; ; at++, steps++) {
    const code = view.getUint16(at * 8, true);
    const k = view.getUint32(at * 8 + 4, true);
    const branch = (taken: boolean): number => view.getUint8(at * 8 + (taken ? 2 : 3));
    if (code === BPF.RETURN) return { value: k, steps };
    else if (code === BPF.LOAD) accumulator = word(k);
    else if (code === BPF.AND) accumulator = (accumulator & k) >>> 0;
    else if (code === BPF.JUMP) at += k;
    else if (code === BPF.JEQ) at += branch(accumulator === k);
    else if (code === BPF.JGT) at += branch(accumulator > k);
    else if (code === BPF.JGE) at += branch(accumulator >= k);
    else throw new RangeError(`no such instruction: 0x${code.toString(16)}`);
  }
}
