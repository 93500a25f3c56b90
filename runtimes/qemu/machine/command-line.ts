import { AGENT_PORT, firmwareWords } from '../firmware/firmware-words.ts';
import type { PlacedSystem } from '../firmware/user-system.ts';
import { netdevWords, type Netdev } from '../network/netdev.ts';
import type { QemuOptions } from '../options.ts';
import { TOOLS_SERIAL } from '../seed/seed.ts';
import { quote } from './quote.ts';
import type { EmulatorProgram } from './emulator-program.ts';

/** A machine, whole: everything QEMU's command line is made from. */
export interface MachineSpec {
  /** Which QEMU is executed. */
  emulator: Pick<EmulatorProgram, 'path' | 'firmware'>;
  accel: 'kvm' | 'tcg';
  /** Resolved CPU model for -cpu. */
  cpu: string;
  options: QemuOptions;
  cpus: number;
  memoryMiB: number;
  boot:
    | { kind: 'direct'; kernel: string; initramfs: string | null; append: string }
    | { kind: 'firmware'; system: PlacedSystem; code: string | null };
  /** Our own root disk, a qcow2 overlay: what a direct boot starts, and what stands beside a user's system. */
  rootDisk: string;
  dataDisk: string | null;
  /** Where QEMU makes its sockets and its console log. */
  sockets: Sockets;
  network: Netdev | null;
  mac: string;
  /** A file that holds the guest's RAM; shared while a state is saved, private when it is continued. */
  memoryFile: { path: string; share: boolean } | null;
  /** Waits for a saved state instead of starting. */
  incoming: boolean;
}

export interface Sockets {
  monitor: string;
  agent: string;
  guest: string;
  console: string;
  /** Ports through which a person looks into the machine; a trial's has none. */
  sessions?: string[];
}

/** PCI has names like virtio-blk-pci, microvm's bus like virtio-blk-device. */
export function transportOf(machine: QemuOptions['machine']): 'pci' | 'mmio' {
  return machine === 'microvm' ? 'mmio' : 'pci';
}

/** The whole command line. Pure: the same spec gives the same words. */
export function commandLine(spec: MachineSpec): string[] {
  const { options, sockets } = spec;
  return [
    spec.emulator.path,
    ...spec.emulator.firmware.flatMap((folder) => ['-L', folder]),
    ...['-name', 'tare,debug-threads=on'],
    ...['-nodefaults', '-no-user-config', '-no-reboot'],
    ...['-display', 'none'],
    ...['-machine', machineWords(spec)],
    ...['-accel', spec.accel === 'tcg' ? 'tcg,thread=multi' : 'kvm'],
    ...['-cpu', spec.cpu],
    ...['-smp', smpWords(spec)],
    ...memoryWords(spec),
    ...bootWords(spec),
    ...['-chardev', `file,id=console,path=${quote(sockets.console)}`],
    ...['-serial', 'chardev:console'],
    ...['-chardev', socketWords('monitor', sockets.monitor)],
    ...['-mon', 'chardev=monitor,mode=control'],
    ...['-device', `virtio-serial-${suffix(spec)}`],
    // Before the port by which the guest's program knows that all are there.
    ...(sockets.sessions ?? []).flatMap((path, number) => [
      ...['-chardev', socketWords(`session${number}`, path)],
      ...['-device', `virtserialport,chardev=session${number},name=org.tare.session.${number}`],
    ]),
    ...['-chardev', socketWords('agent', sockets.agent)],
    ...['-device', `virtserialport,chardev=agent,name=${AGENT_PORT[spec.boot.kind]}`],
    ...['-chardev', socketWords('guest', sockets.guest)],
    ...['-device', 'virtserialport,chardev=guest,name=org.tare.guest'],
    ...(options.iothread ? ['-object', 'iothread,id=io0'] : []),
    ...rootDiskWords(spec),
    ...dataDiskWords(spec),
    ...networkWords(spec),
    ...(options.balloon ? ['-device', `virtio-balloon-${suffix(spec)}`] : []),
    ...(spec.incoming ? ['-incoming', 'defer'] : []),
  ];
}

function suffix(spec: MachineSpec): 'pci' | 'device' {
  return transportOf(spec.options.machine) === 'pci' ? 'pci' : 'device';
}

function socketWords(id: string, path: string): string {
  return `socket,id=${id},path=${quote(path)},server=on,wait=off`;
}

function machineWords(spec: MachineSpec): string {
  const { machine } = spec.options;
  const words: string[] = [machine];
  // Devices no guest here uses; each would cost probing time at boot.
  if (machine === 'microvm') words.push('rtc=on', 'auto-kernel-cmdline=off');
  else words.push('usb=off', 'vmport=off', 'smbus=off', 'hpet=off');
  if (machine === 'q35') words.push('sata=off');
  if (spec.memoryFile || spec.options.hugepages) words.push('memory-backend=ram');
  return words.join(',');
}

function smpWords(spec: MachineSpec): string {
  const { sockets, cores, threads } = spec.options.topology ?? {
    sockets: 1,
    cores: spec.cpus,
    threads: 1,
  };
  return `${spec.cpus},sockets=${sockets},cores=${cores},threads=${threads}`;
}

function memoryWords(spec: MachineSpec): string[] {
  const size = `${spec.memoryMiB}M`;
  const file = spec.memoryFile;
  if (file)
    return [
      ...['-m', size],
      '-object',
      `memory-backend-file,id=ram,size=${size},mem-path=${quote(file.path)},share=${file.share ? 'on' : 'off'}`,
    ];
  if (spec.options.hugepages)
    return ['-m', size, '-object', `memory-backend-memfd,id=ram,size=${size},hugetlb=on,hugetlbsize=2M`];
  return ['-m', size];
}

function bootWords(spec: MachineSpec): string[] {
  const { boot } = spec;
  if (boot.kind === 'direct')
    return [
      ...['-kernel', boot.kernel],
      ...(boot.initramfs === null ? [] : ['-initrd', boot.initramfs]),
      ...['-append', boot.append],
    ];
  return firmwareWords(boot, suffix(spec));
}

/** The root disk is thrown away with its trial and nothing is measured on it: no flush of it ever reaches the host. */
function rootDiskWords(spec: MachineSpec): string[] {
  const serial = spec.boot.kind === 'firmware' ? `,serial=${TOOLS_SERIAL}` : '';
  return [
    '-drive',
    `file=${quote(spec.rootDisk)},if=none,id=root,format=qcow2,cache=unsafe,aio=threads`,
    '-device',
    `virtio-blk-${suffix(spec)},drive=root${serial}`,
  ];
}

function dataDiskWords(spec: MachineSpec): string[] {
  if (spec.dataDisk === null) return [];
  const { options } = spec;
  const drive = [
    `file=${quote(spec.dataDisk)}`,
    'if=none',
    'id=data',
    `format=${options.format}`,
    `cache=${options.cache}`,
    `aio=${options.aio}`,
    `discard=${options.discard}`,
    // What the guest sees is decided by the format alone, not by whether the host happens to detect zeros.
    'detect-zeroes=off',
  ].join(',');
  const thread = options.iothread ? ',iothread=io0' : '';
  if (options.bus === 'virtio-scsi')
    return [
      ...['-drive', drive],
      ...['-device', `virtio-scsi-${suffix(spec)},id=scsi0${thread}`],
      ...['-device', 'scsi-hd,bus=scsi0.0,drive=data'],
    ];
  return ['-drive', drive, '-device', `virtio-blk-${suffix(spec)},drive=data${thread}`];
}

function networkWords(spec: MachineSpec): string[] {
  const { network, mac, options } = spec;
  if (network === null) return [];
  return netdevWords(network, { transport: transportOf(options.machine), mac, mtu: options.mtu });
}

/**
 * The kernel's command line for direct boot. What is left out costs boot time under emulation; nothing here changes how
 * fast the guest runs afterwards.
 */
export function kernelAppend(parameters: {
  requests: string[];
  verbose?: boolean;
  /** Frequency of the counter, where it is known to be the host's. */
  tscKhz?: number;
}): string {
  return [
    'console=ttyS0',
    parameters.verbose ? 'ignore_loglevel' : 'quiet',
    // A panic ends the machine (with -no-reboot), so that it is a named failure at once.
    'panic=-1',
    'reboot=t',
    // The clock check against the timer, and waiting for an AT keyboard, cost tenths of a second when emulated.
    'no_timer_check',
    'tsc=reliable',
    ...(parameters.tscKhz ? [`tsc_early_khz=${parameters.tscKhz}`] : []),
    'i8042.noaux',
    'i8042.nokbd',
    'i8042.nopnp',
    'i8042.dumbkbd',
    '8250.nr_uarts=1',
    'cryptomgr.notests',
    'nokaslr',
    'rcupdate.rcu_expedited=1',
    'ipv6.disable=1',
    'random.trust_cpu=on',
    ...parameters.requests.map((request) => `tare.${request}`),
  ].join(' ');
}
