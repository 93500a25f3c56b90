import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Image } from '../../contract.ts';
import { cachedFile, digestOf } from '../../compile/cached-file.ts';
import { cpioArchive, FILE, FOLDER, type CpioEntry } from './cpio.ts';
import { extractVmlinux } from './extract-vmlinux.ts';
import { ensureGuestProgram, hostTscKhz } from './guest-program.ts';
import { moduleOrder } from './module-order.ts';

/** What a machine's kernel needs beyond what is built in. */
export interface ModuleNeeds {
  transport: 'pci' | 'mmio';
  scsi: boolean;
  balloon: boolean;
}

/** Kernel and initramfs of direct boot, on disk. */
export interface BootFiles {
  kernel: string;
  initramfs: string;
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
  ];
}

/** The uncompressed kernel of the image, and an initramfs with our first process and just the modules needed. */
export async function ensureBootFiles(
  image: Image,
  needs: ModuleNeeds,
  cacheDir: string,
  signal?: AbortSignal,
): Promise<BootFiles> {
  const folder = join(cacheDir, 'qemu');
  const kernel = await cachedFile(join(folder, `vmlinux-${image.digest.slice(0, 24)}`), async (aside) => {
    const bzImage = await readFile(join(image.rootfs, 'boot', `vmlinuz-${image.kernelRelease}`));
    await writeFile(aside, await extractVmlinux(bzImage));
  });
  const programFile = await ensureGuestProgram(cacheDir, signal);
  const program = await readFile(programFile);
  const names = moduleNames(needs);
  const digest = digestOf(image.digest, names.join(' '), program);
  const initramfs = await cachedFile(join(folder, `initramfs-${digest}`), async (aside) => {
    await writeFile(aside, await initramfsOf(image, names, program));
  });
  return { kernel, initramfs, hostTscKhz: await hostTscKhz(programFile) };
}

async function initramfsOf(image: Image, names: string[], program: Buffer): Promise<Buffer> {
  const modules = join(image.rootfs, 'lib', 'modules', image.kernelRelease);
  const order = moduleOrder(
    await readFile(join(modules, 'modules.dep'), 'utf8'),
    await readFile(join(modules, 'modules.builtin'), 'utf8'),
    names,
  );
  const inside = order.map((file, index) => `/${index}-${file.split('/').at(-1) ?? ''}`);
  const entries: CpioEntry[] = [
    ...['dev', 'proc', 'sys', 'root'].map((path) => ({ path, mode: FOLDER | 0o755 })),
    { path: 'init', mode: FILE | 0o755, data: program },
    { path: 'modules', mode: FILE | 0o644, data: Buffer.from(inside.map((path) => `${path}\n`).join('')) },
  ];
  for (const [index, file] of order.entries())
    entries.push({
      path: (inside[index] ?? '').slice(1),
      mode: FILE | 0o644,
      data: await readFile(join(modules, file)),
    });
  return cpioArchive(entries);
}
