import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import * as z from 'zod';
import { BenchError } from '../../../../results/bench-error.ts';
import { decodeRecords, type LayerRecord } from '../layer/record.ts';
import { nameForPeople } from '../tar/entry.ts';

const failureSchema = z.object({
  record: z.number(),
  call: z.string(),
  errno: z.number(),
  reason: z.string(),
  path: z.string(),
});
const summarySchema = z.object({
  records: z.number(),
  dataBytes: z.number(),
  xattrsRefused: z.number(),
  /** Device nodes that only the host's root may make. */
  nodesRefused: z.number(),
});
export type ApplySummary = z.infer<typeof summarySchema>;

export interface ApplyOptions {
  /** Descriptor that records with a dataOffset refer to. */
  sourceFd?: number;
  /** Flush to the disk at the end. */
  sync?: boolean;
  /** Without the host's root; absent for root. */
  unprivileged?: UnprivilegedUnpack | false;
  signal?: AbortSignal;
}

/** How a layer is unpacked by an ordinary user: opaque marks go to user.overlay.*, device nodes are left out. */
export interface UnprivilegedUnpack {
  /** All files belong to the caller, whoever they belonged to. */
  squash: boolean;
  /** A program that runs the tool as root of a user namespace with the user's ids, where it has several. */
  inside: InsideCommand | null;
}

/** Starts a program in a user namespace: what to spawn instead, and what to write to its descriptor 4. */
export interface InsideCommand {
  file: string;
  args: string[];
  /** The plan for a program. */
  plan(argv: string[]): Uint8Array;
}

/** `tare-layer apply`: takes records, makes files. One process per layer; dies with us. */
export class LayerApplier {
  readonly #child: ChildProcess;
  readonly #input: Writable;
  readonly #ended: Promise<ApplySummary>;
  #broken = false;

  constructor(tool: string, root: string, options: ApplyOptions = {}) {
    const args = ['apply'];
    if (options.unprivileged) args.push('--user-xattrs');
    if (options.unprivileged && options.unprivileged.squash) args.push('--ignore-owner');
    if (options.sync) args.push('--sync');
    const inside = options.unprivileged ? options.unprivileged.inside : null;
    this.#child = spawn(inside?.file ?? tool, inside?.args ?? [...args, root], {
      stdio: [
        'pipe',
        'pipe',
        'pipe',
        options.sourceFd ?? 'ignore',
        ...(inside ? (['pipe', 'ignore'] as const) : []),
      ],
      env: {},
      signal: options.signal,
      killSignal: 'SIGKILL',
    });
    if (inside) feed(this.#child.stdio[4] as Writable, inside.plan([tool, ...args, root]));
    if (!this.#child.stdin) throw new Error('spawn gave no stdin');
    this.#input = this.#child.stdin;
    // A tool that stops early breaks the pipe; its own words, on stderr, are the error that is told.
    this.#input.on('error', () => (this.#broken = true));
    this.#ended = this.#collect();
    this.#ended.catch(() => (this.#broken = true));
  }

  /** Hands over records and content; resolves when more can be taken. */
  async write(pieces: Uint8Array[]): Promise<void> {
    if (this.#broken) await this.#ended;
    this.#input.cork();
    let room = true;
    for (const piece of pieces) room = this.#input.write(piece);
    this.#input.uncork();
    if (!room) await Promise.race([once(this.#input, 'drain'), this.#ended.then(() => undefined)]);
  }

  /** Closes the stream and waits for the tool's verdict. */
  async finish(): Promise<ApplySummary> {
    this.#input.end();
    return this.#ended;
  }

  /** Ends the tool at once; what it made so far is the caller's to remove. */
  async abandon(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended.catch(() => undefined);
  }

  async #collect(): Promise<ApplySummary> {
    const { stdout, stderr, code, signal } = await collect(this.#child);
    if (code === 0) return summarySchema.parse(JSON.parse(stdout.toString('utf8')));
    throw toolError('unpack a layer', stderr, signal);
  }
}

/** All entries beneath a directory, the directory itself first (path ''), parents before children, in byte order. */
export async function scanTree(tool: string, root: string, signal?: AbortSignal): Promise<LayerRecord[]> {
  const child = spawn(tool, ['scan', root], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {},
    signal,
    killSignal: 'SIGKILL',
  });
  const { stdout, stderr, code, signal: killed } = await collect(child);
  if (code !== 0) throw toolError(`list ${root}`, stderr, killed);
  return decodeRecords(stdout);
}

function feed(stream: Writable, bytes: Uint8Array): void {
  // A launcher that ends without reading it says why by its exit.
  stream.on('error', () => undefined);
  stream.end(bytes);
}

interface Collected {
  stdout: Buffer;
  stderr: string;
  code: number | null;
  signal: NodeJS.Signals | null;
}

async function collect(child: ChildProcess): Promise<Collected> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString('utf8'), code, signal };
}

function toolError(what: string, stderr: string, signal: string | null): BenchError {
  const line = stderr.split('\n').find((each) => each.startsWith('{'));
  const parsed = line === undefined ? undefined : failureSchema.safeParse(JSON.parse(line));
  if (!parsed?.success)
    return new BenchError('image-layer-tool', `cannot ${what}: ${stderr.trim() || `ended by ${signal}`}`);
  const { call, reason, path, errno } = parsed.data;
  const where = path === '' ? '' : ` '${nameForPeople(path)}'`;
  return new BenchError('image-layer-tool', `cannot ${what}: ${call}${where}: ${reason}`, {
    hint: HINTS[errno],
  });
}

const HINTS: Record<number, string> = {
  1: 'layers keep their owners and devices: run as root',
  28: 'the disk is full: bench image prune frees what no image uses',
  122: 'the disk quota is used up: bench image prune frees what no image uses',
};
