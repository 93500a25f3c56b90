import { collect, life, word, type Words } from './word.ts';

interface PsFlags {
  all?: boolean;
  quiet?: boolean;
  size?: boolean;
  filter: string[];
  format?: string;
  json?: boolean;
}

/** ps, inspect, stats, top, diff, port: what there is and what it does. */
export const looking: Words = (group, context) => {
  const { terminal } = context;
  word(group, 'ps', 'list containers', 'ps -a --filter status=exited')
    .option('-a, --all', 'also those that have ended or wait')
    .option('-q, --quiet', 'ids only')
    .option('-s, --size', 'with what each wrote, and that with its image')
    .option(
      '--filter <name=value>',
      'only some: name, id, status, ancestor, network, volume, label, exited',
      collect,
      [],
    )
    .option('--format <template>', "a line each, e.g. '{{.name}} {{.status}}'")
    .option('--json', 'as JSON, one array')
    .action(async (flags: PsFlags) => {
      const lifecycle = await life();
      await lifecycle.reapEnded();
      const filters = lifecycle.parseRowFilters(flags.filter);
      const rows = lifecycle.containerRows({ all: flags.all ?? false, filters, sizes: flags.size });
      if (flags.json) terminal.out(JSON.stringify(rows));
      else if (flags.format !== undefined)
        for (const row of rows) terminal.out(lifecycle.renderTemplate(flags.format, row));
      else if (flags.quiet) for (const row of rows) terminal.out(row.id);
      else terminal.out(lifecycle.containerTable(rows));
    });
  word(
    group,
    'inspect <container...>',
    'everything known of it, as JSON',
    "inspect --format '{{.address}}' web",
  )
    .option('-f, --format <template>', "a line each, e.g. '{{.status}} {{json .ports}}'")
    .action(async (names: string[], flags: { format?: string }) => {
      const lifecycle = await life();
      for (const name of names) {
        const inspected = lifecycle.inspectContainer(lifecycle.findRecord(name));
        if (flags.format !== undefined) terminal.out(lifecycle.renderTemplate(flags.format, inspected));
        else terminal.out(JSON.stringify(inspected, null, 2));
      }
    });
  word(group, 'stats <container>', 'what it uses now, as JSON', 'stats web').action(async (name: string) => {
    const lifecycle = await life();
    terminal.out(JSON.stringify(lifecycle.containerStats(lifecycle.findRecord(name))));
  });
  word(group, 'top <container> [options...]', 'its processes, as ps shows them', 'top web -o pid,comm')
    .passThroughOptions()
    .allowUnknownOption()
    .action(async (name: string, options: string[]) => {
      const lifecycle = await life();
      terminal.out(await lifecycle.containerProcesses(lifecycle.findRecord(name), options));
    });
  word(group, 'diff <container>', 'files it added (A), changed (C) or took away (D)', 'diff web')
    .option('--json', 'as JSON, one array')
    .action(async (name: string, flags: { json?: boolean }) => {
      const lifecycle = await life();
      const changes = await lifecycle.containerDiff(lifecycle.findRecord(name));
      if (flags.json) terminal.out(JSON.stringify(changes));
      else for (const { kind, path } of changes) terminal.out(`${kind} ${path}`);
    });
  word(group, 'port <container> [port]', 'where its ports are published', 'port web 80/tcp').action(
    async (name: string, port: string | undefined) => {
      const lifecycle = await life();
      const record = lifecycle.findRecord(name);
      for (const line of lifecycle.portLines(record.name, record.ports, port)) terminal.out(line);
    },
  );
};
