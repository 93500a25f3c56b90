import { BenchError } from '../../results/bench-error.ts';
import type { Summary } from '../../results/record/summary.ts';

/** DESIGN: what a script can read from the way `bench` ends. */
export const EXIT = {
  done: 0,
  gateFailed: 1,
  wrongUse: 2,
  gateInconclusive: 3,
  notComparable: 4,
  runFailed: 5,
  interrupted: 130,
} as const;

const WRONG_USE =
  /^(usage|matrix|commander|gate-config|analyze|bad|not-a-run|file|newer|export|publish|arm-file|launcher-(version|not-ours)|image-is-disk|vm-emulator-unusable|vm-kernel-(drivers|modules|unbootable|unreadable))/;

/** The exit code for an error that ended a verb. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof BenchError)) return EXIT.runFailed;
  if (error.code === 'run-interrupted') return EXIT.interrupted;
  if (error.code.endsWith('not-comparable')) return EXIT.notComparable;
  return WRONG_USE.test(error.code) ? EXIT.wrongUse : EXIT.runFailed;
}

/** The exit code of a finished run: 5 when anything failed or is missing, so that a script need not read the summary. */
export function exitCodeOfRun(counts: Summary['counts'], interrupted: boolean): number {
  if (interrupted) return EXIT.interrupted;
  return counts.failed + counts.timedOut + counts.missing > 0 ? EXIT.runFailed : EXIT.done;
}
