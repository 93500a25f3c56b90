import * as z from 'zod';
import { EARLY_END_TOLERANCE } from '../defaults.ts';
import { notAMeasurement, refuseBadExit, type ToolOutput } from '../tool-output.ts';

const sum = z.object({
  seconds: z.number(),
  bytes: z.number().min(0),
  bits_per_second: z.number().min(0),
  retransmits: z.number().min(0).optional(),
  jitter_ms: z.number().min(0).optional(),
  lost_percent: z.number().optional(),
  packets: z.number().optional(),
});
type Sum = z.infer<typeof sum>;

/** The part of iperf3 3.12's `-J` that is read. Other keys come and go between versions. */
const documentSchema = z.object({
  start: z.object({
    test_start: z.object({
      protocol: z.string(),
      num_streams: z.number(),
      duration: z.number(),
      omit: z.number(),
      reverse: z.number(),
    }),
  }),
  end: z.object({
    sum_sent: sum,
    sum_received: sum,
    sum_sent_bidir_reverse: sum.optional(),
    sum_received_bidir_reverse: sum.optional(),
  }),
});

/** What was asked; the answer must be about that. */
export interface Iperf3Asked {
  seconds: number;
  omitSeconds: number;
  streams: number;
  protocol: 'tcp' | 'udp';
  direction: 'send' | 'receive' | 'both';
}

/** All throughput is what the receiver counted, in Mbit/s = 10⁶ bit/s. */
export interface Iperf3Report {
  mbitPerSecond: number;
  /** Only with direction `both`. */
  sendMbitPerSecond: number | null;
  receiveMbitPerSecond: number | null;
  /** TCP only; null where the sender did not say. */
  retransmits: number | null;
  /** UDP only. */
  jitterMs: number | null;
  lostPercent: number | null;
  /** Timed part and what was left out before it. */
  insideSeconds: number;
}

/**
 * Reads `iperf3 -J`. Its exit code is 0 when it was refused or the server was busy (the `error` key says so), and on a
 * wrong option it prints its usage instead of JSON: both are failures with its own words.
 * @throws BenchError tool-failed | tool-timed-out | tool-output | no-events | ended-early
 */
export function parseIperf3(output: ToolOutput, asked: Iperf3Asked): Iperf3Report {
  const told = readJson(output.stdout);
  const said = z.object({ error: z.string() }).safeParse(told);
  if (said.success)
    throw notAMeasurement('tool-failed', 'iperf3', 'failed', { stdout: '', stderr: said.data.error });
  refuseBadExit('iperf3', output);
  const parsed = documentSchema.safeParse(told);
  if (!parsed.success) throw notAMeasurement('tool-output', 'iperf3', 'printed no report', output);
  const { start, end } = parsed.data;
  refuseOtherTest(start.test_start, asked, output);

  const forth = received(end.sum_received, asked, output);
  if (asked.direction !== 'both') return { ...report(end.sum_sent, end.sum_received, asked), ...forth };
  const { sum_sent_bidir_reverse: backSent, sum_received_bidir_reverse: backReceived } = end;
  if (!backSent || !backReceived)
    throw notAMeasurement('tool-output', 'iperf3', 'reported one direction of two', output);
  const back = received(backReceived, asked, output);
  const there = report(end.sum_sent, end.sum_received, asked);
  const here = report(backSent, backReceived, asked);
  return {
    mbitPerSecond: forth.mbitPerSecond + back.mbitPerSecond,
    sendMbitPerSecond: forth.mbitPerSecond,
    receiveMbitPerSecond: back.mbitPerSecond,
    retransmits: added(there.retransmits, here.retransmits),
    jitterMs: larger(there.jitterMs, here.jitterMs),
    lostPercent: larger(there.lostPercent, here.lostPercent),
    insideSeconds: there.insideSeconds,
  };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // usage, or nothing: refused by the caller in the tool's own words
  }
}

function refuseOtherTest(
  ran: { protocol: string; num_streams: number; duration: number; omit: number; reverse: number },
  asked: Iperf3Asked,
  output: ToolOutput,
): void {
  const same =
    ran.protocol.toLowerCase() === asked.protocol &&
    ran.num_streams === asked.streams &&
    ran.duration === asked.seconds &&
    ran.omit === asked.omitSeconds &&
    (ran.reverse === 1) === (asked.direction === 'receive');
  if (!same)
    throw notAMeasurement(
      'tool-output',
      'iperf3',
      `ran another test than asked (${JSON.stringify(ran)})`,
      output,
    );
}

function received(side: Sum, asked: Iperf3Asked, output: ToolOutput): { mbitPerSecond: number } {
  if (side.bytes === 0 || side.bits_per_second === 0)
    throw notAMeasurement('no-events', 'iperf3', 'transferred nothing', output);
  if (side.seconds < asked.seconds * (1 - EARLY_END_TOLERANCE))
    throw notAMeasurement(
      'ended-early',
      'iperf3',
      `ran ${side.seconds} s of ${asked.seconds} s asked`,
      output,
    );
  return { mbitPerSecond: side.bits_per_second / 1e6 };
}

function report(sent: Sum, got: Sum, asked: Iperf3Asked): Omit<Iperf3Report, 'mbitPerSecond'> {
  const udp = asked.protocol === 'udp';
  return {
    sendMbitPerSecond: null,
    receiveMbitPerSecond: null,
    retransmits: udp ? null : (sent.retransmits ?? null),
    jitterMs: udp ? (got.jitter_ms ?? null) : null,
    lostPercent: udp ? (got.lost_percent ?? null) : null,
    insideSeconds: sent.seconds + asked.omitSeconds,
  };
}

function added(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

function larger(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}
