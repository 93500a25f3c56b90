import type { Stopping } from '../../results/record/plan.ts';

/** An arm as the matrix asks for it; options are checked by the runtime's own schema. */
export interface MatrixArm {
  id: string;
  runtime: string;
  label: string;
  options: Record<string, unknown>;
}

/** A workload as the matrix asks for it. */
export interface MatrixWorkload {
  id: string;
  workload: string;
  label: string;
  options: Record<string, unknown>;
  published: string[];
}

/** A matrix, checked and expanded: what should be compared, with every default filled in. */
export interface Matrix {
  name: string;
  title: string;
  /** Absolute path of the file. */
  path: string;
  /** The file, verbatim. */
  text: string;
  baseline: string;
  seed: string | undefined;
  resources: { cpus: number; memoryMiB: number; cpuset: number[] | undefined };
  arms: MatrixArm[];
  workloads: MatrixWorkload[];
  /** Arm id of the A/A control, where one was asked for. */
  control: string | undefined;
  trials: {
    /** Rounds at the most. */
    rounds: number;
    spare: number;
    timeoutS: number;
    /** Undefined: a fixed number of rounds. */
    stopping: Stopping | undefined;
  };
  policy: {
    margin: number;
    confidence: number;
    maxStealShare: number;
    maxForeignCpuShare: number;
    maxRunQueue: number;
    maxThermalEvents: number;
    maxThrottledShare: number;
    maxClockDrift: number;
    refuseParityMismatch: boolean;
  };
}
