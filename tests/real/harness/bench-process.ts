import { execa, type ResultPromise } from 'execa';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packagePath } from '../../../results/package-root.ts';

/** A folder to run `bench` in, removed at the end of the test. */
export function workFolder(): { path: string; matrix(text: string): string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'tare-real-'));
  return {
    path,
    matrix(text) {
      const file = join(path, 'test.yaml');
      writeFileSync(file, text);
      return file;
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Starts the built `bench`, as an installed package would run it. */
export function bench(
  cwd: string,
  args: string[],
): ResultPromise<{ reject: false; cwd: string; timeout: number }> {
  return execa('node', [packagePath('dist/bench.mjs'), ...args], { cwd, reject: false, timeout: 600_000 });
}

/** The owner tags that `bench run` draws; other tests name theirs otherwise. */
const RUN_TAG = /tare-[0-9a-f]{8}/;

/** What a run could leave behind on this host, as one comparable value. */
export function hostState(): { mounts: string[]; namespaces: string[]; cgroups: string[]; links: string[] } {
  return {
    mounts: readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => RUN_TAG.test(line))
      .map((line) => line.split(' ')[4] ?? ''),
    namespaces: list('/run/netns').filter((name) => RUN_TAG.test(name)),
    cgroups: list('/sys/fs/cgroup').flatMap((hierarchy) =>
      list(join('/sys/fs/cgroup', hierarchy, 'tare'))
        .filter((name) => RUN_TAG.test(name))
        .map((name) => `${hierarchy}/${name}`),
    ),
    links: list('/sys/class/net').filter((name) => RUN_TAG.test(name)),
  };
}

/** Hierarchies in which our parent cgroup stands although nothing is in it. */
export function emptyParents(): string[] {
  return list('/sys/fs/cgroup').filter((hierarchy) => {
    const parent = join('/sys/fs/cgroup', hierarchy, 'tare');
    return (
      existsSync(parent) && !readdirSync(parent, { withFileTypes: true }).some((entry) => entry.isDirectory())
    );
  });
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Resolves when `text` has appeared in a running process's stderr, which is left open. */
export function sawOnStderr(running: ReturnType<typeof bench>, text: string | RegExp): Promise<void> {
  let seen = '';
  return new Promise((resolve, reject) => {
    const look = (chunk: unknown): void => {
      seen += String(chunk);
      if (typeof text === 'string' ? seen.includes(text) : text.test(seen)) resolve();
    };
    running.stderr?.on('data', look);
    void running.finally(() => reject(new Error(`bench ended before it said ${String(text)}:\n${seen}`)));
  });
}
