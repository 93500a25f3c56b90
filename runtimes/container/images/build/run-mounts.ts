import { createHash } from 'node:crypto';
import { chmod, chown, mkdir, stat, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { BenchError } from '../../../../results/bench-error.ts';
import type { StepMount } from '../contract.ts';
import { DockerIgnore } from '../dockerfile/docker-ignore.ts';
import type { RunMount } from '../dockerfile/run-mount.ts';
import type { Place } from '../dockerfile/problem.ts';
import { LayerStack, NO_LOWER } from '../layer/lower-view.ts';
import type { PackItem } from '../layer/pack.ts';
import { unpackLayer } from '../layer/unpack.ts';
import { withLock } from '../store/store-lock.ts';
import { madeSec, sourceNamed, type BuildSession } from './build-session.ts';
import { contentDigest } from './content-digest.ts';
import { copyItems } from './copy.ts';
import { packItems } from './layer-step.ts';

/** The mounts of a RUN step: known before it is decided whether it runs, made only when it does. */
export interface PlannedMounts {
  /** What of them the step's result depends on; caches and secrets by name only, as their content must not matter. */
  key: string[];
  /** Makes them in `scratch`, and runs the work with them (and with the caches it has for itself). */
  within<T>(scratch: string, work: (mounts: StepMount[]) => Promise<T>): Promise<T>;
}

interface Planned {
  key: string;
  /** Name of the lock that is held meanwhile. */
  lock?: string;
  make(folder: string): Promise<StepMount[]>;
  /** Variables it brings. */
  env?: [string, string];
}

/** Looks up what the mounts of a step are. */
export async function planMounts(
  session: BuildSession,
  mounts: readonly RunMount[],
  context: { index: number; workdir: string; place: Place; value: (text: string) => string },
): Promise<PlannedMounts & { env: Map<string, string> }> {
  const planned: Planned[] = [];
  for (const mount of mounts) planned.push(await planOne(session, mount, context));
  const caches = join(session.tools.store.root, 'build-mounts');
  return {
    key: planned.map(({ key }) => key),
    env: new Map(planned.flatMap(({ env }) => (env ? [env] : []))),
    async within(scratch, work) {
      const made: StepMount[] = [];
      for (const [index, each] of planned.entries()) {
        const folder = join(scratch, `mount-${index}`);
        await mkdir(folder);
        made.push(...(await each.make(folder)));
      }
      const locks = [...new Set(planned.flatMap(({ lock }) => lock ?? []))].sort();
      return holding(caches, locks, () => work(made));
    },
  };
}

/** Holds all the locks, taken in their order, while the work goes on. */
function holding<T>(root: string, [first, ...others]: readonly string[], work: () => Promise<T>): Promise<T> {
  return first === undefined ? work() : withLock(root, first, () => holding(root, others, work));
}

async function planOne(
  session: BuildSession,
  mount: RunMount,
  {
    index,
    workdir,
    place,
    value,
  }: { index: number; workdir: string; place: Place; value: (text: string) => string },
): Promise<Planned> {
  const inside = (path: string): string => posix.resolve('/', workdir, value(path));
  switch (mount.type) {
    case 'tmpfs': {
      const target = inside(mount.target);
      const { sizeBytes } = mount;
      return { key: `tmpfs ${target}`, make: () => Promise.resolve([{ type: 'tmpfs', target, sizeBytes }]) };
    }
    case 'secret':
      return planSecret(session, mount, inside, place);
    case 'cache': {
      const target = inside(mount.target);
      const name = createHash('sha256').update(value(mount.id)).digest('hex').slice(0, 32);
      const source = join(session.tools.store.root, 'build-mounts', name);
      return {
        key: `cache ${target}`,
        lock: mount.exclusive ? name : undefined,
        async make() {
          const made = await mkdir(source, { recursive: true });
          if (made !== undefined) {
            await chmod(source, mount.mode);
            if (process.geteuid?.() === 0) await chown(source, mount.uid, mount.gid);
          }
          return [{ type: 'bind', source, target, writable: mount.writable }];
        },
      };
    }
    case 'bind': {
      const target = inside(mount.target);
      const tree =
        mount.from === undefined ? session.context : await sourceNamed(session, value(mount.from), index);
      const items = await copyItems(
        {
          sources: [value(mount.source)],
          loose: [],
          target: '/source',
          workdir: '/',
          owner: undefined,
          mode: undefined,
          exclude: new DockerIgnore(''),
          parents: false,
          place,
          madeSec: madeSec(session),
        },
        tree,
        new LayerStack([]),
      );
      return {
        key: `bind ${target} ${await contentDigest(items)}`,
        async make(folder) {
          await materialise(session, items, folder);
          // An empty folder brings no member.
          const source = join(folder, 'source');
          if (!(await stat(source).catch(() => undefined))) await mkdir(source);
          return [{ type: 'bind', source, target, writable: mount.writable }];
        },
      };
    }
  }
}

function planSecret(
  { request }: BuildSession,
  mount: RunMount & { type: 'secret' },
  inside: (path: string) => string,
  { file, line }: Place,
): Planned {
  const content = request.secrets?.get(mount.id);
  const key = `secret ${mount.id} ${mount.target ?? ''} ${mount.env ?? ''}`;
  if (content === undefined) {
    if (mount.required)
      throw new BenchError('bad-dockerfile-secret', `${file}:${line}: the secret '${mount.id}' is needed`, {
        hint: `--secret id=${mount.id},src=FILE`,
      });
    return { key, make: () => Promise.resolve([]) };
  }
  const { target } = mount;
  return {
    key,
    env: mount.env === undefined ? undefined : [mount.env, Buffer.from(content).toString('utf8')],
    async make(folder) {
      if (target === undefined) return [];
      const source = join(folder, 'secret');
      await writeFile(source, content, { mode: mount.mode });
      if (process.geteuid?.() === 0) await chown(source, mount.uid, mount.gid);
      return [{ type: 'bind', source, target: inside(target), writable: false }];
    },
  };
}

/** Items as files in a folder: packed and unpacked, so that what holds for layers holds for them. */
async function materialise(session: BuildSession, items: PackItem[], folder: string): Promise<void> {
  const { store } = session.tools;
  const { descriptor } = await packItems(session, items);
  await unpackLayer({
    file: store.blobs.path(descriptor.digest),
    what: 'a bind mount of the build',
    digest: descriptor.digest,
    diffId: null,
    lower: NO_LOWER,
    target: folder,
    tool: await store.layerTool(),
    signal: session.request.signal,
  });
}
