import fc from 'fast-check';
import { BenchError } from '../../results/bench-error.ts';
import type { ToolOutput } from '../../workloads/tool-output.ts';

/** Nothing, words, numbers that are none, and the lines of real reports: what a broken tool may print anywhere. */
const debris = fc.oneof(
  fc.string(),
  fc.constantFrom(
    'nan',
    '-nan',
    'inf',
    '1e999',
    '-1',
    '0',
    '0.00',
    '{',
    '}',
    '"error": "x"',
    '\n',
    ',',
    'FATAL: no',
  ),
  fc.integer().map(String),
  fc.double().map(String),
);

/** Real outputs, hurt: cut off, with a stretch replaced by debris, or with another exit; and pure debris. */
export function hurt(real: readonly ToolOutput[]): fc.Arbitrary<ToolOutput> {
  const wounded = fc
    .record({
      base: fc.constantFrom(...real),
      from: fc.nat(20_000),
      length: fc.nat(60),
      piece: debris,
      cut: fc.boolean(),
      exitCode: fc.constantFrom(0, 0, 0, 1, 2, 127, null),
      stderr: fc.constantFrom('', '', '', 'something', 'FATAL: it broke'),
    })
    .map(({ base, from, length, piece, cut, exitCode, stderr }): ToolOutput => {
      const at = base.stdout.length === 0 ? 0 : from % base.stdout.length;
      const rest = cut ? '' : base.stdout.slice(at + length);
      return { ...base, stdout: base.stdout.slice(0, at) + piece + rest, exitCode, stderr, timedOut: false };
    });
  const rubbish = debris.map((stdout): ToolOutput => ({
    stdout,
    stderr: '',
    exitCode: 0,
    signal: null,
    timedOut: false,
  }));
  return fc.oneof({ weight: 5, arbitrary: wounded }, { weight: 1, arbitrary: rubbish });
}

/** True when the parser either refused in our words, or gave a value of finite numbers (and declared nulls) only. */
export function soundOrRefused(parse: () => object): boolean {
  let value: object;
  try {
    value = parse();
  } catch (error) {
    return error instanceof BenchError;
  }
  return Object.values(value).every(
    (part) => part === null || (typeof part === 'number' && Number.isFinite(part)),
  );
}
