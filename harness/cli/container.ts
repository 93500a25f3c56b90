import { controlling } from './container/controlling.ts';
import { following } from './container/following.ts';
import { looking } from './container/looking.ts';
import { networks } from './container/networks.ts';
import { programs } from './container/programs.ts';
import { running } from './container/running.ts';
import { volumes } from './container/volumes.ts';
import type { Verb } from './verb.ts';

/** Containers of our own runtime: the words and flags a Docker user's fingers know. */
export const container: Verb = (program, context) => {
  const group = program
    .command('container')
    .description("run and look after containers of Tare's own runtime")
    .addHelpText(
      'after',
      `
Examples:
  bench container run --rm tare/guest sysbench cpu run
  bench container run -d -p 8080:8080 --name web socket-server
  bench container exec -it web sh
  bench container network create backend`,
    );
  for (const add of [running, programs, looking, following, controlling, networks, volumes])
    add(group, context);
};
