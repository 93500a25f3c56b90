import * as z from 'zod';
import { imageLabel, imageOptionSchema, resolveImage } from '../image/image-source.ts';
import { hostPath, shortPath } from '../parts/host-path.ts';
import {
  DEFAULT_AIO,
  DEFAULT_CACHE,
  DEFAULT_CLUSTER_KIB,
  DEFAULT_DATA_MIB,
  DEFAULT_FORMAT,
  DEFAULT_MACHINE,
  DEFAULT_MTU,
  DEFAULT_PREALLOCATION,
} from './defaults.ts';
import {
  firmwareContradictions,
  firmwareLabel,
  firmwareOption,
  toolsOption,
} from './firmware/firmware-options.ts';
import { KIND_FACTS, NETWORK_KINDS, networkContradictions } from './network/network-kinds.ts';

/** The axes of a VM in a matrix file; docs/virtual-machines.md says what each does to the numbers. */
export const qemuOptionsSchema = z
  .strictObject({
    accel: z.enum(['auto', 'kvm', 'tcg']).default('auto').meta({
      description: 'auto: KVM when a guest really runs on it, else TCG, said beside every number',
    }),
    machine: z.enum(['pc', 'q35', 'microvm']).default(DEFAULT_MACHINE),
    emulator: z.string().min(1).max(500).optional().meta({
      description: "path of another qemu-system-x86_64 than the system's",
    }),
    kernel: z.string().min(1).max(500).optional().meta({
      description: "path of another kernel (bzImage or vmlinux) than the image's",
    }),
    modules: z.string().min(1).max(500).optional().meta({
      description: "that kernel's lib/modules/<release>; looked for beside it, on the host and in the image",
    }),
    image: imageOptionSchema.optional(),
    firmware: firmwareOption,
    tools: toolsOption,
    cpu: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_.,=+-]*$/, 'a CPU model as -cpu takes it')
      .default('auto')
      .meta({ description: 'auto: host under KVM, max under TCG' }),
    topology: z
      .strictObject({
        sockets: z.int().min(1).default(1),
        cores: z.int().min(1).default(1),
        threads: z.int().min(1).default(1),
      })
      .optional()
      .meta({
        description: 'product must equal the CPUs given; without it, one socket with that many cores',
      }),
    hugepages: z.boolean().default(false).meta({ description: "guest RAM on the host's 2 MiB pages" }),
    balloon: z.boolean().default(false),
    format: z
      .enum(['qcow2', 'raw'])
      .default(DEFAULT_FORMAT)
      .meta({ description: 'of the data disk, the one under test' }),
    preallocation: z.enum(['off', 'metadata', 'falloc', 'full']).default(DEFAULT_PREALLOCATION),
    state: z.enum(['fresh', 'written', 'overlay']).default('fresh').meta({
      description: 'fresh: new each trial; written: every block written before; overlay: on a backing file',
    }),
    diskMiB: z.int().min(64).max(1_048_576).default(DEFAULT_DATA_MIB),
    clusterKiB: z
      .union([
        z.literal(4),
        z.literal(8),
        z.literal(16),
        z.literal(32),
        z.literal(64),
        z.literal(128),
        z.literal(256),
        z.literal(512),
        z.literal(1024),
        z.literal(2048),
      ])
      .default(DEFAULT_CLUSTER_KIB),
    lazyRefcounts: z.boolean().default(false),
    cache: z.enum(['none', 'writeback', 'writethrough', 'directsync', 'unsafe']).default(DEFAULT_CACHE),
    aio: z.enum(['threads', 'native', 'io_uring']).default(DEFAULT_AIO),
    discard: z.enum(['ignore', 'unmap']).default('ignore'),
    bus: z.enum(['virtio-blk', 'virtio-scsi']).default('virtio-blk'),
    iothread: z.boolean().default(false),
    network: z.enum(NETWORK_KINDS).default('tap').meta({
      description:
        "tap: in the peer's namespace; bridge: the tap on a bridge there; passt; user: slirp, inside QEMU",
    }),
    mtu: z.int().min(576).max(65_535).default(DEFAULT_MTU),
    vhost: z
      .enum(['auto', 'on', 'off'])
      .or(z.boolean().transform((wanted) => (wanted ? 'auto' : 'off')))
      .default('auto')
      .meta({
        description: 'vhost-net: auto takes it where the host has it, on refuses to go without (taps only)',
      }),
    queues: z
      .int()
      .min(1)
      .max(16)
      .default(1)
      .meta({ description: 'pairs of queues of the network card (taps only), at most one for each vCPU' }),
    start: z.enum(['auto', 'cold', 'saved']).default('auto').meta({
      description:
        'cold: every trial boots; saved: every trial continues one guest booted once per run; auto: saved when emulated',
    }),
  })
  .superRefine((options, context) => {
    const wrong = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (options.format === 'raw') {
      if (options.preallocation === 'metadata') wrong('preallocation', 'raw has no metadata to preallocate');
      if (options.state === 'overlay') wrong('state', 'an overlay is qcow2; raw cannot have a backing file');
      if (options.lazyRefcounts) wrong('lazyRefcounts', 'only qcow2 has refcounts');
    }
    if (options.state === 'overlay' && options.preallocation === 'full')
      wrong('preallocation', 'an overlay that is fully preallocated would hide its backing file');
    if (options.aio === 'native' && options.cache !== 'none' && options.cache !== 'directsync')
      wrong('aio', 'aio native needs O_DIRECT: cache none or directsync');
    if (options.hugepages && options.start === 'saved')
      wrong(
        'hugepages',
        'a saved state is continued from a file, which huge pages are not: start must be cold',
      );
    for (const [option, message] of networkContradictions(options)) wrong(option, message);
    for (const [option, message] of firmwareContradictions(options)) wrong(option, message);
    if (options.modules !== undefined && options.kernel === undefined)
      wrong('modules', 'modules without the kernel they belong to: kernel is missing');
  });

export type QemuOptions = z.output<typeof qemuOptionsSchema>;

/** With file names absolute; see Runtime.resolvePaths. */
export function resolvePaths(options: QemuOptions, folder: string): QemuOptions {
  const { emulator, kernel, modules, image } = options;
  return {
    ...options,
    ...(emulator !== undefined && { emulator: hostPath(emulator, folder) }),
    ...(kernel !== undefined && { kernel: hostPath(kernel, folder) }),
    ...(modules !== undefined && { modules: hostPath(modules, folder) }),
    ...(image !== undefined && { image: resolveImage(image, folder) }),
  };
}

/** What a page prints for these options: what differs from the defaults is said, the rest is not. */
export function labelOf(options: QemuOptions): string {
  const words = [`VM, ${options.format}`];
  if (options.machine !== DEFAULT_MACHINE) words.push(options.machine);
  if (options.accel !== 'auto') words.push(options.accel.toUpperCase());
  if (options.preallocation !== DEFAULT_PREALLOCATION) words.push(`preallocation ${options.preallocation}`);
  if (options.state !== 'fresh') words.push(options.state === 'written' ? 'pre-written' : 'overlay');
  if (options.clusterKiB !== DEFAULT_CLUSTER_KIB) words.push(`${options.clusterKiB} KiB clusters`);
  if (options.lazyRefcounts) words.push('lazy refcounts');
  if (options.cache !== DEFAULT_CACHE) words.push(`cache ${options.cache}`);
  if (options.aio !== DEFAULT_AIO) words.push(`aio ${options.aio}`);
  if (options.discard !== 'ignore') words.push('discard');
  if (options.bus !== 'virtio-blk') words.push(options.bus);
  if (options.iothread) words.push('iothread');
  if (options.hugepages) words.push('huge pages');
  if (options.network !== 'tap') words.push(KIND_FACTS[options.network].label);
  if (options.vhost !== 'auto') words.push(options.vhost === 'on' ? 'vhost-net' : 'no vhost-net');
  if (options.queues > 1) words.push(`${options.queues} queues`);
  if (options.mtu !== DEFAULT_MTU) words.push(`MTU ${options.mtu}`);
  if (options.start !== 'auto') words.push(options.start === 'cold' ? 'cold boot' : 'saved state');
  if (options.emulator !== undefined) words.push(`QEMU ${shortPath(options.emulator)}`);
  if (options.kernel !== undefined) words.push(`kernel ${shortPath(options.kernel)}`);
  if (options.image !== undefined) words.push(imageLabel(options.image), ...firmwareLabel(options));
  return words.join(', ');
}
