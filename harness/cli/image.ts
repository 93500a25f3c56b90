import type { Command } from 'commander';
import type { BuildFlags } from '../../runtimes/container/images/commands/build-flags.ts';
import type {
  CommandContext,
  RegistryFlags,
} from '../../runtimes/container/images/commands/registry-flags.ts';
import type { ImageStore } from '../../runtimes/container/images/store/image-store.ts';
import type { Verb, VerbContext } from './verb.ts';

/** Images: the words and flags a Docker user's fingers know. */
export const image: Verb = (program, context) => {
  const group = program
    .command('image')
    .description('build, fetch, keep and hand on container images')
    .addHelpText(
      'after',
      `
Examples:
  bench image import rootfs.tar debian:12
  bench image build -t app .
  bench image push app localhost:5000/app`,
    );
  for (const add of [showing, moving, archives, building]) add(group, context);
};

function showing(group: Command, context: VerbContext): void {
  const { out } = context.terminal;
  word(group, 'ls', 'list images', 'ls --json')
    .aliases(['images', 'list'])
    .option('-q, --quiet', 'ids only')
    .option('--json', 'as JSON, one array')
    .option('--no-trunc', 'whole ids')
    .action(async (flags: { quiet?: boolean; json?: boolean; trunc: boolean }) => {
      const { listText } = await listings();
      out(await listText(await storeOf(context), flags));
    });
  word(group, 'inspect <image...>', 'all that is known of images, as JSON', 'inspect app:v1')
    .option('--json', 'accepted: it always is JSON')
    .action(async (names: string[]) => {
      const { inspectText } = await listings();
      out(await inspectText(await storeOf(context), names));
    });
  word(group, 'history <image>', 'the steps an image was made in, newest first', 'history app')
    .option('--json', 'as JSON')
    .action(async (name: string, flags: { json?: boolean }) => {
      const { historyText } = await listings();
      out(await historyText(await storeOf(context), name, flags));
    });
  word(group, 'tag <image> <name>', 'give an image another name', 'tag app localhost:5000/app:v1').action(
    async (name: string, other: string) => {
      const store = await storeOf(context);
      await store.name((await store.get(name)).descriptor, other);
    },
  );
  word(group, 'rm <image...>', 'take names away; prune then frees what no image uses', 'rm app:old')
    .alias('rmi')
    .option('-f, --force', 'even when it has several names or a container uses it')
    .action(async (names: string[], flags: { force?: boolean }) => {
      const { removeText } = await listings();
      for (const line of await removeText(await storeOf(context), names, flags)) out(line);
    });
  word(group, 'prune', 'free what no image and no container uses', 'prune --all')
    .option('-a, --all', 'named images too, when no container uses them')
    .option('--build-cache', 'the layers that builds would use again, too')
    .option('-f, --force', 'accepted: it never asks')
    .option('--json', 'as JSON')
    .action(async (flags: { all?: boolean; buildCache?: boolean; json?: boolean }) => {
      const { pruneText } = await listings();
      out(await pruneText(await storeOf(context), flags));
    });
}

function moving(group: Command, context: VerbContext): void {
  const { out } = context.terminal;
  registryOptions(word(group, 'pull <image>', 'fetch an image from a registry', 'pull localhost:5000/app:v1'))
    .option('--platform <platform>', 'os/architecture, instead of this machine’s')
    .option('-q, --quiet', 'print the digest only')
    .action(async (name: string, flags: RegistryFlags & { quiet?: boolean }) => {
      const { pullByName } = await import('../../runtimes/container/images/commands/registry-flags.ts');
      const pulled = await pullByName(await commandContext(context, flags.quiet), name, flags);
      out(flags.quiet ? pulled.descriptor.digest : `${pulled.name ?? name}: ${pulled.descriptor.digest}`);
    });
  registryOptions(
    word(group, 'push <image> [name]', 'send an image to a registry', 'push app localhost:5000/app'),
  )
    .option('-q, --quiet', 'print the result only')
    .action(async (name: string, other: string | undefined, flags: RegistryFlags & { quiet?: boolean }) => {
      const { pushByName } = await import('../../runtimes/container/images/commands/registry-flags.ts');
      out(await pushByName(await commandContext(context, flags.quiet), name, other, flags));
    });
}

function archives(group: Command, context: VerbContext): void {
  word(
    group,
    'import <tarball> [name]',
    'an image from a root filesystem tarball',
    'import rootfs.tar.gz debian:12',
  )
    .option('-c, --change <instruction>', 'CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, WORKDIR …', collect, [])
    .option('-m, --message <text>', 'for the history')
    .action(async (file: string, name: string | undefined, flags: { change: string[]; message?: string }) => {
      const { importByFlags } = await import('../../runtimes/container/images/commands/archive-flags.ts');
      const imported = await importByFlags(await commandContext(context), file, name, flags, process.env);
      context.terminal.out(imported.manifest.config.digest);
    });
  word(group, 'load', 'images from an archive of docker save, skopeo or bench image save', 'load -i app.tar')
    .requiredOption('-i, --input <file>', 'the archive (OCI or docker, compressed or not)')
    .action(async (flags: { input: string }) => {
      const { loadByFlags } = await import('../../runtimes/container/images/commands/archive-flags.ts');
      for (const line of await loadByFlags(await commandContext(context), flags.input))
        context.terminal.out(line);
    });
  word(group, 'save <image...>', 'write images into an archive', 'save -o app.tar app:v1')
    .requiredOption('-o, --output <file>', 'where to')
    .option('--format <format>', 'docker-archive or oci-archive', 'docker-archive')
    .action(async (names: string[], flags: { output: string; format: string }) => {
      const { saveByFlags } = await import('../../runtimes/container/images/commands/archive-flags.ts');
      await saveByFlags(await commandContext(context), names, flags);
    });
}

function building(group: Command, context: VerbContext): void {
  registryOptions(
    word(group, 'build <context>', 'build an image from a Dockerfile', 'build -t app -f Dockerfile .'),
  )
    .option('-t, --tag <name>', 'name of the image; may be given several times', collect, [])
    .option('-f, --file <path>', 'the Dockerfile (default: Dockerfile in the context)')
    .option('--target <stage>', 'stop at this stage')
    .option('--build-arg <pair>', 'NAME=value for an ARG', collect, [])
    .option('--label <pair>', 'NAME=value to add', collect, [])
    .option(
      '--secret <words>',
      'id=NAME,src=FILE or id=NAME,env=VARIABLE, for RUN --mount=type=secret',
      collect,
      [],
    )
    .option('--no-cache', 'run every step again')
    .option('--network <network>', 'of RUN steps: none, host or bridge', 'none')
    .option('-q, --quiet', 'print the image id only')
    .action(async (folder: string, flags: BuildFlags & { quiet?: boolean }) => {
      const { buildByFlags } = await import('../../runtimes/container/images/commands/build-flags.ts');
      const { cacheDir } = context.paths;
      const common = await commandContext(context, flags.quiet);
      const output = (text: string): void => {
        if (!flags.quiet) context.terminal.err(text);
      };
      const built = await buildByFlags({ ...common, cacheDir, output, env: process.env }, folder, flags);
      context.terminal.out(built.manifest.config.digest);
    });
}

async function commandContext(context: VerbContext, quiet = false): Promise<CommandContext> {
  const say = (line: string): void => {
    if (!quiet) context.terminal.err(`${line}\n`);
  };
  return { store: await storeOf(context), say, signal: context.signal };
}

async function storeOf(context: VerbContext): Promise<ImageStore> {
  const { openImageStore } = await import('../../runtimes/container/images/store/image-store.ts');
  return openImageStore(context.paths.cacheDir);
}

function listings() {
  return import('../../runtimes/container/images/commands/listings.ts');
}

function registryOptions(command: Command): Command {
  return command
    .option('--creds <user:password>', 'login; else the one docker or podman stored is used')
    .option('--tls-ca <file>', 'PEM file of an authority to trust besides the usual ones')
    .option('--tls-verify <bool>', 'false: take any certificate, and plain HTTP', 'true');
}

function word(group: Command, syntax: string, description: string, example: string): Command {
  return group
    .command(syntax)
    .description(description)
    .addHelpText('after', `\nExample:\n  bench image ${example}\n`);
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}
