import type { GateRecord } from '../../results/record/gate.ts';
import type { HostRecord } from '../../results/record/host.ts';
import type { Plan } from '../../results/record/plan.ts';
import type { Summary } from '../../results/record/summary.ts';
import type { TrialRecord } from '../../results/record/trial.ts';

/** All that a page is made of. The same value gives the same page, byte for byte. */
export interface ReportRun {
  plan: Plan;
  /** Null when the run ended before the machine was described. */
  host: HostRecord | null;
  trials: readonly TrialRecord[];
  summary: Summary;
  /** What a gate said at its latest look, where one looked. */
  gate?: GateRecord;
  /** matrix.yaml, verbatim. */
  matrixText: string;
}
