import { execa } from 'execa';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { machinePaths } from '../../harness/run/paths.ts';
import { packagePath } from '../../results/package-root.ts';
import { defaultSeccomp } from '../../runtimes/container/seccomp/default-profile.ts';
import { DEFAULT_CAPABILITIES } from '../../runtimes/container/spec/capabilities.ts';
import { defaultSpec } from '../../runtimes/container/spec/default-spec.ts';
import { ensureImage } from '../../runtimes/image/ensure-image.ts';
import { quantile } from './quantile.ts';

/**
 * `npm run bench:oci [rounds] [bundle…]`: what a call of the OCI command line costs, verb by verb, ours beside runc's, with
 * the cost of an empty Node.js program as ours can't be below it; then `docker run --rm … true` end to end with each, where
 * dockerd is installed. Bundles are folders that a build wrote (default: dist/), so that two builds can be compared in turn.
 *
 * Each call is a fresh process, as containerd's shim makes them; all in turn within a round, medians over the rounds.
 */
const ROUNDS = Number(process.argv[2] ?? 20);
const BUILDS = process.argv.length > 3 ? process.argv.slice(3) : [packagePath('dist')];
const VERBS = ['create', 'start', 'state', 'kill', 'delete'] as const;
const DOCKER_LIMIT_MS = 30_000;

type Times = Map<string, number[]>;

async function main(): Promise<void> {
  const { rootfs } = await ensureImage(machinePaths().cacheDir, (line) => console.error(line));
  const scratch = mkdtempSync('/var/tmp/tare-bench-oci-');
  const runtimes = [...BUILDS.map(commandOf), '/usr/sbin/runc'].filter((file) => existsSync(file));
  try {
    const bundle = join(scratch, 'bundle');
    mkdirSync(bundle);
    const spec = defaultSpec({
      rootfs,
      argv: ['sleep', '3600'],
      readonlyRoot: true,
      seccomp: defaultSeccomp(DEFAULT_CAPABILITIES),
    });
    writeFileSync(join(bundle, 'config.json'), JSON.stringify({ ...spec, ociVersion: '1.0.2' }));
    const times: Times = new Map();
    const empty = join(scratch, 'empty.cjs');
    writeFileSync(empty, '');
    const quiet = { ...process.env };
    delete quiet['NODE_EXTRA_CA_CERTS'];
    for (let round = -1; round < ROUNDS; round++) {
      const into = round < 0 ? new Map<string, number[]>() : times;
      await timed(into, 'node, an empty file', () => execa(process.execPath, [empty]));
      await timed(into, '… without NODE_EXTRA_CA_CERTS', () =>
        execa(process.execPath, [empty], { env: quiet, extendEnv: false }),
      );
      for (const runtime of runtimes) await life(into, runtime, bundle, join(scratch, 'state'), round);
    }
    print(`one call, ms, median of ${ROUNDS} in turn (quartiles)`, times);
    await dockerRuns(scratch, rootfs, runtimes);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The runtime's executable in a build's folder, whichever form that build has. */
function commandOf(folder: string): string {
  const names = ['tare-oci.cjs', 'tare-oci.mjs'].map((name) => join(folder, name));
  return names.find((file) => existsSync(file)) ?? names[0]!;
}

/** A container's life in the calls that Docker makes. */
async function life(
  times: Times,
  runtime: string,
  bundle: string,
  root: string,
  round: number,
): Promise<void> {
  const id = `tare-bench-${process.pid}-${round + 1}`;
  // The container keeps the streams it is given, so none of them may be a pipe that is read to its end.
  const call = (...words: string[]) => execa(runtime, ['--root', root, ...words], { stdio: 'ignore' });
  const words: Record<(typeof VERBS)[number], string[]> = {
    create: ['create', '--bundle', bundle, id],
    start: ['start', id],
    state: ['state', id],
    kill: ['kill', id, 'KILL'],
    delete: ['delete', id],
  };
  for (const verb of VERBS) {
    if (verb === 'delete') await untilStopped(runtime, root, id);
    await timed(times, `${nameOf(runtime)} ${verb}`, () => call(...words[verb]));
  }
}

async function untilStopped(runtime: string, root: string, id: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const { stdout } = await execa(runtime, ['--root', root, 'state', id]);
    if ((JSON.parse(stdout) as { status: string }).status === 'stopped') return;
    await sleep(10);
  }
  throw new Error(`${id} does not stop`);
}

function nameOf(runtime: string): string {
  if (!runtime.includes('tare-oci')) return basename(runtime);
  return BUILDS.length > 1 ? `tare-oci of ${basename(join(runtime, '..'))}` : 'tare-oci';
}

async function timed(times: Times, name: string, work: () => Promise<unknown>): Promise<void> {
  const begun = performance.now();
  await work();
  times.set(name, [...(times.get(name) ?? []), performance.now() - begun]);
}

/** `docker run` with a daemon of our own, so that a daemon of the host's is left alone. */
async function dockerRuns(scratch: string, rootfs: string, runtimes: readonly string[]): Promise<void> {
  if (!existsSync('/usr/sbin/dockerd')) {
    console.error(
      'docker is left out: apt-get install -y --no-install-recommends docker.io (its daemon need not run)',
    );
    return;
  }
  const socket = `unix://${scratch}/docker.sock`;
  const ours = runtimes.filter((file) => file.includes('tare-oci'));
  const log = openSync(join(scratch, 'dockerd.log'), 'w');
  const daemon = spawn(
    '/usr/sbin/dockerd',
    [
      ...['--data-root', join(scratch, 'data'), '--exec-root', join(scratch, 'exec')],
      ...['--pidfile', join(scratch, 'pid'), '--host', socket],
      ...['--bridge=none', '--iptables=false', '--ip6tables=false'],
      ...ours.flatMap((file, index) => ['--add-runtime', `tare${index}=${file}`]),
    ],
    { stdio: ['ignore', log, log] },
  );
  const docker = (...words: string[]) =>
    execa('/usr/bin/docker', ['-H', socket, ...words], { timeout: DOCKER_LIMIT_MS, reject: false });
  try {
    for (let tries = 0; (await docker('version')).failed; tries++) {
      if (tries > 100) throw new Error(`dockerd does not answer; see ${scratch}/dockerd.log`);
      await sleep(100);
    }
    await minimal(scratch, rootfs, docker);
    const times: Times = new Map();
    const named = [...ours.map((file, index) => [`tare${index}`, nameOf(file)] as const), ['runc', 'runc']];
    for (let round = -1; round < Math.min(ROUNDS, 15); round++)
      for (const [runtime = '', name] of named)
        await timed(round < 0 ? new Map() : times, `docker run with ${name}`, async () => {
          const said = await docker(
            ...['run', '--rm', '--network', 'none', '--runtime', runtime, 'mini', '/bin/true'],
          );
          if (said.failed) throw new Error(`docker run with ${name}: ${said.stderr}`);
        });
    print('docker run --rm --network none mini /bin/true, ms', times);
  } finally {
    const ended = new Promise((resolve) => daemon.once('exit', resolve));
    daemon.kill('SIGTERM');
    await ended;
  }
}

/** An image with a few programs: what is measured is the runtime, not the copying of a large tree. */
async function minimal(
  scratch: string,
  rootfs: string,
  docker: (...words: string[]) => ReturnType<typeof execa>,
): Promise<void> {
  const tree = join(scratch, 'mini');
  for (const path of ['usr/bin', 'usr/lib/x86_64-linux-gnu', 'usr/lib64', 'etc'])
    mkdirSync(join(tree, path), { recursive: true });
  for (const file of ['usr/bin/true', 'usr/lib/x86_64-linux-gnu/libc.so.6', 'usr/lib64/ld-linux-x86-64.so.2'])
    cpSync(join(rootfs, file), join(tree, file), { dereference: true });
  await execa('ln', ['-s', 'usr/bin', 'usr/lib64', 'usr/lib', tree]);
  await execa('tar', ['-C', tree, '-cf', join(scratch, 'mini.tar'), '.']);
  const said = await docker('import', join(scratch, 'mini.tar'), 'mini');
  if (said.failed) throw new Error(`docker import: ${String(said.stderr)}`);
}

function print(title: string, times: Times): void {
  console.log(`\n${title}`);
  const width = Math.max(...[...times.keys()].map((name) => name.length));
  for (const [name, list] of times) {
    const [low, middle, high] = [0.25, 0.5, 0.75].map((q) => quantile(list, q).toFixed(1));
    console.log(`  ${name.padEnd(width)}  ${middle?.padStart(7)}  (${low}–${high})`);
  }
}

await main();
