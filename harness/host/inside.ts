import { createHash } from 'node:crypto';
import * as z from 'zod';
import { BenchError } from '../../results/bench-error.ts';
import type { Inside } from '../../results/record/trial.ts';
import type { ClockReading } from './clock-check.ts';
import { INSIDE_SCRIPT } from './inside-script.ts';
import { virtualizationOf } from './virtualization.ts';

/** The part of an instance that is needed here. */
export interface InspectableBox {
  exec(
    argv: string[],
    options?: { timeoutMs?: number },
  ): Promise<{ exitCode: number | null; stdout: string; stderr: string; timedOut: boolean }>;
}

/** An emulated guest under load answers in a second; beyond this it hangs. */
const INSPECT_LIMIT_MS = 60_000;

/** v1 writes 'no limit' as the largest multiple of a page below 2⁶³; anything this large is none. */
const NO_LIMIT_BYTES = 2 ** 60;

const digits = z.string().regex(/^\d+$/).transform(Number);
const answerSchema = z.strictObject({
  nproc: digits,
  memTotalKiB: digits,
  cpuModel: z.string(),
  cpuFlags: z.string(),
  clocksource: z.string(),
  clocksources: z.string(),
  vendor: z.string(),
  product: z.string(),
  hypervisor: z.string(),
  detected: z.string(),
  kernel: z.string().min(1),
  memoryLimit: z.string().regex(/^(\d+|max)?$/),
});

/** Runs the script inside and reads its answer; throws BenchError `inspect-failed` with its words when it has none. */
export async function inspectInside(box: InspectableBox, tools: readonly string[]): Promise<Inside> {
  const argv = ['sh', '-c', INSIDE_SCRIPT, 'tare-inside', ...tools];
  const result = await box.exec(argv, { timeoutMs: INSPECT_LIMIT_MS });
  if (result.exitCode !== 0 || result.timedOut)
    throw new BenchError(
      'inspect-failed',
      `the box could not be inspected (${result.timedOut ? 'no answer in time' : `exit ${result.exitCode}`}): ${result.stderr.trim()}`,
      { hint: 'the image needs sh, nproc and sha256sum' },
    );
  return parseInside(result.stdout, tools);
}

/** The script's answer → Inside. Strict: a key too many, too few, or a line of something else is an error. */
export function parseInside(text: string, tools: readonly string[]): Inside {
  const fields: Record<string, string> = {};
  const hashes: Record<string, string> = {};
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, key, value] = /^([A-Za-z0-9]+)=(.*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined) throw unreadable(`a line that is none: '${line}'`);
    if (key === 'tool') {
      const [tool, hash] = value.split(' ');
      if (hash === 'missing')
        throw new BenchError('tool-missing', `there is no ${tool} inside the box`, {
          hint: 'the image lacks its package; rebuild it with `bench setup`',
        });
      if (!tool || !/^[0-9a-f]{64}$/.test(hash ?? '')) throw unreadable(`no hash in '${line}'`);
      hashes[tool] = hash!;
    } else if (key in fields) throw unreadable(`'${key}' twice`);
    else fields[key] = value;
  }
  if (fields['end'] === undefined) throw unreadable('it was cut off');
  delete fields['end'];
  const unhashed = tools.find((tool) => !(tool in hashes));
  if (unhashed !== undefined) throw unreadable(`no hash of ${unhashed}`);
  const parsed = answerSchema.safeParse(fields);
  if (!parsed.success) throw unreadable(z.prettifyError(parsed.error));
  return toInside(parsed.data, hashes);
}

function toInside(answer: z.infer<typeof answerSchema>, tools: Record<string, string>): Inside {
  const flags = answer.cpuFlags
    .split(/\s+/)
    .filter((flag) => flag !== '')
    .sort();
  const limit =
    answer.memoryLimit === '' || answer.memoryLimit === 'max' ? Infinity : Number(answer.memoryLimit);
  return {
    nproc: answer.nproc,
    memTotalMiB: answer.memTotalKiB / 1024,
    cpuModel: answer.cpuModel || 'unknown',
    cpuFlagsHash: createHash('sha256').update(flags.join('\n')).digest('hex'),
    cpuFlagCount: flags.length,
    clocksource: answer.clocksource || 'unknown',
    virtualization: virtualizationOf({ ...answer, flags }),
    kernel: answer.kernel,
    memoryLimitMiB: limit < NO_LIMIT_BYTES ? limit / 1024 ** 2 : null,
    tools,
  };
}

function unreadable(why: string): BenchError {
  return new BenchError('inspect-failed', `the box answered with something else than it was asked: ${why}`);
}

/** One look at the clock inside: a single small program, so that the stamps lie close around it. */
export async function readInsideClock(
  box: InspectableBox,
  now: () => bigint = () => process.hrtime.bigint(),
): Promise<ClockReading> {
  const beforeNs = now();
  const result = await box.exec(['date', '+%s%N'], { timeoutMs: INSPECT_LIMIT_MS });
  const afterNs = now();
  const text = result.stdout.trim();
  if (result.exitCode !== 0 || result.timedOut || !/^\d{19}$/.test(text))
    throw new BenchError(
      'inspect-failed',
      `the clock inside could not be read: '${text}' ${result.stderr.trim()}`,
      {
        hint: 'the image needs date of coreutils',
      },
    );
  return { beforeNs, insideNs: BigInt(text), afterNs };
}
