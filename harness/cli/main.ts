import { getEventListeners } from 'node:events';
import { CommanderError } from 'commander';
import { runInside } from '../../runtimes/container/rootless/run-inside.ts';
import { runtimes } from '../../runtimes/catalog.ts';
import { workloads } from '../../workloads/catalog.ts';
import { machinePaths } from '../run/paths.ts';
import { EXIT, exitCodeOf } from './exit-code.ts';
import { buildProgram } from './program.ts';
import { errorText, processTerminal } from './terminal.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Verbs that tidy up when they are interrupted, with what they say then. Others end at once unless they listen. */
const CLEANS_UP = new Map([
  ['run', 'interrupted: ending the trial, keeping what was measured'],
  ['gate', 'interrupted: ending the trial, keeping what was measured'],
  ['setup', 'interrupted: removing what was half made'],
  ['image', 'interrupted: removing what was half made'],
]);

/** As if we had never caught it: a shell sees which signal it was. */
function endBy(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

async function main(argv: string[]): Promise<number> {
  const terminal = processTerminal();
  const abort = new AbortController();
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      const cleansUp = CLEANS_UP.get(argv[2] ?? '');
      if (cleansUp === undefined && getEventListeners(abort.signal, 'abort').length === 0) endBy(signal);
      if (cleansUp) terminal.err(abort.signal.aborted ? '\nstill cleaning up …\n' : `\n${cleansUp} …\n`);
      abort.abort();
    });
  }
  let code: number = EXIT.done;
  const paths = machinePaths();
  const program = buildProgram({
    terminal,
    catalog: { runtimes, workloads },
    paths,
    signal: abort.signal,
    exit: (wanted: number) => {
      code = wanted;
    },
  });
  try {
    if (argv[2] === 'image') {
      const inside = await runInside(paths.cacheDir, argv);
      if (inside !== null) return inside;
    }
    await program.parseAsync(argv);
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.wrongUse;
    terminal.err(errorText(error));
    return exitCodeOf(error);
  }
}

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // `bench list | head` closes our stdout early, and a closed terminal our stderr: no reason to stop measuring.
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}
/** Resolves when all that was written has left: a pipe takes 64 KiB at a time, and exiting would cut the rest. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()));
}

const code = await main(process.argv);
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
process.exit(code);
