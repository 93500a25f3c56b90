import { collect, life, word, type Words } from './word.ts';

interface CreateFlags {
  subnet?: string;
  internal?: boolean;
  nat?: boolean;
  label: string[];
}

/** network create, ls, inspect, rm, prune. */
export const networks: Words = (container, { terminal }) => {
  const group = container
    .command('network')
    .description('networks on which containers find each other by name')
    .addHelpText(
      'after',
      `
Examples:
  bench container network create backend
  bench container run -d --network backend --name db tare/guest sleep 600
  bench container run --rm --network backend tare/guest ping -c 1 db`,
    );
  word(group, 'create <name>', 'make a network', 'network create --nat backend')
    .option('--subnet <address/length>', 'its addresses; a free part of 198.18.0.0/16 otherwise')
    .option('--internal', 'in a namespace of its own: no way to the host or out')
    .option('--nat', 'its containers reach the outside under the address of the host')
    .option('--label <name=value>', 'a label', collect, [])
    .action(async (name: string, flags: CreateFlags) => {
      const lifecycle = await life();
      const { subnet, internal = false, nat = false } = flags;
      const labels = lifecycle.parseLabels(flags.label);
      terminal.out((await lifecycle.createNetwork({ name, subnet, internal, nat, labels })).id);
    });
  word(group, 'ls', 'list networks', 'network ls')
    .option('--json', 'as JSON, one array')
    .action(async (flags: { json?: boolean }) => {
      const lifecycle = await life();
      terminal.out(flags.json ? JSON.stringify(lifecycle.networkViews()) : lifecycle.networkTable());
    });
  word(group, 'inspect <network...>', 'everything known of it, as JSON', 'network inspect backend')
    .option('-f, --format <template>', "a line each, e.g. '{{.subnet}}'")
    .action(async (names: string[], flags: { format?: string }) => {
      const lifecycle = await life();
      for (const name of names) {
        const view = lifecycle.inspectNetwork(name);
        if (flags.format !== undefined) terminal.out(lifecycle.renderTemplate(flags.format, view));
        else terminal.out(JSON.stringify(view, null, 2));
      }
    });
  word(group, 'rm <network...>', 'remove it, when no container has it', 'network rm backend').action(
    async (names: string[]) => {
      const lifecycle = await life();
      for (const name of names) await lifecycle.removeNetwork(name);
    },
  );
  word(group, 'prune', 'remove networks that no container has', 'network prune').action(async () => {
    const lifecycle = await life();
    for (const name of await lifecycle.pruneNetworks()) terminal.out(name);
  });
};
