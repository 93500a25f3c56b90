import type { Policy } from '../../results/record/plan.ts';
import type { ClockCheck, Disturbance, Inside } from '../../results/record/trial.ts';
import { MEMORY_PARITY_TOLERANCE, TICK_MS } from './defaults.ts';

/** One fact by arm, and whether the arms agree on it. */
export interface ParityFact {
  what: string;
  values: Record<string, string>;
  matches: boolean;
  /**
   * True for what the arms were given and must share; false for what follows from the kind of box (a VM has its own
   * kernel, clock and hypervisor), which is shown and never refused.
   */
  given: boolean;
}

/** The rules that void a round. Those that older plans do not state are not applied to their trials. */
export type DisturbancePolicy = Pick<
  Policy,
  'maxStealShare' | 'maxForeignCpuShare' | 'maxRunQueue' | 'maxThermalEvents' | 'maxThrottledShare'
>;

/**
 * Why a trial is void under the policy that was fixed in the plan; empty when it is not. Never looks at the measured value.
 * The kernel counts in ticks, so one tick per measured CPU is forgiven: in a short window it is within rounding.
 *
 * @param cpus how many CPUs were measured; their wall time together is what the shares are of
 */
export function invalidReasons(disturbance: Disturbance, policy: DisturbancePolicy, cpus = 1): string[] {
  const wallMs = disturbance.windowMs * cpus;
  if (!(wallMs > 0)) return ['the timed window has no length'];
  const reasons: string[] = [];
  const judge = (ms: number, limit: number, what: string) => {
    const share = Math.max(0, ms - TICK_MS * cpus) / wallMs;
    if (share > limit)
      reasons.push(
        `${what} took ${Math.round(ms)} ms of ${Math.round(wallMs)} ms on the measured CPUs (limit ${percent(limit)})`,
      );
  };
  judge(disturbance.stealMs, policy.maxStealShare, 'another guest of the same host (steal)');
  judge(disturbance.foreignMs, policy.maxForeignCpuShare, 'work that was not the instance');
  const { maxRunQueue = Infinity, maxThermalEvents = Infinity, maxThrottledShare = Infinity } = policy;
  const { runQueuePerCpu, thermalEvents, runThrottledMs } = disturbance;
  if ((runQueuePerCpu ?? 0) > maxRunQueue)
    reasons.push(
      `others had ${runQueuePerCpu} tasks per CPU ready to run, before and after the window (limit ${maxRunQueue})`,
    );
  if ((thermalEvents ?? 0) > maxThermalEvents)
    reasons.push(`the measured CPUs were slowed for heat ${thermalEvents} times (limit ${maxThermalEvents})`);
  // The wall time, not that of all CPUs: a quota stops a group on all of them at once.
  const stopped = (runThrottledMs ?? 0) / disturbance.windowMs;
  if (stopped > maxThrottledShare)
    reasons.push(
      `a CPU quota around the run, not of the matrix, stopped it for ${Math.round(runThrottledMs ?? 0)} ms of ${Math.round(disturbance.windowMs)} ms (limit ${percent(maxThrottledShare)})`,
    );
  return reasons;
}

/** Why the trial fails by its clock, in words; null when the clocks agree within the policy. */
export function clockFailure(check: ClockCheck, policy: Pick<Policy, 'maxClockDrift'>): string | null {
  if (Math.abs(check.drift) <= policy.maxClockDrift) return null;
  const way = check.insideMs < check.hostMs ? 'behind' : 'ahead of';
  return (
    `the clock inside is ${percent(Math.abs(check.drift))} ${way} the host's stopwatch: ${check.insideMs.toFixed(1)} ms inside, ` +
    `${check.hostMs.toFixed(1)} ± ${check.uncertaintyMs.toFixed(1)} ms outside (limit ${percent(policy.maxClockDrift)})`
  );
}

/** What each arm may use, MiB: the limit it runs under, or all that it sees. */
export function usableMemoryMiB(inside: Inside): number {
  return Math.min(inside.memTotalMiB, inside.memoryLimitMiB ?? Infinity);
}

/** Every fact that should be equal between arms, with what each arm sees; in the order in which it matters. */
export function parityFacts(byArm: Readonly<Record<string, Inside>>): ParityFact[] {
  const arms = Object.entries(byArm);
  if (arms.length === 0) return [];
  const fact = (what: string, given: boolean, of: (inside: Inside) => string): ParityFact => {
    const values = Object.fromEntries(arms.map(([arm, inside]) => [arm, of(inside)]));
    return { what, values, matches: new Set(Object.values(values)).size === 1, given };
  };
  const tools = [...new Set(arms.flatMap(([, inside]) => Object.keys(inside.tools)))].sort();
  const memory = arms.map(([, inside]) => usableMemoryMiB(inside));
  const most = Math.max(...memory);
  return [
    ...tools.map((tool) => toolFact(tool, arms)),
    fact('CPUs', true, (inside) => String(inside.nproc)),
    {
      ...fact('usable memory', true, (inside) => `${Math.round(usableMemoryMiB(inside))} MiB`),
      matches: most - Math.min(...memory) <= most * MEMORY_PARITY_TOLERANCE,
    },
    fact('CPU model', true, (inside) => inside.cpuModel),
    fact('CPU flags', true, (inside) => `${inside.cpuFlagCount} (${inside.cpuFlagsHash.slice(0, 8)})`),
    fact('clock source', false, (inside) => inside.clocksource),
    fact('virtualisation', false, (inside) => inside.virtualization),
    fact('kernel', false, (inside) => inside.kernel),
  ];
}

/** Arms that ran other workloads hashed other tools; only those that have the tool are compared. */
function toolFact(tool: string, arms: [string, Inside][]): ParityFact {
  const having = arms.filter(([, inside]) => tool in inside.tools);
  const values = Object.fromEntries(having.map(([arm, inside]) => [arm, inside.tools[tool]!.slice(0, 12)]));
  const hashes = new Set(having.map(([, inside]) => inside.tools[tool]));
  return { what: `${tool} (sha256)`, values, matches: hashes.size === 1, given: true };
}

/** The facts that the arms were to share and do not: what a strict policy refuses. */
export function parityMismatches(byArm: Readonly<Record<string, Inside>>): ParityFact[] {
  return parityFacts(byArm).filter((fact) => fact.given && !fact.matches);
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
