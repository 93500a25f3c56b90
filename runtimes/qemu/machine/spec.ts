import { createHash } from 'node:crypto';
import type { Resources } from '../../../results/record/plan.ts';
import { BenchError } from '../../../results/bench-error.ts';
import type { QemuOptions } from '../options.ts';
import type { Installation, Place } from '../place.ts';
import { kernelAppend, type MachineSpec } from './command-line.ts';

/** Under KVM the host's own CPU, so that both arms see the same; emulated, everything the emulator knows. */
export function cpuModel(options: QemuOptions, accel: 'kvm' | 'tcg'): string {
  if (options.cpu !== 'auto') return options.cpu;
  return accel === 'kvm' ? 'host' : 'max';
}

/** The data disk as the guest's kernel names it. */
export function dataDevice(options: QemuOptions): string {
  return options.bus === 'virtio-scsi' ? '/dev/sda' : '/dev/vdb';
}

/** A locally administered address that depends on the guest's own address alone. */
export function macOf(address: string): string {
  const bytes = createHash('sha256').update(address).digest();
  return ['52:54:00', ...[0, 1, 2].map((index) => (bytes[index] ?? 0).toString(16).padStart(2, '0'))].join(
    ':',
  );
}

/** Requests that give a guest its network and data disk: at boot by the kernel's command line, later by the port. */
export function setupRequests(options: QemuOptions, place: Place): { net: string[]; mount: string[] } {
  const { subnet, prefix } = place.network;
  return {
    net: [`${subnet.inside}/${prefix}`, subnet.peer, String(options.mtu), macOf(subnet.inside)],
    mount: [dataDevice(options), '/data'],
  };
}

/** How a machine begins: `setup` false leaves network and data disk to be set up later, by the port. */
export interface Beginning {
  setup: boolean;
  memoryFile?: MachineSpec['memoryFile'];
  /** Waits for a saved state; the file stands in for the kernel. */
  incoming?: { kernel: string };
  /** The card's address, when it is not the trial's own: a saved state continues on the card it was saved with. */
  mac?: string;
}

/** The machine of one trial. */
export function machineSpec(
  installation: Installation,
  place: Place,
  resources: Resources,
  beginning: Beginning,
): MachineSpec {
  const { options, accel, boot } = installation;
  if (options.topology) {
    const { sockets, cores, threads } = options.topology;
    if (sockets * cores * threads !== resources.cpus)
      throw new BenchError(
        'vm-topology',
        `topology ${sockets}×${cores}×${threads} is ${sockets * cores * threads} CPUs, but the run gives ${resources.cpus}`,
        { hint: 'make sockets × cores × threads equal resources.cpus' },
      );
  }
  const { net, mount } = setupRequests(options, place);
  const requests = beginning.setup ? [`net=${net.join(',')}`, `mount=${mount.join(',')}`] : [];
  return {
    emulator: installation.emulator,
    accel,
    cpu: cpuModel(options, accel),
    options,
    cpus: resources.cpus,
    memoryMiB: resources.memoryMiB,
    boot: {
      kind: 'direct',
      kernel: beginning.incoming?.kernel ?? boot.kernel,
      initramfs: beginning.incoming ? null : boot.initramfs,
      append: kernelAppend({ requests, tscKhz: accel === 'tcg' ? boot.hostTscKhz : undefined }),
    },
    rootDisk: place.rootDisk,
    dataDisk: place.dataDisk,
    sockets: place.sockets,
    network: place.network.netdev,
    mac: beginning.mac ?? macOf(place.network.subnet.inside),
    memoryFile: beginning.memoryFile ?? null,
    incoming: beginning.incoming !== undefined,
  };
}
