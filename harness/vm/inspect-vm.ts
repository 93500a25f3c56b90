import { createInterface } from 'node:readline';
import * as z from 'zod';
import { parse } from 'yaml';
import { BenchError } from '../../results/bench-error.ts';
import type { Resources } from '../../results/record/plan.ts';
import type { Instance } from '../../runtimes/contract.ts';
import { ensureImage } from '../../runtimes/image/ensure-image.ts';
import { qemuOptionsSchema, resolvePaths, type QemuOptions } from '../../runtimes/qemu/options.ts';
import { qemuRuntime } from '../../runtimes/qemu/qemu-runtime.ts';
import { sweep } from '../../runtimes/sweep/sweep.ts';
import { hostLimits } from '../host/limits.ts';
import { claimScratch } from '../run/claim.ts';
import type { Paths } from '../run/paths.ts';

export interface VmInspection {
  /** argv to run inside; empty: lines of standard input, each by sh. */
  command: string[];
  /** key=value, values as YAML would read them. */
  options: string[];
  cpus: number;
  memoryMiB: number;
  json: boolean;
  paths: Paths;
  signal: AbortSignal;
  out(text: string): void;
  say(text: string): void;
}

/**
 * Boots a machine exactly as a trial would get it, so that a person can look inside what was measured, and removes it
 * afterwards, also when interrupted. Gives the exit code of the command (of the last line of a shell).
 */
export async function inspectVm(request: VmInspection): Promise<number> {
  const options = vmOptions(request.options);
  const available = await qemuRuntime.probe();
  if (!available.available)
    throw new BenchError('vm-unavailable', available.reason, { hint: available.remedy });
  await sweep();
  const resources = resourcesFor(request.cpus, request.memoryMiB, hostLimits().cpus);
  const { paths, signal, say } = request;
  const { owner, scratchDir, release } = await claimScratch(paths.scratchRoot);
  try {
    const log = (line: string): void => say(`${line}\n`);
    const image = await ensureImage(paths.cacheDir, log, signal);
    const prepared = await qemuRuntime.prepare(image, options, {
      owner,
      cacheDir: paths.cacheDir,
      scratchDir,
      resources,
      signal,
      log,
    });
    for (const caveat of prepared.caveats) log(`note: ${caveat}`);
    const vm = await prepared.start('vm', resources);
    try {
      if (request.command.length > 0) return await runOnce(vm, request);
      return await runLines(vm, request);
    } finally {
      await vm.destroy();
    }
  } finally {
    await release();
  }
}

/** key=value words as options of the runtime. @throws BenchError `vm-option`. */
export function vmOptions(words: readonly string[]): QemuOptions {
  const given: Record<string, unknown> = {};
  for (const word of words) {
    const [, key, value] = /^(\w+)=(.*)$/s.exec(word) ?? [];
    if (key === undefined || value === undefined)
      throw new BenchError('vm-option', `"${word}" is no option: write key=value`, {
        hint: 'docs/virtual-machines.md lists the options',
      });
    // YAML 1.2 reads off as a word, which is what preallocation wants.
    given[key] = parse(value) as unknown;
  }
  const parsed = qemuOptionsSchema.safeParse(given);
  if (!parsed.success)
    throw new BenchError('vm-option', z.prettifyError(parsed.error), {
      hint: 'docs/virtual-machines.md lists the options and their values',
    });
  return resolvePaths(parsed.data, process.cwd());
}

/** The last CPUs for the vCPUs, the others for everything else. @throws BenchError `vm-resources`. */
export function resourcesFor(cpus: number, memoryMiB: number, usable: readonly number[]): Resources {
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > usable.length)
    throw new BenchError(
      'vm-resources',
      `${cpus} CPUs were asked for; this process may use ${usable.length}`,
    );
  if (!Number.isInteger(memoryMiB) || memoryMiB < 1)
    throw new BenchError('vm-resources', `${memoryMiB} is no number of MiB`);
  return { cpus, memoryMiB, cpuset: usable.slice(-cpus), housekeeping: usable.slice(0, -cpus) };
}

async function runOnce(vm: Instance, request: VmInspection): Promise<number> {
  const result = await vm.exec(request.command, { signal: request.signal });
  if (request.json) request.out(JSON.stringify({ facts: vm.facts(), result }));
  else {
    if (result.stdout) request.out(result.stdout.replace(/\n$/, ''));
    if (result.stderr) request.say(result.stderr);
  }
  return result.exitCode ?? 1;
}

async function runLines(vm: Instance, request: VmInspection): Promise<number> {
  let exitCode = 0;
  if (process.stdin.isTTY) request.say('each line is run inside by sh; end with Ctrl-D\n');
  const lines = createInterface({ input: process.stdin });
  request.signal.addEventListener('abort', () => lines.close(), { once: true });
  for await (const line of lines) {
    if (line.trim() === '') continue;
    exitCode = await runOnce(vm, { ...request, command: ['sh', '-c', line] });
  }
  return exitCode;
}
