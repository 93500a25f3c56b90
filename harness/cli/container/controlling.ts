import type { LimitFlags } from '../../../runtimes/container/lifecycle/run-request.ts';
import { limitFlags } from './running.ts';
import { life, ownStreams, word, type Words } from './word.ts';

/** stop, kill, restart, pause, rename, update, cp, rm: what changes one that is there. */
export const controlling: Words = (group, context) => {
  const { terminal, paths } = context;
  word(group, 'stop <container...>', 'ask it to end, then make it', 'stop -t 3 web')
    .option('-t, --time <seconds>', 'how long to wait before killing', '10')
    .action(async (names: string[], flags: { time: string }) => {
      const lifecycle = await life();
      for (const name of names) await lifecycle.stopContainer(lifecycle.findRecord(name), Number(flags.time));
    });
  word(group, 'restart <container...>', 'stop it and start it once more', 'restart web')
    .option('-t, --time <seconds>', 'how long to wait before killing', '10')
    .action(async (names: string[], flags: { time: string }) => {
      const lifecycle = await life();
      for (const name of names) {
        const record = lifecycle.findRecord(name);
        await lifecycle.stopContainer(record, Number(flags.time));
        await lifecycle.startContainer(record, paths.cacheDir);
      }
    });
  word(group, 'kill <container...>', 'send it a signal', 'kill -s HUP web')
    .option('-s, --signal <name>', 'which', 'KILL')
    .action(async (names: string[], flags: { signal: string }) => {
      const lifecycle = await life();
      for (const name of names) lifecycle.killContainer(lifecycle.findRecord(name), flags.signal);
    });
  for (const [verb, paused] of [
    ['pause', true],
    ['unpause', false],
  ] as const)
    word(group, `${verb} <container...>`, paused ? 'freeze it' : 'let it go on', `${verb} web`).action(
      async (names: string[]) => {
        const lifecycle = await life();
        for (const name of names) await lifecycle.pauseContainer(lifecycle.findRecord(name), paused);
      },
    );
  word(
    group,
    'rename <container> <name>',
    'give it another name, also on its network',
    'rename web www',
  ).action(async (name: string, other: string) => {
    const lifecycle = await life();
    await lifecycle.renameContainer(lifecycle.findRecord(name), other);
  });
  limitFlags(
    word(group, 'update <container...>', 'change its limits while it runs', 'update -m 512m web'),
  ).action(async (names: string[], flags: LimitFlags) => {
    const lifecycle = await life();
    for (const name of names) {
      const record = lifecycle.findRecord(name);
      const notes = await lifecycle.updateContainer(record, lifecycle.limitsOf(flags));
      for (const note of notes) terminal.err(`${name}: not done: ${note}\n`);
    }
  });
  word(group, 'cp <source> <destination>', 'copy into or out of one, running or not', 'cp web:/etc/hosts .')
    .option('-a, --archive', 'owners stay as they are')
    .action(async (source: string, destination: string, flags: { archive?: boolean }) => {
      const lifecycle = await life();
      const [from, to] = [source, destination].map(lifecycle.parseCopyEnd);
      if (from && to)
        await lifecycle.copy(from, to, { archive: flags.archive ?? false }, ownStreams(context));
    });
  word(group, 'rm <container...>', 'remove it with all it wrote', 'rm -f web')
    .option('-f, --force', 'end it first')
    .option('-v, --volumes', 'its unnamed volumes too')
    .action(async (names: string[], flags: { force?: boolean; volumes?: boolean }) => {
      const lifecycle = await life();
      const { force = false, volumes } = flags;
      for (const name of names)
        await lifecycle.removeContainer(lifecycle.findRecord(name), { force, volumes });
    });
};
