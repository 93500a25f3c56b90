import { collect, life, word, type Words } from './word.ts';

/** volume create, ls, inspect, rm, prune. */
export const volumes: Words = (container, { terminal, paths }) => {
  const { cacheDir } = paths;
  const group = container
    .command('volume')
    .description('folders that outlive containers and are shared between them')
    .addHelpText(
      'after',
      `
Examples:
  bench container volume create cache
  bench container run --rm -v cache:/var/cache tare/guest touch /var/cache/x`,
    );
  word(group, 'create [name]', 'make a volume', 'volume create cache')
    .option('--label <name=value>', 'a label', collect, [])
    .action(async (name: string | undefined, flags: { label: string[] }) => {
      const lifecycle = await life();
      terminal.out((await lifecycle.createVolume(name, lifecycle.parseLabels(flags.label))).name);
    });
  word(group, 'ls', 'list volumes', 'volume ls')
    .option('-q, --quiet', 'names only')
    .option('--json', 'as JSON, one array')
    .action(async (flags: { quiet?: boolean; json?: boolean }) => {
      const lifecycle = await life();
      const known = lifecycle.listVolumes();
      if (flags.json) terminal.out(JSON.stringify(known));
      else if (flags.quiet) for (const { name } of known) terminal.out(name);
      else terminal.out(lifecycle.volumeTable(known));
    });
  word(group, 'inspect <volume...>', 'everything known of it, as JSON', 'volume inspect cache')
    .option('-f, --format <template>', "a line each, e.g. '{{.mountpoint}}'")
    .action(async (names: string[], flags: { format?: string }) => {
      const lifecycle = await life();
      for (const name of names) {
        const view = lifecycle.inspectVolume(name);
        if (flags.format !== undefined) terminal.out(lifecycle.renderTemplate(flags.format, view));
        else terminal.out(JSON.stringify(view, null, 2));
      }
    });
  word(group, 'rm <volume...>', 'remove it with what is in it', 'volume rm cache')
    .option('-f, --force', 'one that is not there is fine')
    .action(async (names: string[], flags: { force?: boolean }) => {
      const lifecycle = await life();
      for (const name of names) await lifecycle.removeVolume(name, { force: flags.force ?? false, cacheDir });
    });
  word(group, 'prune', 'remove volumes without a name that no container has', 'volume prune')
    .option('-a, --all', 'also those with a name')
    .action(async (flags: { all?: boolean }) => {
      const lifecycle = await life();
      const { removed, freedBytes } = await lifecycle.pruneVolumes(flags.all ?? false, cacheDir);
      for (const name of removed) terminal.out(name);
      terminal.out(`freed ${freedBytes} bytes`);
    });
};
