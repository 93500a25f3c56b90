import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { deviceProgram } from '../../../runtimes/cgroup/device-program.ts';
import { DEFAULT_DEVICE_RULES, DENY_ALL, type DeviceRule } from '../../../runtimes/cgroup/device-rules.ts';
import { suite } from '../../suite.ts';

const test = suite('device programs of cgroup v2');

interface Request {
  type: 'b' | 'c';
  major: number;
  minor: number;
  access: string;
}
const TYPE = { b: 1, c: 2 };
const bits = (access: string): number =>
  [...access].reduce((sum, letter) => sum | { m: 1, r: 2, w: 4 }[letter as 'm' | 'r' | 'w'], 0);

/** Runs the instructions this program is made of, on a request; also says which were executed. */
function decide(program: Uint8Array, request: Request, reached = new Set<number>()): number {
  const bytes = Buffer.from(program);
  const context = [(bits(request.access) << 16) | TYPE[request.type], request.major, request.minor];
  const r: number[] = Array.from({ length: 11 }, () => 0);
  for (let at = 0; at * 8 < bytes.length; at++) {
    reached.add(at);
    const code = bytes.readUInt8(at * 8);
    const dst = bytes.readUInt8(at * 8 + 1) & 15;
    const src = bytes.readUInt8(at * 8 + 1) >> 4;
    const offset = bytes.readInt16LE(at * 8 + 2);
    const imm = bytes.readInt32LE(at * 8 + 4);
    if (code === 0x61) r[dst] = context[offset / 4] ?? 0;
    else if (code === 0xbc) r[dst] = r[src] ?? 0;
    else if (code === 0xb7) r[dst] = imm;
    else if (code === 0x74) r[dst] = (r[dst] ?? 0) >>> imm;
    else if (code === 0x54) r[dst] = (r[dst] ?? 0) & imm;
    else if (code === 0x55) at += r[dst] === imm ? 0 : offset;
    else if (code === 0x15) at += r[dst] === imm ? offset : 0;
    else if (code === 0x95) return r[0] ?? 0;
    else throw new Error(`instruction ${code.toString(16)}`);
  }
  throw new Error('it ran off its end');
}

/** The rule book, in words: the last rule that speaks of the request decides; none refuses. */
function expected(rules: readonly DeviceRule[], { type, major, minor, access }: Request): number {
  for (const rule of [...rules].reverse()) {
    const named = (asked: number | null | undefined, is: number): boolean =>
      typeof asked !== 'number' || asked < 0 || asked === is;
    const kind = rule.type !== 'b' && rule.type !== 'c' ? type : rule.type;
    const granted = bits(rule.access || 'rwm');
    const speaks = rule.allow ? (bits(access) & ~granted) === 0 : (bits(access) & granted) !== 0;
    if (kind === type && named(rule.major, major) && named(rule.minor, minor) && speaks)
      return rule.allow ? 1 : 0;
  }
  return 0;
}

const number = fc.option(fc.integer({ min: -1, max: 3 }));
const accesses = fc.constantFrom('r', 'w', 'm', 'rw', 'rm', 'wm', 'rwm');
const rule: fc.Arbitrary<DeviceRule> = fc.record({
  allow: fc.boolean(),
  type: fc.option(fc.constantFrom('a', 'b', 'c')),
  major: number,
  minor: number,
  access: fc.option(accesses),
});
const request: fc.Arbitrary<Request> = fc.record({
  type: fc.constantFrom('b', 'c'),
  major: fc.integer({ min: 0, max: 3 }),
  minor: fc.integer({ min: 0, max: 3 }),
  access: accesses,
});

test('it decides as the rules do', () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 8 }), request, (rules, asked) => {
      assert.is(decide(deviceProgram(rules), asked), expected(rules, asked));
    }),
    { numRuns: 2000 },
  );
});

test('no instruction is out of reach, or the kernel would refuse it', () => {
  const program = deviceProgram([
    { allow: true },
    DENY_ALL,
    ...DEFAULT_DEVICE_RULES,
    { allow: false, type: 'b', major: 8, access: 'w' },
  ]);
  // Jumps are followed both ways, as the verifier does.
  const bytes = Buffer.from(program);
  const reached = new Set<number>();
  const open = [0];
  while (open.length > 0) {
    const at = open.pop() ?? 0;
    if (reached.has(at)) continue;
    assert.ok(at * 8 < bytes.length, 'a jump leaves the program');
    reached.add(at);
    const code = bytes.readUInt8(at * 8);
    if (code === 0x95) continue;
    if (code === 0x55 || code === 0x15) open.push(at + 1 + bytes.readInt16LE(at * 8 + 2));
    open.push(at + 1);
  }
  assert.is(reached.size, bytes.length / 8);
});

test('the defaults: /dev/null may be used, a disk may be named and not opened', () => {
  const program = deviceProgram([DENY_ALL, ...DEFAULT_DEVICE_RULES]);
  const may = (type: 'b' | 'c', major: number, minor: number, access: string): number =>
    decide(program, { type, major, minor, access });
  assert.equal([may('c', 1, 3, 'rw'), may('c', 136, 7, 'rw'), may('b', 254, 0, 'm')], [1, 1, 1]);
  assert.equal([may('b', 254, 0, 'r'), may('b', 254, 0, 'rm'), may('c', 10, 229, 'rw')], [0, 0, 0]);
});

test.run();
