import { machinePaths } from '../run/paths.ts';
import { GLOBAL_OPTIONS } from './oci/global-options.ts';
import { LIFE_CYCLE } from './oci/life-cycle.ts';
import { perform } from './oci/perform.ts';
import { quickWords } from './oci/quick-words.ts';
import { STATE } from './oci/state-verb.ts';

/**
 * `bench oci` as a program of its own. Docker and Podman start it four times and more for every container, so that its
 * start-up is its cost: what engines call is read and done by the little that is loaded here, and everything else (help,
 * exec, events, mistakes) by the whole command line, loaded then. Ends when nothing is left to wait for, so that what was
 * printed is always written.
 */
async function main(argv: readonly string[]): Promise<void> {
  const quick = quickWords(argv, GLOBAL_OPTIONS, [STATE, ...LIFE_CYCLE]);
  if (!quick) {
    const { wholeCommandLine } = await import('./oci/whole-command-line.ts');
    process.exitCode = await wholeCommandLine(argv);
    return;
  }
  await perform(quick.verb, quick.globals, quick, {
    cacheDir: machinePaths().cacheDir,
    signal: new AbortController().signal,
    exit: (code) => void (process.exitCode = code),
    out: (text) => void process.stdout.write(`${text}\n`),
    err: (text) => void process.stderr.write(text),
  });
}

void main(process.argv.slice(2));
