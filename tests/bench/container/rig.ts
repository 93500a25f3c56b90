import { execa } from 'execa';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { defaultSeccomp } from '../../../runtimes/container/seccomp/default-profile.ts';
import { DEFAULT_CAPABILITIES } from '../../../runtimes/container/spec/capabilities.ts';
import { defaultSpec } from '../../../runtimes/container/spec/default-spec.ts';
import type { OciSpec } from '../../../runtimes/container/spec/oci-spec.ts';

/** What every contender is made from. */
export interface BenchRig {
  rootfs: string;
  /** Our launcher as the harness starts it: a sealed copy in memory. */
  launcher: string;
  /** The same from its file, as a single `bench container run` starts it. */
  launcherFile: string;
  floor: string;
  scratch: string;
  owner: string;
}

/** Somebody who takes part: `ready` is done before each run and not timed. */
export interface Contender {
  name: string;
  ready?(): Promise<void>;
  run(): Promise<void>;
}

/** The limits all are asked for. */
export const LIMITS = { cpuShares: 512, memoryMiB: 256, pids: 100 };

/** Compiled once, as the harness does it in prepare(). */
const SECCOMP = defaultSeccomp(DEFAULT_CAPABILITIES);

let serial = 0;

/** A number that no container of this run has had. */
export function nextNumber(): number {
  return serial++;
}

export function folders(rig: BenchRig): { upper: string; work: string; root: string; path: string } {
  const path = join(rig.scratch, `c${nextNumber()}`);
  const made = { upper: join(path, 'upper'), work: join(path, 'work'), root: join(path, 'root'), path };
  for (const folder of [made.upper, made.work, made.root]) mkdirSync(folder, { recursive: true });
  return made;
}

export function specOf(rootfs: string, limited: boolean): OciSpec {
  return defaultSpec({ rootfs, argv: ['/bin/true'], seccomp: SECCOMP, cgroupMount: limited });
}

/** Whether a tool takes part; said once when it does not. */
export async function has(tool: string): Promise<boolean> {
  const found = (await execa('which', [tool], { reject: false })).exitCode === 0;
  const apt = tool === 'bwrap' ? 'bubblewrap' : tool;
  if (!found) console.error(`${tool} is left out: apt-get install -y --no-install-recommends ${apt}`);
  return found;
}

/** Runs a program to its end. @throws when it fails, with its own words. */
export async function must(file: string, argv: string[]): Promise<void> {
  const result = await execa(file, argv, { reject: false, stdin: 'ignore' });
  if (result.exitCode !== 0) throw new Error(`${file}: ${result.stderr || result.stdout}`);
}

/** A median and its like. */
export function quantile(values: number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}
