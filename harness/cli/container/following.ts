import { collect, life, ownStreams, word, type Words } from './word.ts';

/** logs, events, wait: what happened and what is to come. */
export const following: Words = (group, context) => {
  const { terminal, signal } = context;
  word(group, 'logs <container>', 'print what it printed', 'logs -f web')
    .option('-f, --follow', 'go on until it ends')
    .option('-t, --timestamps', 'with the time of each piece')
    .action(async (name: string, flags: { follow?: boolean; timestamps?: boolean }) => {
      const lifecycle = await life();
      await lifecycle.printLogs(lifecycle.findRecord(name), flags, ownStreams({ signal }));
    });
  word(
    group,
    'events',
    'life-cycle events as they happen, one line of JSON each',
    'events --since 10m --filter event=die',
  )
    .option('--since <time>', 'past ones too: seconds since 1970, a date, or how long ago (10m)')
    .option('--until <time>', 'end then; a past time ends at once')
    .option(
      '--filter <name=value>',
      'only some: container, event, image, name, network, type, volume',
      collect,
      [],
    )
    .action(async (flags: { since?: string; until?: string; filter: string[] }) => {
      const lifecycle = await life();
      const time = (text: string | undefined): number | undefined =>
        text === undefined ? undefined : lifecycle.parseTime(text, Date.now());
      const filter = {
        sinceMs: time(flags.since),
        untilMs: time(flags.until),
        filters: lifecycle.parseFilters(flags.filter),
      };
      await lifecycle.followEvents(filter, (event) => terminal.out(JSON.stringify(event)), signal);
    });
  word(group, 'wait <container...>', 'wait for its end and print its exit code', 'wait web').action(
    async (names: string[]) => {
      const lifecycle = await life();
      for (const name of names) {
        const exit = await lifecycle.waitContainer(lifecycle.findRecord(name), signal);
        terminal.out(String(lifecycle.shellCode(exit)));
      }
    },
  );
};
