import { describeError } from '../../../results/bench-error.ts';
import { writeLog } from '../../../runtimes/container/oci/log-file.ts';
import { StateRoot } from '../../../runtimes/container/oci/state.ts';
import type { OciCall, OciVerb } from './oci-verb.ts';

const FAILED = 1;
/** Where containers are remembered when `--root` says nothing: a tmpfs on every Linux of today. */
export const DEFAULT_ROOT = '/run/tare-oci';

/** Options before the verb, as runc has them. */
export interface OciGlobals {
  root?: string;
  log?: string;
  logFormat?: string;
  criu?: string;
}

/** Where a call's words go. */
export interface Surroundings extends Pick<OciCall, 'cacheDir' | 'signal' | 'out' | 'exit'> {
  err(text: string): void;
}

/** Calls a verb, and says what went wrong as runc does: on stderr, in the log that was asked for, and with exit code 1. */
export async function perform(
  { act }: OciVerb,
  globals: OciGlobals,
  { words, options }: Pick<OciCall, 'words' | 'options'>,
  { err, ...around }: Surroundings,
): Promise<void> {
  const log = { path: globals.log, format: globals.logFormat === 'json' ? 'json' : 'text' } as const;
  const say = (level: 'warning' | 'error', message: string): void => {
    writeLog(log, level, message);
    err(`${message}\n`);
  };
  try {
    await act({
      ...around,
      root: new StateRoot(globals.root ?? DEFAULT_ROOT),
      words,
      options,
      criu: globals.criu,
      complain: (complaints) => complaints.forEach((complaint) => say('warning', complaint)),
    });
  } catch (error) {
    say('error', describeError(error));
    around.exit(FAILED);
  }
}
