import { execa, type ResultPromise } from 'execa';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Image } from '../../../runtimes/contract.ts';
import { cachedFile } from '../../../runtimes/compile/cached-file.ts';
import { makeBlankOverlay, ensureRootDisk } from '../../../runtimes/qemu/disks/root-disk.ts';
import type { Contender } from './start-table.ts';

/** Stock boots under emulation take 2–6 s on a quiet machine. */
const STOCK_TIMEOUT_MS = 120_000;

export interface StockRequest {
  image: Image;
  cacheDir: string;
  scratchDir: string;
  memoryMiB: number;
}

/**
 * What a distribution does by itself: its kernel as it is packed, the initramfs that its own tools make for it (with the
 * modules of every machine it may meet), udev in it, the root disk mounted, a shell. The initramfs is made once, by the
 * image's own mkinitramfs, and cached.
 */
export async function distributionBoot(request: StockRequest): Promise<Contender> {
  const { image, cacheDir, scratchDir } = request;
  const initramfs = await ensureDistributionInitramfs(image, cacheDir);
  const base = await ensureRootDisk(image, cacheDir);
  return {
    name: 'stock: pc, vmlinuz, the distribution’s initramfs, root disk, first shell',
    async run() {
      const folder = await mkdtemp(join(scratchDir, 'stock-'));
      try {
        const root = join(folder, 'root.qcow2');
        await makeBlankOverlay(base, 'raw', root);
        return await untilShell(request, {
          initramfs,
          append: 'console=ttyS0 root=/dev/vda rw init=/bin/sh',
          more: ['-drive', `file=${root},if=virtio,format=qcow2`],
          words: /can't access tty|# $/,
        });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

/** The same with the smallest initramfs a person would make by hand: busybox, the virtio modules, modprobe, a shell. */
export async function busyboxBoot(request: StockRequest): Promise<Contender> {
  const { image, scratchDir } = request;
  const initramfs = join(scratchDir, 'busybox-initramfs');
  await execa('sh', ['-ec', BUSYBOX_INITRAMFS, 'sh', image.rootfs, image.kernelRelease, initramfs]);
  return {
    name: 'stock: pc, vmlinuz, modprobe in a busybox initramfs, shell',
    run: () =>
      untilShell(request, { initramfs, append: 'console=ttyS0', more: [], words: /READY-FOR-COMMANDS/ }),
  };
}

interface StockBoot {
  initramfs: string;
  append: string;
  more: string[];
  words: RegExp;
}

async function untilShell(request: StockRequest, boot: StockBoot): Promise<Record<string, number>> {
  const { image, memoryMiB } = request;
  const begun = performance.now();
  const qemu = execa(
    'qemu-system-x86_64',
    [
      ...['-machine', 'pc', '-accel', 'tcg', '-m', String(memoryMiB), '-display', 'none', '-no-reboot'],
      ...['-kernel', join(image.rootfs, 'boot', `vmlinuz-${image.kernelRelease}`), '-initrd', boot.initramfs],
      ...['-append', boot.append, '-serial', 'stdio', '-monitor', 'none'],
      ...boot.more,
    ],
    { timeout: STOCK_TIMEOUT_MS, reject: false },
  );
  await said(qemu, boot.words);
  const total = performance.now() - begun;
  qemu.kill('SIGKILL');
  await qemu;
  return { agent: total, total, pss: Number.NaN };
}

function said(qemu: ResultPromise, words: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    qemu.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (words.test(text)) resolve();
    });
    void qemu.then(() => reject(new Error(`the stock VM ended before its shell: ${text.slice(-400)}`)));
  });
}

/** mkinitramfs of the image, in the image, with what it writes thrown away again. */
function ensureDistributionInitramfs(image: Image, cacheDir: string): Promise<string> {
  const path = join(cacheDir, 'bench', `initrd-${image.digest.slice(0, 24)}`);
  return cachedFile(path, async (aside) => {
    await execa('unshare', ['-m', 'sh', '-ec', MKINITRAMFS, 'sh', image.rootfs, image.kernelRelease, aside]);
  });
}

const MKINITRAMFS = `
over=$(mktemp -d); trap 'umount -R -l "$over"; rmdir "$over"' EXIT
mount -t tmpfs tmpfs "$over"; mkdir "$over/upper" "$over/work" "$over/tree"
mount -t overlay overlay -o "lowerdir=$1,upperdir=$over/upper,workdir=$over/work" "$over/tree"
mount -t proc proc "$over/tree/proc"; mount --bind /dev "$over/tree/dev"
chroot "$over/tree" /usr/sbin/mkinitramfs -o /tmp/initrd "$2" 2>/dev/null
cp "$over/tree/tmp/initrd" "$3"
`;

const BUSYBOX_INITRAMFS = `
tree=$(mktemp -d); trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/bin" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/lib/modules/$2"
cp "$1/bin/busybox" "$tree/bin/busybox"; for each in sh modprobe mount echo; do ln -s busybox "$tree/bin/$each"; done
cp "$1/lib/modules/$2/modules.dep" "$tree/lib/modules/$2/"
for part in drivers/virtio drivers/block drivers/net drivers/char net/core drivers/scsi; do
  mkdir -p "$tree/lib/modules/$2/kernel/$part"; cp -r "$1/lib/modules/$2/kernel/$part/." "$tree/lib/modules/$2/kernel/$part/" 2>/dev/null || true
done
printf '#!/bin/sh\\nmount -t proc proc /proc\\nmount -t sysfs sys /sys\\nmount -t devtmpfs dev /dev\\nfor m in virtio_pci virtio_blk virtio_net virtio_console; do modprobe $m; done\\necho READY-FOR-COMMANDS\\nexec sh\\n' > "$tree/init"
chmod +x "$tree/init"
(cd "$tree"; find . | cpio -o -H newc --quiet | gzip -1 > "$3")
`;
