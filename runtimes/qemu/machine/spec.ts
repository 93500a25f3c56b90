import { readFileSync } from 'node:fs';
import type { Resources } from '../../../results/record/plan.ts';
import { BenchError } from '../../../results/bench-error.ts';
import { DATA_LABEL } from '../disks/data-disk.ts';
import { insideRoot } from '../firmware/firmware-options.ts';
import type { QemuOptions } from '../options.ts';
import type { Installation, Place } from '../place.ts';
import { macOf } from './mac.ts';
import { kernelAppend, type MachineSpec } from './command-line.ts';

/** Under KVM the host's own CPU, so that both arms see the same; emulated, everything the emulator knows. */
export function cpuModel(options: QemuOptions, accel: 'kvm' | 'tcg'): string {
  if (options.cpu !== 'auto') return options.cpu;
  const model = accel === 'kvm' ? 'host' : 'max';
  return (options.topology?.threads ?? 1) > 1 ? `${model},${threadsShown(accel, hostIsAmd())}` : model;
}

/**
 * Without these a guest takes a core's threads for cores: QEMU leaves an AMD CPU's way of telling them (topoext) off, and
 * its emulator, whose CPU calls itself AMD's, has none; an Intel CPU's way is always there.
 */
export function threadsShown(accel: 'kvm' | 'tcg', amd: boolean): string {
  if (accel === 'tcg') return 'vendor=GenuineIntel';
  return amd ? 'topoext=on' : 'topoext=off';
}

function hostIsAmd(): boolean {
  return /^vendor_id\s*:\s*(AuthenticAMD|HygonGenuine)$/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
}

/** The data disk as the guest names it: its kernel alone in a direct boot, udev by the file system's label else. */
export function dataDevice(options: QemuOptions, joined = false): string {
  if (joined) return `/dev/disk/by-label/${DATA_LABEL}`;
  return options.bus === 'virtio-scsi' ? '/dev/sda' : '/dev/vdb';
}

/** Requests that give a guest its network and data disk: at boot by the kernel's command line, later by the port. */
export function setupRequests(options: QemuOptions, place: Place): { net: string[]; mount: string[] } {
  const { subnet, prefix } = place.network;
  return {
    net: [`${subnet.inside}/${prefix}`, subnet.peer, String(options.mtu), macOf(subnet.inside)],
    mount: [dataDevice(options, place.system !== null), `${insideRoot(options)}/data`],
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
  const { options, accel } = installation;
  if (options.topology) {
    const { sockets, cores, threads } = options.topology;
    if (sockets * cores * threads !== resources.cpus)
      throw new BenchError(
        'vm-topology',
        `topology ${sockets}×${cores}×${threads} is ${sockets * cores * threads} CPUs, but the run gives ${resources.cpus}`,
        { hint: 'make sockets × cores × threads equal resources.cpus' },
      );
  }
  return {
    emulator: installation.emulator,
    accel,
    cpu: cpuModel(options, accel),
    options,
    cpus: resources.cpus,
    memoryMiB: resources.memoryMiB,
    boot: bootOf(installation, place, beginning),
    rootDisk: place.rootDisk,
    dataDisk: place.dataDisk,
    sockets: place.sockets,
    network: place.network.netdev,
    mac: beginning.mac ?? macOf(place.network.subnet.inside),
    memoryFile: beginning.memoryFile ?? null,
    incoming: beginning.incoming !== undefined,
  };
}

function bootOf(installation: Installation, place: Place, beginning: Beginning): MachineSpec['boot'] {
  const { options, accel, boot, system } = installation;
  if (system && place.system) {
    const { firmware } = system;
    return { kind: 'firmware', system: place.system, code: firmware.kind === 'uefi' ? firmware.code : null };
  }
  const { net, mount } = setupRequests(options, place);
  const requests = beginning.setup ? [`net=${net.join(',')}`, `mount=${mount.join(',')}`] : [];
  return {
    kind: 'direct',
    kernel: beginning.incoming?.kernel ?? boot.kernel,
    initramfs: beginning.incoming ? null : boot.initramfs,
    append: kernelAppend({ requests, tscKhz: accel === 'tcg' ? boot.hostTscKhz : undefined }),
  };
}
