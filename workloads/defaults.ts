/**
 * Every default of this room, each with its reason. A default is only a starting point: whatever was used is part of
 * the cell's options and is printed with its numbers.
 */
export const defaults = {
  /** Long enough for thousands of events of every workload, short enough for many rounds: rounds buy precision, length does not. */
  seconds: 5,
  /** One: an instance is given one CPU unless the matrix says otherwise, and two threads on one CPU measure the scheduler. */
  threads: 1,

  /** sysbench's own default, so that numbers can be set beside published ones. */
  primes: 10_000,

  /** Beyond the first-level cache; sysbench's own 1 KiB never leaves it and measures loop overhead [sysbench PR 417]. */
  memoryBlockSize: '1MiB',
  memoryOperation: 'write',
  memoryAccess: 'sequential',
  /** sysbench's own default. With one thread the two scopes are the same. */
  memoryScope: 'global',

  /** Small enough to be written before every trial. The page cache is kept out by `direct`, not by size. */
  fileSize: '64MiB',
  /** Four files: enough to cross file boundaries, few enough that the fsync of every file at the end stays short. */
  files: 4,
  /** sysbench's own default, and the page size of common databases. */
  fileBlockSize: '16KiB',
  /** Without it a file smaller than memory measures the page cache (pitfall 8). */
  direct: true,
  /** sysbench's own 100 makes the fsync, not the write, the thing measured (pitfall 6), so it must be asked for. */
  fsyncEvery: 'never',
  fileMode: 'rndrw',

  streams: 1,
  direction: 'send',
  protocol: 'tcp',
  /** Fits the 1500-byte MTU of every path with IP and UDP headers, so no arm fragments where another does not. */
  datagramBytes: 1400,
  /** iperf3 sends UDP at 1 Mbit/s when not told otherwise; 100 is what an emulated guest can still take. */
  udpMbitPerSecond: 100,
  /** Seconds left out at the start: slow start is over within milliseconds on a path inside one machine. */
  omitSeconds: 0,

  /** sysbench's own defaults. */
  threadYields: 1000,
  threadLocks: 8,
  mutexes: 4096,
  mutexLocks: 50_000,
  mutexLoops: 10_000,
} as const;

/** Not 5201 and 5001, which a user's own servers may hold: the `native` arm shares the host's loopback. */
export const serverPorts = { iperf3: 15_201, iperf: 15_001 } as const;

/** How long a server on the far side may take to listen, ms. It starts in milliseconds; a busy machine gets patience. */
export const SERVER_READY_LIMIT_MS = 15_000;

/** A run may end this share of the asked time early (tools stop on a timer of their own); more is a failed trial. */
export const EARLY_END_TOLERANCE = 0.02;
