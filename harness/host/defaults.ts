/** The room's thresholds, each with its reason. What makes a round void stands in the plan's policy instead. */

/** USER_HZ: the kernel's unit for CPU time in /proc, fixed at 100 for every architecture that Node 20 runs on (man 5 proc). */
export const TICKS_PER_SECOND = 100;

/** Granularity of those counters per CPU, ms: a difference this small may be an accident of rounding. */
export const TICK_MS = 1000 / TICKS_PER_SECOND;

/** Load per CPU above which the machine is called busy before a run: a fifth of a CPU is more than a desktop at rest. */
export const BUSY_LOAD_PER_CPU = 0.2;

/** Share of one CPU above which a process is named as busy. */
export const BUSY_PROCESS_SHARE = 0.05;

/** How long the machine is watched before a run, ms: 25 ticks, so that 5 % of a CPU is seen. */
export const QUIET_WATCH_MS = 500;

/**
 * Guest RAM and a limit of the same size are called equal when they differ by less: a guest's kernel keeps some of its
 * RAM for itself (page structures, crash areas), about 5–15 % at 512 MiB.
 */
export const MEMORY_PARITY_TOLERANCE = 0.2;

/** A limit on each look at a tool's version, ms. */
export const VERSION_LIMIT_MS = 5000;
