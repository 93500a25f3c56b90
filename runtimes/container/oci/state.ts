import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';

/** As runc has it: no separators, nothing that names a folder above. */
const ID = /^(?!\.{1,2}$)[A-Za-z0-9_+.-]{1,1024}$/;

const SCHEMA = 'tare.oci-state/1';

/** What is kept of a container between two calls of the command line. Everything else is asked of the kernel. */
export interface ContainerState {
  schema: typeof SCHEMA;
  ociVersion: string;
  id: string;
  bundle: string;
  rootfs: string;
  /** Host pid of the first process with its start time, since pids are used again; 0 while it is being made. */
  pid: number;
  startTime: string;
  /** ISO 8601. */
  created: string;
  /** Below the cgroup hierarchies. */
  cgroupPath: string;
  /** CLONE_NEW* bits of the namespaces that an exec has to enter. */
  namespaces: number;
  annotations: Record<string, string>;
}

/** What each key must be. By hand, as every call of the command line reads a state and loading a schema library costs more than the call. */
const SHAPE: Readonly<Record<keyof ContainerState, (value: unknown) => boolean>> = {
  schema: (value) => value === SCHEMA,
  ociVersion: isString,
  id: isString,
  bundle: isString,
  rootfs: isString,
  pid: isCount,
  startTime: isString,
  created: (value) => isString(value) && !Number.isNaN(Date.parse(value)),
  cgroupPath: (value) => isString(value) && value !== '',
  namespaces: isCount,
  annotations: (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every(isString),
};

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Text of a state file → state. @throws BenchError `oci-state-file` naming the key that is wrong. */
export function parseState(text: string, file: string): ContainerState {
  const told = JSON.parse(text) as Readonly<Record<string, unknown>>;
  for (const [key, holds] of Object.entries(SHAPE))
    if (!holds(told[key]))
      throw new BenchError('oci-state-file', `${file} is no state of this runtime: ${key} is wrong`, {
        hint: 'delete --force removes the container',
      });
  return told as unknown as ContainerState;
}

/** The folder with one folder per container (`--root`). On a tmpfs by default: a reboot ends every container. */
export class StateRoot {
  constructor(private readonly root: string) {}

  /** Claims an id; what is made for the container lies in the folder that it names. */
  claim(id: string): void {
    checkId(id);
    mkdirSync(this.root, { recursive: true, mode: 0o711 });
    try {
      mkdirSync(this.folder(id), { mode: 0o700 });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
      throw new BenchError('oci-exists', `container with given ID already exists: ${id}`, { cause });
    }
  }

  /** Written aside and renamed, so that a reader never sees half of it. */
  write(state: ContainerState): void {
    const file = join(this.folder(state.id), 'state.json');
    writeFileSync(`${file}.new`, JSON.stringify(state) + '\n', { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  /** @throws BenchError `oci-unknown`; its words are those that containerd looks for. */
  read(id: string): ContainerState {
    checkId(id);
    const file = join(this.folder(id), 'state.json');
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (cause) {
      throw new BenchError('oci-unknown', `container "${id}" does not exist`, { cause });
    }
    return parseState(text, file);
  }

  /** Every container whose state can be read, by id. */
  list(): ContainerState[] {
    let ids: string[];
    try {
      ids = readdirSync(this.root);
    } catch {
      return [];
    }
    return ids.sort().flatMap((id) => {
      try {
        return [this.read(id)];
      } catch {
        return []; // being made or removed at this moment
      }
    });
  }

  remove(id: string): void {
    checkId(id);
    rmSync(this.folder(id), { recursive: true, force: true });
  }

  /** The configuration as it was at create; the bundle may change afterwards. */
  configFile(id: string): string {
    return join(this.folder(id), 'config.json');
  }

  /** A byte written to it starts the program; it is gone once that happened. */
  startFifo(id: string): string {
    return join(this.folder(id), 'start.fifo');
  }

  /** The same for one exec; several may be under way at once. */
  execFifo(id: string): string {
    return join(this.folder(id), `exec-${randomUUID()}.fifo`);
  }

  private folder(id: string): string {
    return join(this.root, id);
  }
}

function checkId(id: string): void {
  if (!ID.test(id))
    throw new BenchError('oci-id', `'${id}' is no container id`, {
      hint: 'letters, digits, "_", "+", "." and "-"',
    });
}
