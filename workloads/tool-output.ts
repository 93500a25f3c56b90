import { BenchError } from '../results/bench-error.ts';
import type { BoxResult } from './contract.ts';

/** What a finished tool left: all that a parser may look at. */
export type ToolOutput = Pick<BoxResult, 'exitCode' | 'signal' | 'stdout' | 'stderr' | 'timedOut'>;

/** Lines of a tool's output quoted in an error; the whole of it is in the trial's log. */
const QUOTED_LINES = 4;
const QUOTED_CHARS = 400;
const complaint = /fatal|error|fail|invalid|unknown|unrecognized|warning|refused|cannot|unable|not found/i;

/** The lines in which a tool says what is wrong: the complaining ones, else its last ones. */
export function ownWords(output: Pick<ToolOutput, 'stdout' | 'stderr'>): string {
  const lines = `${output.stderr}\n${output.stdout}`.split('\n').map((line) => line.trim());
  const spoken = [...new Set(lines.filter((line) => line !== ''))];
  const complaints = spoken.filter((line) => complaint.test(line));
  const chosen = complaints.length > 0 ? complaints.slice(0, QUOTED_LINES) : spoken.slice(-QUOTED_LINES);
  const quoted = chosen.join(' / ');
  return quoted.length > QUOTED_CHARS ? `${quoted.slice(0, QUOTED_CHARS)}…` : quoted || 'it said nothing';
}

/** Everything a tool said, for the trial's log. */
export function rawWords(output: Pick<ToolOutput, 'stdout' | 'stderr'>): string {
  return output.stderr.trim() === '' ? output.stdout : `${output.stdout}\n--- stderr\n${output.stderr}`;
}

/** The error of a run that is not a measurement; its message ends with the tool's own words. */
export function notAMeasurement(
  code: 'tool-failed' | 'tool-timed-out' | 'tool-output' | 'no-events' | 'ended-early',
  tool: string,
  why: string,
  output: Pick<ToolOutput, 'stdout' | 'stderr'>,
  hint?: string,
): BenchError {
  return new BenchError(code, `${tool} ${why}: ${ownWords(output)}`, hint === undefined ? {} : { hint });
}

/** Rejects what ended badly by its exit. Good exits still prove nothing: see each parser. */
export function refuseBadExit(tool: string, output: ToolOutput): void {
  if (output.timedOut)
    throw notAMeasurement(
      'tool-timed-out',
      tool,
      'did not end in time',
      output,
      'raise policy.trialTimeoutS or shorten the workload',
    );
  if (output.exitCode === 0) return;
  const missing = output.exitCode === 127;
  const how = output.signal ? `was ended by ${output.signal}` : `ended with exit code ${output.exitCode}`;
  throw notAMeasurement('tool-failed', tool, how, output, missing ? `is ${tool} in the image?` : undefined);
}

/**
 * The number after the only match of `pattern` (one capture group). Zero or two matches mean that the output is not
 * what the parser was written for, so nothing in it can be trusted.
 */
export function onlyNumber(tool: string, what: string, pattern: RegExp, output: ToolOutput): number {
  const matches = [...output.stdout.matchAll(new RegExp(pattern.source, 'gm'))];
  const value = Number(matches[0]?.[1]);
  if (matches.length !== 1 || matches[0]?.[1] === undefined || !Number.isFinite(value))
    throw notAMeasurement('tool-output', tool, `printed no single readable ${what}`, output);
  return value;
}
