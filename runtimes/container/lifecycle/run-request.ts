import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';
import type { CgroupLimits } from '../../cgroup/limits.ts';
import { parseCpuList } from '../../cgroup/oci-resources.ts';
import type { ProcessConfig } from '../images/format/config.ts';
import { DEFAULT_PATH } from '../spec/default-spec.ts';
import type { OciMount } from '../spec/oci-spec.ts';
import { parsePort } from './bridge.ts';
import type { CreateRequest } from './create.ts';

/** Flags of `run` and `create` as they were typed. */
export interface RunFlags {
  name?: string;
  hostname?: string;
  env: string[];
  volume: string[];
  publish: string[];
  memory?: string;
  cpus?: string;
  cpusetCpus?: string;
  cpuShares?: string;
  pidsLimit?: string;
  network: string;
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
  return {
    cacheDir,
    name: flags.name,
    imageName: source.name,
    layers: source.layers,
    argv,
    env: mergeEnv(config.Env ?? [DEFAULT_PATH], flags.env),
    cwd: flags.workdir ?? config.WorkingDir ?? '/',
    user: flags.user ?? config.User ?? '',
    hostname: flags.hostname,
    network: networkOf(flags.network),
    ports: flags.publish.map(parsePort),
    mounts: [...flags.volume.map(parseVolume), ...flags.tmpfs.map(parseTmpfs)],
    limits: limitsOf(flags),
    capAdd: flags.capAdd,
    capDrop: flags.capDrop,
    privileged: flags.privileged ?? false,
    readonlyRoot: flags.readOnly ?? false,
    terminal: flags.tty ?? false,
    interactive: flags.interactive ?? false,
    autoRemove: flags.rm ?? false,
    stopSignal: config.StopSignal ?? 'SIGTERM',
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

/** `host:inside[:ro]`. A host folder that does not exist is made, as Docker does. */
export function parseVolume(text: string): OciMount {
  const [host = '', inside = '', mode = 'rw', ...rest] = text.split(':');
  if (host === '' || !inside.startsWith('/') || rest.length > 0 || !['ro', 'rw'].includes(mode))
    throw new BenchError('volume-syntax', `'${text}' is not a volume`, {
      hint: 'host:inside or host:inside:ro, e.g. -v ./data:/data:ro',
    });
  const source = resolve(host);
  if (!existsSync(source)) mkdirSync(source, { recursive: true });
  const options = lstatSync(source).isDirectory() ? ['rbind'] : ['bind'];
  return { destination: inside, type: 'bind', source, options: [...options, 'nosuid', 'nodev', mode] };
}

function parseTmpfs(text: string): OciMount {
  const [destination = '', options = ''] = text.split(':');
  return {
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'nodev', 'noexec', ...options.split(',').filter(Boolean)],
  };
}

function networkOf(text: string): CreateRequest['network'] {
  if (text === 'none' || text === 'host' || text === 'bridge') return text;
  throw new BenchError('network-unknown', `there is no network '${text}'`, { hint: 'none, host or bridge' });
}

function limitsOf(flags: RunFlags): CgroupLimits {
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
