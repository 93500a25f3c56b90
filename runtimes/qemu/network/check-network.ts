import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { BenchError } from '../../../results/bench-error.ts';
import { KIND_FACTS, type NetworkOptions } from './network-kinds.ts';
import { findPasst } from './passt.ts';

export const VHOST_DEVICE = '/dev/vhost-net';

/** What this host offers to a VM's network. */
export interface NetworkHost {
  vhostNet: boolean;
  passt: boolean;
  /** QEMU has `-netdev stream` (7.2 and later), which passt needs. */
  streamNetdev: boolean;
}

/** Whether the card's queues are served by the host's kernel; the device's absence is no error unless asked for by name. */
export function vhostInUse(options: NetworkOptions, present = existsSync(VHOST_DEVICE)): boolean {
  return KIND_FACTS[options.network].tap && options.vhost !== 'off' && present;
}

/** What the options need is looked for, and nothing else. */
export async function networkHost(options: NetworkOptions, emulator: string): Promise<NetworkHost> {
  const passt = options.network === 'passt';
  return {
    vhostNet: existsSync(VHOST_DEVICE),
    passt: passt && findPasst() !== undefined,
    streamNetdev: passt && (await qemuHasStream(emulator)),
  };
}

/**
 * Refuses what this host or these resources cannot give, before anything is made.
 *
 * @throws BenchError `vm-vhost-missing`, `vm-queues`, `vm-network-missing`.
 */
export function checkNetwork(options: NetworkOptions, host: NetworkHost, cpus: number): void {
  const { network, vhost, queues } = options;
  if (vhost === 'on' && !host.vhostNet)
    throw new BenchError(
      'vm-vhost-missing',
      `vhost: on was asked for, and this host has no ${VHOST_DEVICE}`,
      {
        hint: 'modprobe vhost_net (and pass the device through, in a container); vhost: auto goes without and says so in the path',
      },
    );
  if (queues > cpus)
    throw new BenchError(
      'vm-queues',
      `${queues} network queues for ${cpus} vCPU${cpus === 1 ? '' : 's'}: the guest's driver uses a queue for each vCPU at most`,
      { hint: 'make queues no larger than resources.cpus' },
    );
  if (network === 'passt' && !host.passt)
    throw new BenchError('vm-network-missing', 'network: passt was asked for, and passt is not installed', {
      hint: 'apt-get install -y --no-install-recommends passt; or network: user (slirp, inside QEMU)',
    });
  if (network === 'passt' && !host.streamNetdev)
    throw new BenchError(
      'vm-network-missing',
      'network: passt needs QEMU’s -netdev stream, which this QEMU does not have',
      { hint: 'install QEMU 7.2 or later; or network: user (slirp, inside QEMU)' },
    );
}

async function qemuHasStream(emulator: string): Promise<boolean> {
  const { stdout } = await execa(emulator, ['-M', 'none', '-netdev', 'help'], { reject: false });
  return /^stream$/m.test(stdout);
}
