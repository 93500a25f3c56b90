import type { Command } from 'commander';
import { join, resolve } from 'node:path';
import { BenchError } from '../../results/bench-error.ts';
import type { StepRunner } from '../../runtimes/container/images/contract.ts';
import type { ProcessConfig } from '../../runtimes/container/images/format/config.ts';
import type { StoredImage } from '../../runtimes/container/images/store/image-store.ts';
import type { Verb, VerbContext } from './verb.ts';

interface RegistryFlags {
  creds?: string;
  tlsCa?: string;
  tlsVerify?: string;
  platform?: string;
}
interface BuildFlags extends RegistryFlags {
  tag: string[];
  file?: string;
  target?: string;
  buildArg: string[];
  label: string[];
  cache: boolean;
  pull?: boolean;
  network?: string;
  quiet?: boolean;
  json?: boolean;
}

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
  bench image push localhost:5000/app`,
    );
  for (const add of [showing, moving, archives, building]) add(group, context);
};

function showing(group: Command, context: VerbContext): void {
  word(group, 'ls', 'list images', 'ls --json')
    .alias('images')
    .alias('list')
    .option('-q, --quiet', 'ids only')
    .option('--json', 'as JSON, one array')
    .option('--no-trunc', 'whole ids')
    .action(async (options: { quiet?: boolean; json?: boolean; trunc: boolean }) => {
      const { imageRows } = await import('../../runtimes/container/images/view/describe-images.ts');
      const { humanAge, humanBytes, textTable } =
        await import('../../runtimes/container/images/view/human.ts');
      const rows = await imageRows(await openStore(context));
      const id = (digest: string): string => (options.trunc ? shortId(digest) : digest);
      if (options.json) return context.terminal.out(JSON.stringify(rows));
      if (options.quiet) return rows.forEach((row) => context.terminal.out(id(row.id)));
      const cells = rows.map((row) => [
        row.repository,
        row.tag,
        id(row.id),
        humanAge(row.created, Date.now()),
        humanBytes(row.sizeBytes),
      ]);
      context.terminal.out(textTable([['REPOSITORY', 'TAG', 'IMAGE ID', 'CREATED', 'SIZE'], ...cells]));
    });
  word(group, 'inspect <image...>', 'all that is known of images, as JSON', 'inspect app:v1')
    .option('--json', 'accepted: it always is JSON')
    .action(async (names: string[]) => {
      const { inspection } = await import('../../runtimes/container/images/view/describe-images.ts');
      const store = await openStore(context);
      const found = [];
      for (const name of names) found.push(await inspection(store, await store.get(name)));
      context.terminal.out(JSON.stringify(found, null, 2));
    });
  word(group, 'history <image>', 'the steps an image was made in, newest first', 'history app')
    .option('--json', 'as JSON')
    .action(async (name: string, options: { json?: boolean }) => {
      const { historyRows } = await import('../../runtimes/container/images/view/describe-images.ts');
      const { humanAge, humanBytes, textTable } =
        await import('../../runtimes/container/images/view/human.ts');
      const store = await openStore(context);
      const rows = await historyRows(store, await store.get(name));
      if (options.json) return context.terminal.out(JSON.stringify(rows));
      const cells = rows.map((row) => [
        humanAge(row.created, Date.now()),
        row.createdBy.length > 80 ? `${row.createdBy.slice(0, 79)}…` : row.createdBy,
        humanBytes(row.sizeBytes),
        row.comment,
      ]);
      context.terminal.out(textTable([['CREATED', 'CREATED BY', 'SIZE', 'COMMENT'], ...cells]));
    });
  word(group, 'tag <image> <name>', 'give an image another name', 'tag app localhost:5000/app:v1').action(
    async (name: string, other: string) => {
      const store = await openStore(context);
      await store.name((await store.get(name)).descriptor, other);
    },
  );
  word(group, 'rm <image...>', 'take names away; prune then frees what no image uses', 'rm app:old')
    .alias('rmi')
    .option('-f, --force', 'even when it has several names or a container uses it')
    .action(async (names: string[], options: { force?: boolean }) => {
      const store = await openStore(context);
      const { familiarName } = await import('../../runtimes/container/images/reference.ts');
      for (const name of names) {
        const removed = await store.remove(name, options);
        for (const each of removed.untagged) context.terminal.out(`Untagged: ${familiarName(each)}`);
      }
    });
  word(group, 'prune', 'free what no image and no container uses', 'prune --all')
    .option('-a, --all', 'named images too, when no container uses them')
    .option('--build-cache', 'the layers that builds would use again, too')
    .option('-f, --force', 'accepted: it never asks')
    .option('--json', 'as JSON')
    .action(async (options: { all?: boolean; buildCache?: boolean; json?: boolean }) => {
      const { pruneStore } = await import('../../runtimes/container/images/store/prune.ts');
      const { humanBytes } = await import('../../runtimes/container/images/view/human.ts');
      const report = await pruneStore(await openStore(context), options);
      context.terminal.out(
        options.json
          ? JSON.stringify(report)
          : `freed ${humanBytes(report.freedBytes)}: ${report.images.length} images, ${report.blobs} blobs, ${report.layers} unpacked layers`,
      );
    });
}

function moving(group: Command, context: VerbContext): void {
  registryOptions(word(group, 'pull <image>', 'fetch an image from a registry', 'pull localhost:5000/app:v1'))
    .option('--platform <platform>', 'os/architecture, instead of this machine’s')
    .option('-q, --quiet', 'print the digest only')
    .action(async (name: string, options: RegistryFlags & { quiet?: boolean }) => {
      const pulled = await pull(context, name, options, !options.quiet);
      context.terminal.out(
        options.quiet ? pulled.descriptor.digest : `${pulled.name ?? name}: ${pulled.descriptor.digest}`,
      );
    });
  registryOptions(
    word(group, 'push <image> [name]', 'send an image to a registry', 'push app localhost:5000/app'),
  ).action(async (name: string, other: string | undefined, options: RegistryFlags) => {
    const { parseReference, fullName } = await import('../../runtimes/container/images/reference.ts');
    const { pushImage } = await import('../../runtimes/container/images/registry/push.ts');
    const store = await openStore(context);
    const reference = parseReference(other ?? name);
    const digest = await pushImage(
      store,
      await registryOf(context, reference.registry, options),
      await store.get(name),
      reference,
      (line) => context.terminal.err(`${line}\n`),
    );
    context.terminal.out(`${fullName(reference)}: ${digest}`);
  });
}

function archives(group: Command, context: VerbContext): void {
  word(
    group,
    'import <tarball> [name]',
    'an image from a root filesystem tarball',
    'import rootfs.tar.gz debian:12',
  )
    .option(
      '-c, --change <instruction>',
      'CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, WORKDIR … to apply',
      collect,
      [],
    )
    .option('-m, --message <text>', 'for the history')
    .action(
      async (file: string, name: string | undefined, options: { change: string[]; message?: string }) => {
        const { importRootfs } = await import('../../runtimes/container/images/archive/rootfs-archive.ts');
        const imported = await importRootfs(await openStore(context), {
          file,
          name,
          process: await changedProcess(options.change),
          message: options.message,
          created: timeOfBuild().now,
          signal: context.signal,
        });
        context.terminal.out(imported.manifest.config.digest);
      },
    );
  word(group, 'load', 'images from an archive of docker save, skopeo or bench image save', 'load -i app.tar')
    .requiredOption('-i, --input <file>', 'the archive (OCI or docker, compressed or not)')
    .action(async (options: { input: string }) => {
      const { loadArchive } = await import('../../runtimes/container/images/archive/load.ts');
      for (const each of await loadArchive(await openStore(context), options.input))
        context.terminal.out(`Loaded image: ${each.name ?? each.manifest.config.digest}`);
    });
  word(group, 'save <image...>', 'write images into an archive', 'save -o app.tar app:v1')
    .requiredOption('-o, --output <file>', 'where to')
    .option('--format <format>', 'docker-archive or oci-archive', 'docker-archive')
    .action(async (names: string[], options: { output: string; format: string }) => {
      const { saveArchive } = await import('../../runtimes/container/images/archive/save.ts');
      if (options.format !== 'docker-archive' && options.format !== 'oci-archive')
        throw new BenchError('usage-format', `unknown format '${options.format}'`, {
          hint: 'docker-archive or oci-archive',
        });
      const store = await openStore(context);
      const images = await Promise.all(names.map((name) => store.get(name)));
      await saveArchive(store, images, options.output, options.format);
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
    .option('--no-cache', 'run every step again')
    .option('--network <network>', 'of RUN steps: none, host or bridge', 'none')
    .option('-q, --quiet', 'print the image id only')
    .option('--json', 'print the image as JSON')
    .action(async (folder: string, options: BuildFlags) => {
      const built = await build(context, folder, options);
      if (options.json) {
        const { imageRow } = await import('../../runtimes/container/images/view/describe-images.ts');
        return context.terminal.out(JSON.stringify(await imageRow(await openStore(context), built)));
      }
      context.terminal.out(built.manifest.config.digest);
    });
}

async function build(context: VerbContext, folder: string, options: BuildFlags): Promise<StoredImage> {
  const { buildImage } = await import('../../runtimes/container/images/build/build-image.ts');
  const { network } = options;
  if (network !== undefined && network !== 'none' && network !== 'host' && network !== 'bridge')
    throw new BenchError('usage-network', `unknown network '${network}'`, { hint: 'none, host or bridge' });
  const say = (text: string): void => {
    if (!options.quiet) context.terminal.err(text);
  };
  return buildImage(
    {
      context: resolve(folder),
      file: options.file === undefined ? join(resolve(folder), 'Dockerfile') : resolve(options.file),
      names: options.tag,
      target: options.target,
      buildArgs: pairs(options.buildArg, process.env),
      labels: Object.fromEntries(pairs(options.label, {})),
      noCache: !options.cache,
      network,
      ...timeOfBuild(),
      signal: context.signal,
    },
    {
      store: await openStore(context),
      runner: stepRunner(context),
      pull: (name) => pull(context, name, options, !options.quiet),
      say: (line) => say(`${line}\n`),
      output: (chunk) => say(Buffer.from(chunk).toString('utf8')),
    },
  );
}

async function pull(
  context: VerbContext,
  name: string,
  flags: RegistryFlags,
  loud: boolean,
): Promise<StoredImage> {
  const { parseReference } = await import('../../runtimes/container/images/reference.ts');
  const { pullImage } = await import('../../runtimes/container/images/registry/pull.ts');
  const { parsePlatform } = await import('../../runtimes/container/images/registry/platform.ts');
  const reference = parseReference(name);
  return pullImage(
    await openStore(context),
    await registryOf(context, reference.registry, flags),
    reference,
    {
      platform: flags.platform === undefined ? undefined : parsePlatform(flags.platform),
      signal: context.signal,
      say: (line) => {
        if (loud) context.terminal.err(`${line}\n`);
      },
    },
  );
}

async function registryOf(context: VerbContext, host: string, flags: RegistryFlags) {
  const { Registry } = await import('../../runtimes/container/images/registry/registry.ts');
  const { parseCredentials, storedCredentials } =
    await import('../../runtimes/container/images/registry/credentials.ts');
  if (flags.tlsVerify !== undefined && !['true', 'false'].includes(flags.tlsVerify))
    throw new BenchError('usage-tls-verify', `--tls-verify is true or false, not '${flags.tlsVerify}'`);
  return new Registry(host, {
    credentials: flags.creds === undefined ? await storedCredentials(host) : parseCredentials(flags.creds),
    caFile: flags.tlsCa,
    tlsVerify: flags.tlsVerify !== 'false',
    signal: context.signal,
  });
}

async function openStore(context: VerbContext) {
  const { openImageStore } = await import('../../runtimes/container/images/store/image-store.ts');
  return openImageStore(context.paths.cacheDir);
}

/** Our own runtime, for RUN steps; its launcher is compiled (or found) only when a build has one. */
function stepRunner(context: VerbContext): StepRunner {
  return {
    async run(step) {
      const { stepRunner: runnerOf } = await import('../../runtimes/container/step-runner.ts');
      return (await runnerOf({ cacheDir: context.paths.cacheDir })).run(step);
    },
  };
}

/** Now, or the moment SOURCE_DATE_EPOCH names (reproducible-builds.org), in seconds. */
function timeOfBuild(env: NodeJS.ProcessEnv = process.env): { now: string; reproducible: boolean } {
  const epoch = env.SOURCE_DATE_EPOCH;
  if (epoch === undefined || epoch === '') return { now: new Date().toISOString(), reproducible: false };
  if (!/^[0-9]{1,11}$/.test(epoch))
    throw new BenchError('usage-source-date-epoch', `SOURCE_DATE_EPOCH: '${epoch}' is no number of seconds`);
  return { now: new Date(Number(epoch) * 1000).toISOString(), reproducible: true };
}

/** Instructions given by --change, applied to an empty config. */
async function changedProcess(lines: string[]): Promise<ProcessConfig> {
  const { applyChanges } = await import('../../runtimes/container/images/build/apply-changes.ts');
  return applyChanges({}, lines);
}

/** `NAME=value`; `NAME` alone takes the value of that environment variable, as with Docker. */
function pairs(words: string[], env: NodeJS.ProcessEnv): Map<string, string> {
  return new Map(
    words.map((each) => {
      const equals = each.indexOf('=');
      if (equals > 0) return [each.slice(0, equals), each.slice(equals + 1)];
      const value = env[each];
      if (value === undefined)
        throw new BenchError('usage-pair', `'${each}' is not of the form NAME=value`, {
          hint: 'and there is no environment variable of that name',
        });
      return [each, value];
    }),
  );
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

function shortId(digest: string): string {
  return digest.slice('sha256:'.length, 'sha256:'.length + 12);
}
