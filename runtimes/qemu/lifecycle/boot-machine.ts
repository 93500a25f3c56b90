import type { Resources } from '../../../results/record/plan.ts';
import type { Image, RuntimeContext } from '../../contract.ts';
import { ownersFolder, processStartTime, registerOwner } from '../../sweep/owner.ts';
import { labelOf, type QemuOptions } from '../options.ts';
import { requireLastingNetwork } from './lasting.ts';
import { install, caveatsOf } from '../qemu-runtime.ts';
import type { QemuInstance } from '../qemu-instance.ts';
import { startCold } from '../start-cold.ts';
import { writeMachine, type MachineRecord } from './machine-record.ts';

export interface MachineRequest {
  name: string;
  image: Image | null;
  options: QemuOptions;
  resources: Resources;
  /** Goes on when this process ends; QEMU then owns everything, and a sweep leaves it alone while it lives. */
  outlives: boolean;
}

export interface BootedMachine {
  record: MachineRecord;
  instance: QemuInstance;
  caveats: string[];
}

/**
 * A machine for a person, made as a trial's is: the same disks, network, CPUs and devices. It is always booted, never
 * continued from a saved state, and has ports for sessions besides.
 */
export async function bootMachine(request: MachineRequest, context: RuntimeContext): Promise<BootedMachine> {
  const options: QemuOptions = { ...request.options, start: 'cold' };
  const { name, resources, outlives } = request;
  if (outlives) requireLastingNetwork(options);
  const { installation, accelerator } = await install(request.image, options, context);
  const instance = await startCold({ ...installation, person: { outlives } }, name, resources);
  try {
    const { emulator, place } = instance.parts;
    const { network, sockets, folder } = place;
    const record: MachineRecord = {
      schema: 'tare.vm/1',
      name,
      owner: context.owner,
      createdAt: new Date().toISOString(),
      pid: emulator.pid,
      startTime: processStartTime(emulator.pid) ?? '',
      label: labelOf(request.options),
      bootedBy: place.system ? 'firmware' : 'direct',
      runAs: place.system ? 'enter' : 'run',
      address: network.subnet.inside,
      peerAddress: network.subnet.peer,
      namespace: network.name,
      folder,
      sockets: { ...sockets, sessions: sockets.sessions ?? [] },
      dataFormat: options.format,
      facts: instance.facts(),
    };
    if (outlives) await registerOwner(context.owner, context.scratchDir, ownersFolder(), record.pid);
    writeMachine(context.scratchDir, record);
    return { record, instance, caveats: caveatsOf(options, accelerator.got) };
  } catch (error) {
    await instance.destroy();
    throw error;
  }
}
