/** Limits of a trial's life, each with its reason. */
export const TRIAL_DEFAULTS = {
  /** Destroying is local work (kill, umount, rmdir); beyond this something hangs in the kernel and is reported. */
  destroyLimitMs: 30_000,
  /** A teardown after a failure gets this long before the box is destroyed anyway. */
  teardownAfterFailureMs: 10_000,
  /** Pausing is a signal or a write to the kernel; a box that does not stand still within this never will. */
  pauseLimitMs: 5_000,
  /** A cell that failed this often without one success is given up: the same failure again tells nothing new. */
  failuresBeforeGivingUp: 3,
} as const;
