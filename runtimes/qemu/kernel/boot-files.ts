import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../../../results/bench-error.ts';
import { cachedFile, digestOf } from '../../compile/cached-file.ts';
import { builtInDrivers, CONFIG_OF } from './built-in-drivers.ts';
import { cpioArchive, FILE, FOLDER, type CpioEntry } from './cpio.ts';
import { extractVmlinux } from './extract-vmlinux.ts';
import { ensureGuestProgram, hostTscKhz } from './guest-program.ts';
import { hasPvhEntry } from './kernel-file.ts';
import type { KernelSource } from './kernel-source.ts';
import { moduleInfo, readModule, readModuleFolder, type ModuleIndex } from './module-folder.ts';
import { missingDrivers, moduleOrder } from './module-order.ts';

/** What a machine's kernel needs, built in or as modules. */
export interface ModuleNeeds {
  transport: 'pci' | 'mmio';
  scsi: boolean;
  balloon: boolean;
}

/** Kernel and initramfs of direct boot, on disk. */
export interface BootFiles {
  kernel: string;
  initramfs: string;
  /** Started through its PVH note; otherwise as a bzImage, through other firmware. */
  pvh: boolean;
  /** Over the bytes of both. */
  digest: string;
  /** Told to emulated guests, whose counter is the host's. */
  hostTscKhz: number;
}

/** Modules in an order that lets the slow ones (the console's ports) settle while the others load. */
export function moduleNames(needs: ModuleNeeds): string[] {
  return [
    needs.transport === 'pci' ? 'virtio_pci' : 'virtio_mmio',
    'virtio_console',
    'virtio_blk',
    'virtio_net',
    ...(needs.scsi ? ['virtio_scsi', 'sd_mod'] : []),
    ...(needs.balloon ? ['virtio_balloon'] : []),
    'ext4',
  ];
}

/** Loaded where the kernel has it: ext4's checksums go through it on kernels where it is a module of its own. */
const WHERE_THERE_IS = ['crc32c_generic'];

/**
 * The uncompressed kernel, and an initramfs with our first process and just the modules needed. A kernel without a PVH
 * note is started as the bzImage it is.
 *
 * @throws BenchError `vm-kernel-drivers`, `vm-kernel-modules`, `vm-kernel-unbootable`, `vm-kernel-unreadable`.
 */
export async function ensureBootFiles(
  source: KernelSource,
  needs: ModuleNeeds,
  cacheDir: string,
  signal?: AbortSignal,
): Promise<BootFiles> {
  const folder = join(cacheDir, 'qemu');
  const { sha256, chosen } = source.part;
  const vmlinux = await cachedFile(join(folder, `vmlinux-${sha256.slice(0, 24)}`), async (aside) => {
    if (source.kind === 'vmlinux') await copyFile(source.file, aside);
    else
      await writeFile(
        aside,
        await extractVmlinux(await readFile(source.file), chosen ? source.file : undefined),
      );
  });
  const pvh = await hasPvhEntry(vmlinux);
  if (!pvh && source.kind === 'vmlinux')
    throw new BenchError(
      'vm-kernel-unbootable',
      `kernel: ${source.file} has no PVH entry, and QEMU starts no other uncompressed kernel`,
      { hint: 'build it with CONFIG_PVH=y, or name its bzImage' },
    );
  const programFile = await ensureGuestProgram(cacheDir, signal);
  const archive = cpioArchive(
    await initramfsEntries(source, vmlinux, moduleNames(needs), await readFile(programFile)),
  );
  const archiveDigest = digestOf(archive);
  const initramfs = await cachedFile(join(folder, `initramfs-${archiveDigest}`), (aside) =>
    writeFile(aside, archive),
  );
  return {
    kernel: pvh ? vmlinux : source.file,
    initramfs,
    pvh,
    digest: digestOf(sha256, archiveDigest),
    hostTscKhz: await hostTscKhz(programFile),
  };
}

async function initramfsEntries(
  source: KernelSource,
  vmlinux: string,
  names: string[],
  program: Buffer,
): Promise<CpioEntry[]> {
  const wanted = [...WHERE_THERE_IS, ...names];
  const index = await moduleIndex(source, vmlinux, wanted);
  refuseMissing(source, missingDrivers(index.dep, index.builtin, names));
  const order = moduleOrder(index.dep, wanted);
  const outside = order.find((file) => file.startsWith('/') || file.split('/').includes('..'));
  if (outside !== undefined)
    throw new BenchError(
      'vm-kernel-modules',
      `modules: ${index.folder}/modules.dep names ${outside}, outside of it`,
    );
  const modules = await Promise.all(
    order.map(async (file, at) => ({
      path: `${at}-${(file.split('/').at(-1) ?? '').replace(/\.(xz|zst|gz)$/, '')}`,
      mode: FILE | 0o644,
      data: await readModule(join(index.folder, file)),
    })),
  );
  for (const { path, data } of modules) refuseOtherKernels(source, path, moduleInfo(data, 'vermagic'));
  const list = modules.map(({ path }) => `/${path}\n`).join('');
  return [
    ...['dev', 'proc', 'sys', 'root'].map((path) => ({ path, mode: FOLDER | 0o755 })),
    { path: 'init', mode: FILE | 0o755, data: program },
    { path: 'modules', mode: FILE | 0o644, data: Buffer.from(list) },
    ...modules,
  ];
}

/** Its modules' folder; without one, what the kernel itself shows to have built in. */
async function moduleIndex(source: KernelSource, vmlinux: string, wanted: string[]): Promise<ModuleIndex> {
  if (source.modules !== null) {
    const index = await readModuleFolder(source.modules, wanted);
    if (index.builtin.trim() !== '') return index;
    return { ...index, builtin: builtInDrivers(await readFile(vmlinux), wanted).join('\n') };
  }
  return { folder: '', dep: '', builtin: builtInDrivers(await readFile(vmlinux), wanted).join('\n') };
}

function refuseMissing(source: KernelSource, missing: string[]): void {
  if (missing.length === 0) return;
  const where =
    source.modules === null
      ? `not built in, and no modules of ${source.release} were found`
      : `neither built in nor a module in ${source.modules}`;
  throw new BenchError(
    'vm-kernel-drivers',
    `kernel: ${source.file} (${source.release}) lacks ${missing.join(', ')}: ${where}`,
    {
      hint: `modules: names its lib/modules/${source.release}; or build it with ${missing.map((name) => `${CONFIG_OF[name] ?? name}=y`).join(' ')}`,
    },
  );
}

/** A module of another kernel is refused by the kernel, in the guest, with an errno that does not say why. */
function refuseOtherKernels(source: KernelSource, module: string, vermagic: string): void {
  const release = vermagic.split(' ')[0] ?? '';
  if (release === '' || release === source.release) return;
  throw new BenchError(
    'vm-kernel-modules',
    `modules: ${module} in ${source.modules} is for kernel ${release}, and ${source.file} is ${source.release}`,
    { hint: 'name the modules of this very kernel' },
  );
}
