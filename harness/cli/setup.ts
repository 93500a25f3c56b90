import { Option } from 'commander';
import { ensureImage } from '../../runtimes/image/ensure-image.ts';
import { ensureLauncher } from '../../runtimes/launch/ensure-launcher.ts';
import { installHint, missingPackages } from '../setup/missing-packages.ts';
import { EXIT } from './exit-code.ts';
import type { Verb } from './verb.ts';

export const setup: Verb = (program, context) => {
  program
    .command('setup')
    .description(
      'make everything ready: launcher and guest image (the script ./bench also installs packages)',
    )
    .addOption(
      new Option('--for <what>', 'what it is made ready for').choices(['run', 'tests']).default('run'),
    )
    .option('--json', 'print what was made as JSON')
    .addHelpText('after', '\nExamples:\n  ./bench setup\n  ./bench setup --for tests')
    .action(async (options: { for: 'run' | 'tests'; json?: boolean }) => {
      const { paths, signal, terminal } = context;
      const missing = await missingPackages(options.for);
      if (missing.length > 0)
        terminal.err(`missing packages: ${missing.join(' ')}\n  → ${installHint(missing)}\n`);
      const launcher = await ensureLauncher(paths.cacheDir);
      const image = await ensureImage(paths.cacheDir, (line) => terminal.err(`${line}\n`), signal);
      if (options.json) terminal.out(JSON.stringify({ launcher, image, missing }));
      else
        terminal.out(
          `ready: launcher ${launcher}\nready: guest image ${image.rootfs} (Debian ${image.suite}, kernel ${image.kernelRelease})`,
        );
      if (missing.length > 0) context.exit(EXIT.runFailed);
    });
};
