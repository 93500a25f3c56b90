import { build } from 'esbuild';
import { execa, type Options, type Result } from 'execa';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { packagePath } from '../../../../results/package-root.ts';
import { hierarchies, hostLayout } from '../../../../runtimes/cgroup/layout.ts';

/** What real tests of `bench container` share: the command as a person calls it, and a network namespace that plays the host. */
export const IMAGE = 'tare/guest';

export interface CliRig {
  /** `bench container …`, in the namespace that plays the host where there is one. */
  bench(...argv: string[]): Promise<Result>;
  benchWith(options: Options, ...argv: string[]): Promise<Result>;
  /** The same as a program with its arguments, for those who start it themselves. */
  commandLine(...argv: string[]): [string, string[]];
  /** A name of this test run's own. */
  name(word: string): string;
  /** Starts `sh -c script` in the background and hands back its name. */
  detached(word: string, script: string, ...flags: string[]): Promise<string>;
  /** Must succeed; its output. */
  out(...argv: string[]): Promise<string>;
  /** Removes what was started. */
  close(): Promise<void>;
  /** The same, and the bundle. */
  end(): Promise<void>;
}

/**
 * The command as it is shipped: bundled once for a file of tests, since sources through a compiler take seconds to start, and a
 * file of tests starts it a hundred times.
 */
async function bundle(folder: string): Promise<void> {
  await build({
    outdir: folder,
    entryPoints: { bench: packagePath('harness/cli/main.ts') },
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    splitting: true,
    format: 'esm',
    logLevel: 'error',
    external: ['@duckdb/node-api', 'canvas', 'osx-temperature-sensor'],
    banner: {
      js: "import { createRequire as tareCreateRequire } from 'node:module'; const require = tareCreateRequire(import.meta.url);",
    },
  });
}

/** @param netns the network namespace that plays the host; without it the machine's own. */
export async function cliRig(netns?: string): Promise<CliRig> {
  const folder = packagePath('node_modules', '.cache', `tare-tests-${process.pid}`);
  await bundle(folder);
  const made: string[] = [];
  const name = (word: string): string => `tt-${process.pid}-${word}`;
  const node = [process.execPath, join(folder, 'bench.mjs'), 'container'];
  const commandLine = (...argv: string[]): [string, string[]] => {
    const enter = netns === undefined ? [] : ['nsenter', `--net=/run/netns/${netns}`];
    const [program = '', ...rest] = [...enter, ...node, ...argv];
    return [program, rest];
  };
  const benchWith = async (options: Options, ...argv: string[]): Promise<Result> =>
    execa(...commandLine(...argv), {
      cwd: packagePath(),
      reject: false,
      ...(options.input === undefined ? { stdin: 'ignore' } : {}),
      timeout: 60_000,
      ...options,
    });
  const bench = (...argv: string[]): Promise<Result> => benchWith({}, ...argv);
  const out = async (...argv: string[]): Promise<string> => {
    const result = await bench(...argv);
    assert.is(result.exitCode, 0, `${argv.join(' ')}: ${String(result.stderr)}`);
    return String(result.stdout);
  };
  const close = async (): Promise<void> => {
    const names = made.splice(0);
    for (const each of names) await bench('rm', '-f', '-v', each);
    const left = String((await bench('ps', '-a', '--format', '{{.name}}')).stdout).split('\n');
    assert.equal(
      names.filter((each) => left.includes(each)),
      [],
      'what was started could be removed',
    );
  };
  return {
    bench,
    benchWith,
    commandLine,
    name,
    out,
    async detached(word, script, ...flags) {
      made.push(name(word));
      await out('run', '-d', '--name', name(word), ...flags, IMAGE, 'sh', '-c', script);
      return name(word);
    },
    close,
    async end() {
      await close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Tries for some seconds. */
export async function until(what: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 80; tries++) {
    if (await what()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.unreachable('it did not come');
}

/** A server inside that answers every connection with `served` and who asked. */
export function server(port = 8080): string {
  return `exec perl -MIO::Socket::INET -e '$s=IO::Socket::INET->new(LocalPort=>${port},Listen=>5,ReuseAddr=>1); while($c=$s->accept){print $c "served ".$c->peerhost; close $c}'`;
}

/** Asks an address and prints the answer, or `refused`. */
export function asking(host: string, port: number): string {
  return `perl -MIO::Socket::INET -e '$c=IO::Socket::INET->new(PeerAddr=>"${host}",PeerPort=>${port},Timeout=>3) or do{print "refused"; exit}; print <$c>'`;
}

/**
 * Two network namespaces joined by a cable: one plays the host, the other the world. Forwarding is off on the host, as it is on
 * most machines, and the world has no way back to containers.
 */
export interface World {
  host: string;
  /** Addresses of both ends of the cable. */
  hostAddress: string;
  worldAddress: string;
  /** Runs a shell script in one of them. */
  onHost(script: string): Promise<string>;
  inWorld(script: string): Promise<string>;
  close(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const [host, world] = [`tt-host-${process.pid}`, `tt-world-${process.pid}`];
  const [hostAddress, worldAddress] = ['198.18.200.1', '198.18.200.2'];
  const script = `set -e
    ip netns add ${host}; ip netns add ${world}
    ip -n ${host} link set lo up; ip -n ${world} link set lo up
    ip -n ${host} link add up0 type veth peer name up0 netns ${world}
    ip -n ${host} addr add ${hostAddress}/24 dev up0; ip -n ${host} link set up0 up
    ip -n ${world} addr add ${worldAddress}/24 dev up0; ip -n ${world} link set up0 up
    nsenter --net=/run/netns/${host} sh -c 'echo 0 > /proc/sys/net/ipv4/ip_forward'`;
  await execa('sh', ['-c', script]);
  const within = async (netns: string, text: string): Promise<string> => {
    const argv = [`--net=/run/netns/${netns}`, 'sh', '-c', text];
    return String((await execa('nsenter', argv, { reject: false, timeout: 30_000, stdin: 'ignore' })).stdout);
  };
  return {
    host,
    hostAddress,
    worldAddress,
    onHost: (text) => within(host, text),
    inWorld: (text) => within(world, text),
    async close() {
      for (const netns of [host, world]) {
        // A namespace without a name lives on in the servers that were left in it.
        const { stdout } = await execa('ip', ['netns', 'pids', netns], { reject: false });
        for (const pid of stdout.split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL');
        await execa('ip', ['netns', 'del', netns], { reject: false });
      }
    },
  };
}

/** Everything of containers that a host keeps, by name. */
export function containerState(): string[] {
  const below = (folder: string): string[] =>
    existsSync(folder)
      ? readdirSync(folder, { withFileTypes: true }).map((entry) => join(folder, entry.name))
      : [];
  const cgroups = hierarchies(hostLayout()).flatMap((mount) =>
    below(join(mount, 'tare', 'containers')).filter((path) => /\/[0-9a-f]{12}$/.test(path)),
  );
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => /tare\/containers|tare-net-/.test(path));
  const folders = ['/run/tare/containers', '/run/tare/networks', '/var/lib/tare/containers'];
  const stores = ['/var/lib/tare/volumes', '/var/lib/tare/networks'];
  const pinned = below('/run/netns').filter((path) => path.includes('tare-net-'));
  return [...[...folders, ...stores].flatMap(below), ...pinned, ...cgroups, ...mounts];
}

/** What is there that was not before, but for containers of others who use the machine meanwhile. */
export function leftBehind(before: readonly string[]): string[] {
  return containerState().filter((path) => {
    if (before.includes(path)) return false;
    const tests = /\/tt-(\d+)-/.exec(path)?.[1];
    if (tests !== undefined && tests !== String(process.pid)) return false;
    const id = /[0-9a-f]{12}(?=$|\/)/.exec(path)?.[0] ?? '';
    const record = `/var/lib/tare/containers/${id}/record.json`;
    const ours = `"name": "tt-${process.pid}-`;
    return !existsSync(record) || readFileSync(record, 'utf8').includes(ours);
  });
}
