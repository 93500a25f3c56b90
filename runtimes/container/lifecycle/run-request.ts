import { readFileSync } from 'node:fs';
import { BenchError } from '../../../results/bench-error.ts';
import { parseCpuList } from '../../cgroup/oci-resources.ts';
import type { CgroupLimits } from '../../cgroup/limits.ts';
import type { ProcessConfig } from '../images/format/config.ts';
import { exposedPorts, parsePorts, type PublishedPort } from '../networks/ports.ts';
import { rootlessNetwork } from '../rootless/network-choice.ts';
import { hostPrivilege } from '../rootless/privilege.ts';
import { installedUserNetwork } from '../rootless/user-network.ts';
import { DEFAULT_PATH } from '../spec/default-spec.ts';
import type { ContainerMount } from '../volumes/mount.ts';
import { imageVolume, mergeMounts, parseMount, parseTmpfs, parseVolume } from '../volumes/mount-flags.ts';
import { findRecord } from './record.ts';
import type { CreateRequest } from './request.ts';

/** Flags of `run` and `create` as they were typed. */
export interface RunFlags extends LimitFlags {
  name?: string;
  hostname?: string;
  env: string[];
  envFile: string[];
  label: string[];
  volume: string[];
  mount: string[];
  volumesFrom: string[];
  publish: string[];
  publishAll?: boolean;
  networkAlias: string[];
  addHost: string[];
  dns: string[];
  nat?: boolean;
  stopSignal?: string;
  /** Without it: bridge for root, a user-mode network for anybody else. */
  network?: string;
  user?: string;
  workdir?: string;
  entrypoint?: string;
  capAdd: string[];
  capDrop: string[];
  securityOpt: string[];
  privileged?: boolean;
  readOnly?: boolean;
  interactive?: boolean;
  tty?: boolean;
  rm?: boolean;
  tmpfs: string[];
}

/** Limits as they are typed, of `run`, `create` and `update`. */
export interface LimitFlags {
  memory?: string;
  cpus?: string;
  cpusetCpus?: string;
  cpuShares?: string;
  pidsLimit?: string;
}

/** Where a container's files come from. */
export interface Source {
  name: string;
  layers: string[];
  config: ProcessConfig;
}

/** Flags and the image's own configuration, as one request. Flags win, as with Docker. */
export function runRequest(
  flags: RunFlags,
  source: Source,
  command: readonly string[],
  cacheDir: string,
): CreateRequest {
  const { config } = source;
  const entrypoint =
    flags.entrypoint !== undefined ? [flags.entrypoint].filter(Boolean) : (config.Entrypoint ?? []);
  // An entry point of one's own also sets the image's command aside.
  const rest = command.length > 0 || flags.entrypoint !== undefined ? command : (config.Cmd ?? []);
  const argv = [...entrypoint, ...rest];
  if (argv.length === 0)
    throw new BenchError('container-command', `${source.name} has no command of its own and none was given`, {
      hint: 'bench container run IMAGE COMMAND …',
    });
  const ports = [
    ...flags.publish.flatMap(parsePorts),
    ...(flags.publishAll ? exposedPorts(config.ExposedPorts) : []),
  ];
  return {
    cacheDir,
    name: flags.name,
    imageName: source.name,
    layers: source.layers,
    argv,
    env: mergeEnv(config.Env ?? [DEFAULT_PATH], [...flags.envFile.flatMap(readEnvFile), ...flags.env]),
    cwd: flags.workdir ?? config.WorkingDir ?? '/',
    user: flags.user ?? config.User ?? '',
    hostname: flags.hostname,
    network: networkOf(flags.network, ports),
    ports,
    aliases: flags.networkAlias,
    extraHosts: flags.addHost.map(checkHost),
    dns: flags.dns,
    nat: flags.nat ?? false,
    mounts: mountsOf(flags, config),
    limits: limitsOf(flags),
    capAdd: flags.capAdd,
    capDrop: flags.capDrop,
    privileged: flags.privileged ?? false,
    readonlyRoot: flags.readOnly ?? false,
    terminal: flags.tty ?? false,
    interactive: flags.interactive ?? false,
    autoRemove: flags.rm ?? false,
    stopSignal: flags.stopSignal ?? config.StopSignal ?? 'SIGTERM',
    labels: { ...config.Labels, ...parseLabels(flags.label) },
    seccompUnconfined: flags.securityOpt.includes('seccomp=unconfined'),
  };
}

/** Later ones win; a bare name takes the caller's value, or nothing when there is none. */
export function mergeEnv(base: readonly string[], added: readonly string[], own = process.env): string[] {
  const merged = new Map<string, string>();
  for (const each of [...base, ...added]) {
    const at = each.indexOf('=');
    const value = at < 0 ? own[each] : each.slice(at + 1);
    if (value !== undefined) merged.set(at < 0 ? each : each.slice(0, at), value);
  }
  return [...merged].map(([name, value]) => `${name}=${value}`);
}

/** What the image keeps in volumes, what other containers have, what was asked for here. */
function mountsOf(flags: RunFlags, config: ProcessConfig): ContainerMount[] {
  const asked = [
    ...flags.volume.map(parseVolume),
    ...flags.mount.map(parseMount),
    ...flags.tmpfs.map(parseTmpfs),
  ];
  const shared = flags.volumesFrom.flatMap(mountsFrom);
  const taken = new Set([...asked, ...shared].map((each) => each.destination));
  const own = Object.keys(config.Volumes ?? {}).filter((folder) => !taken.has(folder));
  return mergeMounts(own.map(imageVolume), shared, asked);
}

/** `--volumes-from NAME[:ro]`: the other's volumes and folders of the host at the same places. */
function mountsFrom(text: string): ContainerMount[] {
  const [name = '', mode, ...rest] = text.split(':');
  if (rest.length > 0 || (mode !== undefined && mode !== 'ro' && mode !== 'rw'))
    throw new BenchError('volume-syntax', `'${text}' names no container to take volumes from`, {
      hint: 'NAME or NAME:ro',
    });
  return findRecord(name)
    .request.mounts.filter((mount) => mount.type !== 'tmpfs')
    .map((mount) => ({
      ...mount,
      copy: false,
      options: mode === 'ro' ? [...mount.options.filter((each) => each !== 'rw'), 'ro'] : mount.options,
    }));
}

/** Lines of name=value; a bare name takes the caller's value, # begins a comment. */
function readEnvFile(path: string): string[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new BenchError('env-file', `${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  return text
    .split('\n')
    .map((line) => line.trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** `name=value`, or `name` for an empty value. */
export function parseLabels(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

/** `name:address`, for /etc/hosts. */
function checkHost(text: string): string {
  if (/^[A-Za-z0-9_.-]+:[0-9A-Fa-f:.]+$/.test(text)) return text;
  throw new BenchError('host-syntax', `'${text}' is not a name and an address`, {
    hint: 'name:address, e.g. --add-host db:198.18.0.9',
  });
}

/** Whether there is such a network is asked when the container gets its address. */
function networkOf(asked: string | undefined, ports: readonly PublishedPort[]): string {
  if (asked?.startsWith('container:')) return asked;
  if (hostPrivilege().kind !== 'root') return rootlessNetwork(asked, ports, installedUserNetwork());
  return asked === undefined || asked === 'default' ? 'bridge' : asked;
}

/** Limits of which none is given are not set. */
export function limitsOf(flags: LimitFlags): CgroupLimits {
  const limits: CgroupLimits = {};
  if (flags.memory !== undefined) limits.memoryBytes = parseBytes(flags.memory);
  if (flags.cpus !== undefined) limits.cpus = positive(flags.cpus, '--cpus');
  if (flags.cpusetCpus !== undefined) limits.cpuset = parseCpuList(flags.cpusetCpus);
  if (flags.cpuShares !== undefined) limits.cpuShares = positive(flags.cpuShares, '--cpu-shares');
  if (flags.pidsLimit !== undefined) limits.pids = positive(flags.pidsLimit, '--pids-limit');
  return limits;
}

/** 512m, 1g, 65536: as Docker's -m. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([bkmg]?)b?$/i.exec(text);
  if (!match)
    throw new BenchError('size-syntax', `'${text}' is not a size`, {
      hint: 'a number with b, k, m or g, e.g. 512m',
    });
  const power = ['', 'k', 'm', 'g'].indexOf((match[2] ?? '').toLowerCase().replace('b', ''));
  return Math.round(Number(match[1]) * 1024 ** power);
}

function positive(text: string, flag: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new BenchError('flag-value', `${flag} takes a number above 0, not '${text}'`);
  return value;
}
