import * as z from 'zod';
import { BenchError } from '../../results/bench-error.ts';
import type { HostCost } from '../../results/record/trial.ts';
import type { ExecResult, Instance, Runtime } from '../../runtimes/contract.ts';

/** What one step of the fake does: how long it takes, and whether it fails or never ends. */
export interface Script {
  latencyMs?: number;
  fail?: string;
  hang?: boolean;
}

export type ScriptedStep = 'prepare' | 'start' | 'exec' | 'pause' | 'resume' | 'destroy';

/** A runtime without a box, whose every step writes a line and does what its script says. */
export function fakeRuntime(
  id: string,
  log: string[],
  script: (step: ScriptedStep, trial: string) => Script = () => ({}),
): Runtime {
  const play = async (step: ScriptedStep, trial: string): Promise<void> => {
    log.push(`${step} ${trial}`);
    const { latencyMs, fail, hang } = script(step, trial);
    if (hang) await new Promise((resolve) => setTimeout(resolve, 3_600_000).unref());
    if (latencyMs) await new Promise((resolve) => setTimeout(resolve, latencyMs));
    if (fail) throw new BenchError('fake-failure', fail, { hint: 'scripted' });
  };
  return {
    id,
    summary: 'a fake for tests',
    optionsSchema: z.strictObject({ flavour: z.enum(['plain', 'salted']).default('plain') }),
    label: () => `fake ${id}`,
    needsImage: false,
    probe: () => Promise.resolve({ available: true, notes: [] }),
    async prepare() {
      await play('prepare', id);
      return {
        caveats: [],
        emulated: false,
        accelerator: null,
        async start(trial) {
          await play('start', trial);
          return fakeInstance(trial, play, log);
        },
      };
    },
  };
}

const COST: HostCost = {
  cpuMs: 10,
  memoryPssBytes: 2 ** 20,
  memoryCgroupBytes: null,
  ioReadBytes: null,
  ioWriteBytes: null,
  diskBytes: null,
};

function fakeInstance(
  trial: string,
  play: (step: ScriptedStep, trial: string) => Promise<void>,
  log: string[],
): Instance {
  let destroyed = false;
  const ok: ExecResult = { exitCode: 0, signal: null, stdout: '', stderr: '', wallNs: 1e6, timedOut: false };
  return {
    facts: () => ({ fake: true }),
    async exec(argv) {
      await play('exec', `${trial} ${argv.join(' ')}`);
      return ok;
    },
    copyIn: () => Promise.resolve(),
    copyOut: () => Promise.resolve(),
    network: {
      address: '198.18.0.2',
      path: 'fake',
      mtu: 1500,
      peer: { address: '198.18.0.1', spawn: () => Promise.reject(new Error('the fake has no peer')) },
    },
    dataDir: '/data',
    usage: () => Promise.resolve(COST),
    throttledMs: () => Promise.resolve(null),
    lastWords: () => Promise.resolve('last words of a fake'),
    pause: () => play('pause', trial),
    resume: () => play('resume', trial),
    async destroy() {
      if (destroyed) return;
      destroyed = true;
      log.push(`destroying ${trial}`);
      await play('destroy', trial);
    },
  };
}
