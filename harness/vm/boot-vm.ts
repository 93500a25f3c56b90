import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from '../../results/bench-error.ts';
import type { Resources } from '../../results/record/plan.ts';
import { ensureImage } from '../../runtimes/image/ensure-image.ts';
import { bootMachine } from '../../runtimes/qemu/lifecycle/boot-machine.ts';
import {
  checkName,
  freeName,
  listMachines,
  statusOf,
  type MachineRecord,
} from '../../runtimes/qemu/lifecycle/machine-record.ts';
import { stopMachine } from '../../runtimes/qemu/lifecycle/stop-machine.ts';
import type { QemuOptions } from '../../runtimes/qemu/options.ts';
import { qemuRuntime } from '../../runtimes/qemu/qemu-runtime.ts';
import { sweep } from '../../runtimes/sweep/sweep.ts';
import { claimScratch } from '../run/claim.ts';
import type { Paths } from '../run/paths.ts';

export interface VmBoot {
  name: string | undefined;
  options: QemuOptions;
  resources: Resources;
  detach: boolean;
  paths: Paths;
  signal: AbortSignal;
  say(text: string): void;
  /** The machine is up. */
  booted(record: MachineRecord, caveats: string[]): void;
}

const LOOK_AGAIN_MS = 200;
/** A machine in the foreground is ended by Ctrl-C; who presses it does not want to wait for a distribution's shutdown. */
const INTERRUPT_GRACE_SECONDS = 5;

/**
 * Boots a machine for a person. Detached it goes on by itself, with everything it has owned by QEMU; else this call lasts
 * until it ends or is interrupted, and leaves nothing.
 */
export async function bootVm(request: VmBoot): Promise<void> {
  const { options, resources, detach, paths, signal } = request;
  const available = await qemuRuntime.probe(options);
  if (!available.available)
    throw new BenchError('vm-unavailable', available.reason, { hint: available.remedy });
  await sweep();
  const taken = listMachines().map((each) => each.name);
  const name = request.name === undefined ? freeName(taken) : checkName(request.name, taken);
  const log = (line: string): void => request.say(`${line}\n`);
  const { owner, scratchDir, release } = await claimScratch(paths.scratchRoot);
  let left = false;
  try {
    const image = await ensureImage(paths.cacheDir, log, signal);
    const context = { owner, cacheDir: paths.cacheDir, scratchDir, resources, signal, log };
    const { record, instance, caveats } = await bootMachine(
      { name, image, options, resources, outlives: detach },
      context,
    );
    request.booted(record, caveats);
    if (detach) {
      instance.release();
      left = true;
      return;
    }
    try {
      while (statusOf(record) === 'running' && !signal.aborted)
        await sleep(LOOK_AGAIN_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) {
        instance.parts.link.close();
        await stopMachine(record, INTERRUPT_GRACE_SECONDS);
      }
    } finally {
      await instance.destroy();
    }
  } finally {
    if (!left) await release();
  }
}
