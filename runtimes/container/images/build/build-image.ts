import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { chmodSync, chownSync, createReadStream, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { BenchError } from '../../../../results/bench-error.ts';
import type { StepRunner } from '../contract.ts';
import { DEFAULT_PATH } from '../defaults.ts';
import { DockerIgnore } from '../dockerfile/docker-ignore.ts';
import { expand } from '../dockerfile/expand.ts';
import type { Dockerfile, Instruction, Stage } from '../dockerfile/instruction.ts';
import { parseDockerfile, parseInstruction } from '../dockerfile/parse.ts';
import { didYouMean, dockerfileError, type Place } from '../dockerfile/problem.ts';
import { hostArchitecture } from '../format/config.ts';
import { chainIds, type Digest } from '../format/digest.ts';
import { packLayer, type PackItem } from '../layer/pack.ts';
import { upperDiff } from '../layer/upper-diff.ts';
import { scanTree } from '../native/layer-tool.ts';
import { dataLengthOf } from '../tar/writer.ts';
import type { ImageStore, StoredImage } from '../store/image-store.ts';
import { parseOwner } from './accounts.ts';
import { ArchiveExpander } from './add-archive.ts';
import { readStep, stepKey, writeStep } from './build-cache.ts';
import { commandArgv, configAfter, expander, workdirAfter } from './config-step.ts';
import { copyItems, newDirectory } from './copy.ts';
import { resolveInside } from './image-path.ts';
import { withoutMountStubs } from './mount-stubs.ts';
import { neededStages, stageIndex, targetStage } from './needed-stages.ts';
import { contextTree, layersTree, type SourceTree } from './source-tree.ts';
import {
  appendLayer,
  emptyStage,
  environment,
  environmentList,
  lowerLayers,
  stackOf,
  stageFrom,
  topOf,
  type StageState,
} from './stage-state.ts';

export interface BuildRequest {
  /** Folder of the build context. */
  context: string;
  /** Path of the Dockerfile. */
  file: string;
  names: string[];
  target?: string;
  buildArgs: ReadonlyMap<string, string>;
  labels?: Readonly<Record<string, string>>;
  noCache?: boolean;
  network?: 'none' | 'host' | 'bridge';
  /** Time for what has none of its own: SOURCE_DATE_EPOCH, or now. ISO 8601. */
  now: string;
  /** Set when `now` was asked for: then equal builds give equal digests. */
  reproducible: boolean;
  signal?: AbortSignal;
}

/** What a build needs from outside. */
export interface BuildTools {
  store: ImageStore;
  /** Runs RUN steps; without one such a step is refused. */
  runner: StepRunner | undefined;
  /** Brings an image that the store does not have. */
  pull(name: string): Promise<StoredImage>;
  /** One line of progress. */
  say(line: string): void;
  /** What a RUN step prints. */
  output(chunk: Uint8Array): void;
}

/** Arguments every build knows without declaring a default; they do not change the cache (Docker's predefined ARGs). */
const PROXY_ARGS = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap((name) => [
  name,
  name.toLowerCase(),
]);

/** Builds an image from a Dockerfile. */
export async function buildImage(request: BuildRequest, tools: BuildTools): Promise<StoredImage> {
  const text = await readFile(request.file, 'utf8').catch((cause: unknown) => {
    throw new BenchError('bad-dockerfile', `cannot read ${request.file}`, { cause, hint: 'name it with -f' });
  });
  const dockerfile = parseDockerfile(text, request.file);
  const target = targetStage(dockerfile, request.target);
  refuseUnknownArgs(dockerfile, request.buildArgs);
  const ignore = new DockerIgnore(await ignoreText(request));
  const builder = new Builder(request, tools, dockerfile, contextTree(request.context, ignore));
  return tools.store.adding(() => builder.build(target));
}

/** `<Dockerfile>.dockerignore` goes before `.dockerignore`, as with Docker. */
async function ignoreText({ file, context }: BuildRequest): Promise<string> {
  for (const candidate of [`${file}.dockerignore`, join(context, '.dockerignore')]) {
    const text = await readFile(candidate, 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
  }
  return '';
}

function refuseUnknownArgs(dockerfile: Dockerfile, given: ReadonlyMap<string, string>): void {
  const steps = [...dockerfile.globals, ...dockerfile.stages.flatMap((stage) => stage.steps)];
  const known = steps.flatMap((step) => (step.name === 'ARG' ? step.args.map(({ name }) => name) : []));
  for (const name of given.keys())
    if (!known.includes(name) && !PROXY_ARGS.includes(name))
      throw new BenchError('bad-dockerfile-arg', `${dockerfile.file} declares no ARG ${name}`, {
        hint: didYouMean(name, known) ?? 'remove --build-arg, or declare it with ARG',
      });
}

class Builder {
  readonly #request: BuildRequest;
  readonly #tools: BuildTools;
  readonly #dockerfile: Dockerfile;
  readonly #context: SourceTree;
  readonly #stages = new Map<number, StageState>();
  readonly #madeSec: number;

  constructor(request: BuildRequest, tools: BuildTools, dockerfile: Dockerfile, context: SourceTree) {
    this.#request = request;
    this.#tools = tools;
    this.#dockerfile = dockerfile;
    this.#context = context;
    this.#madeSec = Math.floor(Date.parse(request.now) / 1000);
  }

  async build(target: number): Promise<StoredImage> {
    for (const index of neededStages(this.#dockerfile, target)) {
      const stage = this.#dockerfile.stages[index];
      if (stage) this.#stages.set(index, await this.#buildStage(stage, index));
    }
    const state = this.#stages.get(target);
    if (!state) throw new Error('the target stage was not built');
    const { labels } = this.#request;
    if (labels && Object.keys(labels).length > 0)
      state.config.config = { ...state.config.config, Labels: { ...state.config.config.Labels, ...labels } };
    state.config.created = this.#request.reproducible
      ? this.#request.now
      : (state.createdAt ?? this.#request.now);
    const { store } = this.#tools;
    const [first, ...others] = this.#request.names;
    let image = await store.add(state.config, state.layers, first);
    for (const other of others) image = await store.name(image.descriptor, other);
    return image;
  }

  async #buildStage(stage: Stage, index: number): Promise<StageState> {
    const place = { file: this.#dockerfile.file, line: stage.from.line };
    const globals = this.#globalArgs();
    const name = expand(stage.from.image, (each) => globals.get(each), this.#dockerfile.escape, place);
    const platform =
      stage.from.platform &&
      expand(stage.from.platform, (each) => globals.get(each), this.#dockerfile.escape, place);
    if (platform && platform.split('/').slice(0, 2).join('/') !== `linux/${hostArchitecture()}`)
      throw dockerfileError(
        place,
        `cannot build for ${platform} here`,
        `this machine is linux/${hostArchitecture()}`,
      );
    const count = stage.steps.length + 1;
    this.#tools.say(`${this.#label(stage, index, 1, count)} FROM ${name}`);
    const state = await this.#base(name, index, place);
    const triggers = (state.config.config.OnBuild ?? []).map((text) =>
      parseInstruction(text, { file: `${name} (ONBUILD)`, line: 1 }, '\\'),
    );
    state.config.config = { ...state.config.config, OnBuild: undefined };
    for (const step of triggers) await this.#step(state, step, index, globals, `${name} (ONBUILD)`);
    for (const [i, step] of stage.steps.entries()) {
      this.#request.signal?.throwIfAborted();
      this.#tools.say(`${this.#label(stage, index, i + 2, count)} ${step.text}`);
      await this.#step(state, step, index, globals, this.#dockerfile.file);
    }
    return state;
  }

  #label(stage: Stage, index: number, step: number, count: number): string {
    return `[${stage.name ?? `stage-${index}`} ${step}/${count}]`;
  }

  /** Values of the ARGs before the first FROM; later ones may use earlier ones. */
  #globalArgs(): Map<string, string> {
    const values = new Map(Object.entries(platformArgs()));
    for (const step of this.#dockerfile.globals)
      for (const arg of step.args) {
        const place = { file: this.#dockerfile.file, line: step.line };
        const given = this.#request.buildArgs.get(arg.name);
        const fallback =
          arg.default === undefined
            ? undefined
            : expand(arg.default, (each) => values.get(each), this.#dockerfile.escape, place);
        const value = given ?? fallback;
        if (value !== undefined) values.set(arg.name, value);
      }
    return values;
  }

  async #base(name: string, index: number, place: Place): Promise<StageState> {
    if (name === '') throw dockerfileError(place, 'FROM an empty name', 'does an ARG lack its value?');
    if (name === 'scratch') return emptyStage();
    const other = /^[0-9]+$/.test(name) ? undefined : stageIndex(this.#dockerfile, name, index);
    const built = other === undefined ? undefined : this.#stages.get(other);
    if (built) return { ...stageFrom(built.config, built.layers, built.facts), createdAt: built.createdAt };
    const { store, pull } = this.#tools;
    const image = (await store.find(name)) ?? (await pull(name));
    const facts = await store.unpackLayers(image, this.#request.signal);
    return stageFrom(image.config, image.manifest.layers, facts);
  }

  async #step(
    state: StageState,
    step: Instruction,
    index: number,
    globals: ReadonlyMap<string, string>,
    file: string,
  ): Promise<void> {
    const place = { file, line: step.line };
    const { escape } = this.#dockerfile;
    const value = expander(state.config.config, state.args, escape, place);
    switch (step.name) {
      case 'ARG':
        for (const arg of step.args) {
          const fallback = arg.default === undefined ? globals.get(arg.name) : value(arg.default);
          const chosen = this.#request.buildArgs.get(arg.name) ?? fallback;
          if (chosen !== undefined) state.args.set(arg.name, chosen);
        }
        this.#history(state, step.text, true);
        return;
      case 'RUN':
        return this.#run(state, step, place);
      case 'COPY':
      case 'ADD':
        return this.#copy(state, step, index, place, value);
      case 'WORKDIR':
        return this.#workdir(state, step.text, value(step.value));
      case 'MAINTAINER':
        state.config.author = step.value;
        this.#history(state, step.text, true);
        return;
      default: {
        const changed = configAfter(step, state.config.config, value, place, escape);
        if (!changed) throw new Error(`${step.name} was not handled`);
        state.config.config = changed;
        this.#history(state, step.text, true);
      }
    }
  }

  async #run(state: StageState, step: Instruction & { name: 'RUN' }, place: Place): Promise<void> {
    const process = state.config.config;
    const argv = commandArgv(step.command, process);
    const env = environment(process);
    const buildEnv = new Map([...this.#proxyArgs(), ...state.args, ...env]);
    if (!buildEnv.has('PATH')) buildEnv.set('PATH', DEFAULT_PATH);
    const network = step.network === 'default' ? (this.#request.network ?? 'none') : step.network;
    const key = stepKey({
      step: 'RUN',
      below: topOf(state),
      argv,
      // Proxies say how to reach the network, not what to build.
      env: environmentList(new Map([...state.args, ...env])),
      cwd: process.WorkingDir ?? '/',
      user: process.User ?? '',
      network,
    });
    await this.#layer(state, step.text, key, async () => {
      const { runner, store } = this.#tools;
      if (!runner)
        throw dockerfileError(
          place,
          'RUN needs the container runtime, which is not available here',
          'bench doctor tells why',
        );
      const scratch = await mkdtemp(join(store.root, 'partial', 'run-'));
      try {
        const [upperDir, workDir] = [join(scratch, 'upper'), join(scratch, 'work')];
        await mkdir(upperDir);
        await mkdir(workDir);
        likeTopRoot(upperDir, state);
        const outcome = await runner.run({
          layers: state.facts.map(({ tree }) => tree),
          upperDir,
          workDir,
          argv,
          env: environmentList(buildEnv),
          cwd: process.WorkingDir ?? '/',
          user: process.User ?? '',
          network,
          signal: this.#request.signal,
          onOutput: (chunk) => this.#tools.output(chunk),
        });
        if (outcome.exitCode !== 0)
          throw new BenchError(
            'image-step-failed',
            `${place.file}:${place.line}: RUN ended with ${outcome.exitCode === null ? `signal ${outcome.signal}` : `exit code ${outcome.exitCode}`}: ${argv.join(' ')}`,
          );
        const records = await scanTree(await store.layerTool(), upperDir, this.#request.signal);
        const items = withoutMountStubs(upperDiff(upperDir, records), stackOf(state));
        return items.length === 0 ? null : await this.#pack(items);
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    });
  }

  async #copy(
    state: StageState,
    step: Instruction & { name: 'COPY' | 'ADD' },
    index: number,
    place: Place,
    value: (text: string) => string,
  ): Promise<void> {
    const image = stackOf(state);
    const source = step.from === undefined ? this.#context : await this.#copySource(value(step.from), index);
    const expanderOfArchives = new ArchiveExpander(join(this.#tools.store.root, 'partial'), place);
    try {
      const items = await copyItems(
        {
          sources: step.sources.map((each) => value(each)),
          target: value(step.target),
          workdir: state.config.config.WorkingDir ?? '/',
          owner: step.chown === undefined ? undefined : parseOwner(value(step.chown), image, place),
          mode: step.chmod === undefined ? undefined : octalMode(value(step.chmod), place),
          place,
          madeSec: this.#request.reproducible ? this.#madeSec : 0,
        },
        source,
        image,
        step.name === 'ADD' ? (content, target) => expanderOfArchives.expand(content, target) : undefined,
      );
      const key = stepKey({ step: 'COPY', below: topOf(state), content: await contentDigest(items) });
      await this.#layer(state, step.text, key, () => this.#pack(items));
    } finally {
      await expanderOfArchives.discard();
    }
  }

  async #copySource(from: string, index: number): Promise<SourceTree> {
    const tool = await this.#tools.store.layerTool();
    const stage = stageIndex(this.#dockerfile, from, index);
    const built = stage === undefined ? undefined : this.#stages.get(stage);
    if (built) return layersTree(lowerLayers(built), tool, `stage '${from}'`);
    const image = (await this.#tools.store.find(from)) ?? (await this.#tools.pull(from));
    const facts = await this.#tools.store.unpackLayers(image, this.#request.signal);
    return layersTree(
      lowerLayers(stageFrom(image.config, image.manifest.layers, facts)),
      tool,
      `image '${from}'`,
    );
  }

  /** WORKDIR makes its directory when the image lacks it. */
  async #workdir(state: StageState, text: string, wanted: string): Promise<void> {
    const path = workdirAfter(state.config.config, wanted);
    state.config.config = { ...state.config.config, WorkingDir: path };
    const image = stackOf(state);
    const { path: canonical, sight } = resolveInside(image, Buffer.from(path).toString('latin1'));
    if (canonical.length === 0 || sight.type === 'directory') return this.#history(state, text, true);
    const items: PackItem[] = [];
    for (let depth = 1; depth <= canonical.length; depth++) {
      const parent = canonical.slice(0, depth);
      if (image.look(parent).type === 'directory') continue;
      const madeSec = this.#request.reproducible ? this.#madeSec : 0;
      items.push({ member: newDirectory(parent.join('/'), undefined, madeSec), content: null });
    }
    const key = stepKey({ step: 'WORKDIR', below: topOf(state), path });
    await this.#layer(state, text, key, () => this.#pack(items));
  }

  /** Makes a layer, or takes the one that the same step made before. */
  async #layer(
    state: StageState,
    text: string,
    key: Digest,
    make: () => Promise<{ descriptor: StageState['layers'][number]; diffId: Digest } | null>,
  ): Promise<void> {
    const { store, say } = this.#tools;
    const cached = this.#request.noCache ? undefined : await readStep(store.root, key);
    const usable =
      cached && (cached.layer === null || (await store.blobs.has(cached.layer.descriptor.digest)));
    if (usable) say('  cached');
    const made = usable ? cached.layer : await make();
    const created = usable ? cached.created : this.#request.now;
    state.createdAt = created;
    if (made === null) {
      if (!usable) await writeStep(store.root, key, { layer: null, created });
      return this.#history(state, text, true);
    }
    const { descriptor, diffId } = made;
    const chainId = chainIds([...(state.config.rootfs.diff_ids ?? []), diffId]).at(-1) ?? diffId;
    const facts = await store.layers.ensure(chainId, diffId, state.facts, () => ({
      file: store.blobs.path(descriptor.digest),
      what: `layer ${descriptor.digest}`,
      digest: descriptor.digest,
      signal: this.#request.signal,
    }));
    appendLayer(state, descriptor, facts);
    if (!usable) await writeStep(store.root, key, { layer: { descriptor, diffId, chainId }, created });
    this.#history(state, text, false);
  }

  #pack(items: PackItem[]): ReturnType<typeof packLayer> {
    return packLayer(this.#tools.store.blobs, items, this.#request.signal);
  }

  #history(state: StageState, text: string, empty: boolean): void {
    state.config.history = [
      ...(state.config.history ?? []),
      {
        created: this.#request.reproducible ? this.#request.now : (state.createdAt ?? this.#request.now),
        created_by: text,
        ...(empty ? { empty_layer: true } : {}),
      },
    ];
  }

  #proxyArgs(): Map<string, string> {
    return new Map([...this.#request.buildArgs].filter(([name]) => PROXY_ARGS.includes(name)));
  }
}

/** overlayfs shows the upper directory's own attributes as the root's. */
function likeTopRoot(upperDir: string, state: StageState): void {
  const top = state.facts.at(-1);
  const stats = top && lstatSync(top.tree);
  chmodSync(upperDir, (stats?.mode ?? 0o755) & 0o7777);
  if (stats && process.geteuid?.() === 0) chownSync(upperDir, stats.uid, stats.gid);
}

/** Digest of what a COPY brings: names, modes, owners, attributes and bytes; not times, which git does not keep. */
async function contentDigest(items: PackItem[]): Promise<Digest> {
  const hash = createHash('sha256');
  for (const { member, content, contentOffset } of items) {
    const { type, path, linkTarget, mode, uid, gid, size, devMajor, devMinor, segments } = member;
    hash.update(
      JSON.stringify({ type, path, linkTarget, mode, uid, gid, size, devMajor, devMinor, segments }),
    );
    for (const [name, value] of member.xattrs) hash.update(JSON.stringify([name, value.toString('latin1')]));
    const length = dataLengthOf(member);
    if (member.type !== 'file' || !content || length === 0) continue;
    const range =
      contentOffset === undefined ? {} : { start: contentOffset, end: contentOffset + length - 1 };
    for await (const chunk of createReadStream(content, range)) hash.update(chunk as Buffer);
  }
  return 'sha256:' + hash.digest('hex');
}

function octalMode(text: string, place: Place): number {
  if (!/^[0-7]{3,4}$/.test(text)) throw dockerfileError(place, `--chmod: '${text}' is no octal mode`);
  return parseInt(text, 8);
}

/** Docker's automatic platform ARGs; a stage sees them when it declares them. */
function platformArgs(): Record<string, string> {
  const arch = hostArchitecture();
  return {
    TARGETPLATFORM: `linux/${arch}`,
    TARGETOS: 'linux',
    TARGETARCH: arch,
    BUILDPLATFORM: `linux/${arch}`,
    BUILDOS: 'linux',
    BUILDARCH: arch,
  };
}
