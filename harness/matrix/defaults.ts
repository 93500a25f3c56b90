/** Defaults of a matrix file, each with its reason. */
export const MATRIX_DEFAULTS = {
  /** One CPU is what every machine can give while keeping another for the harness. */
  cpus: 1,
  /** Small enough for any laptop, large enough for every built-in workload. */
  memoryMiB: 512,
  /** STATISTICS 5: the fewest rounds with a useful interval and room for a voided one. */
  rounds: 10,
  /** Where precision decides: the rounds that ±1 % takes at a paired sd of 3 %, which is a noisy machine (STATISTICS 4). */
  maxRounds: 100,
  /** The slowest built-in trial takes some 20 s under emulation; beyond this it hangs. */
  trialTimeoutS: 180,
  /** STATISTICS 4: differences within ±1 % are called equivalent. */
  margin: 0.01,
  /** STATISTICS 3. */
  confidence: 0.95,
  /** Stolen time above this share of the window is a larger effect than the 1 % margin can bear several times over. */
  maxStealShare: 0.05,
  /** Others' work on the measured CPUs above this share of the window: not our number any more. */
  maxForeignCpuShare: 0.1,
  /** As many others' tasks ready to run as there are CPUs: nothing on the machine is idle, whichever CPUs are measured. */
  maxRunQueue: 1,
  /** A CPU that was slowed for heat once ran at another frequency than the other arms of its round. */
  maxThermalEvents: 0,
  /** As the margin: a quota that stops the run for longer moves what is measured by more than is called equivalent. */
  maxThrottledShare: 0.01,
  /** A guest clock this far off makes every rate a fiction; NTP-disciplined clocks stay below 0.05 %. */
  maxClockDrift: 0.02,
  /** A mismatch of what the insides see is shown; a VM's CPU flags always differ under emulation. */
  refuseParityMismatch: false,
  /** One spare round for every five, to replace rounds that a disturbance voided. */
  spareShare: 0.2,
} as const;
