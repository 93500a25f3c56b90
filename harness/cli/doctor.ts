import { examine } from '../doctor/examine.ts';
import { EXIT } from './exit-code.ts';
import type { Verb } from './verb.ts';

export const doctor: Verb = (program, context) => {
  program
    .command('doctor')
    .description('what this machine can do, what is missing, and the command that mends it')
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  bench doctor\n\nEnds with 0 when every runtime can be used, 5 when one cannot.',
    )
    .action(async (options: { json?: boolean }) => {
      const { catalog, paths, signal, terminal } = context;
      const findings = await examine(catalog, paths, signal);
      if (options.json) {
        terminal.out(JSON.stringify({ findings }));
      } else {
        const width = Math.max(...findings.map((finding) => finding.what.length));
        for (const { what, state, says, remedy } of findings) {
          terminal.out(`${MARKS[state]} ${what.padEnd(width)}  ${says}`);
          if (remedy) terminal.out(`  ${' '.repeat(width)}  → ${remedy}`);
        }
      }
      if (findings.some((finding) => finding.state === 'missing')) context.exit(EXIT.runFailed);
    });
};

const MARKS = { good: 'ok  ', limited: 'note', missing: 'MISS' } as const;
