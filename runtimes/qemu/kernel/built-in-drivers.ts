/**
 * A text that is in a kernel image when the driver is built in, and is not when it is a module: the name the driver
 * registers itself by, between zeros, or words only it prints. For kernels that come without modules.builtin.
 */
const EVIDENCE: Record<string, string> = {
  virtio_pci: '\0virtio-pci\0',
  virtio_mmio: '\0virtio-mmio\0',
  virtio_console: '\0virtio_console\0',
  virtio_blk: '\0virtio_blk\0',
  virtio_net: '\0virtio_net\0',
  virtio_scsi: '\0virtio_scsi\0',
  virtio_balloon: '\0virtio_balloon\0',
  sd_mod: 'Attached SCSI %sdisk',
  ext4: '\0ext4\0',
  crc32c_generic: '\0crc32c-generic\0',
};

/** The option of a kernel's configuration that makes each driver. */
export const CONFIG_OF: Record<string, string> = {
  virtio_pci: 'CONFIG_VIRTIO_PCI',
  virtio_mmio: 'CONFIG_VIRTIO_MMIO',
  virtio_console: 'CONFIG_VIRTIO_CONSOLE',
  virtio_blk: 'CONFIG_VIRTIO_BLK',
  virtio_net: 'CONFIG_VIRTIO_NET',
  virtio_scsi: 'CONFIG_SCSI_VIRTIO',
  virtio_balloon: 'CONFIG_VIRTIO_BALLOON',
  sd_mod: 'CONFIG_BLK_DEV_SD',
  ext4: 'CONFIG_EXT4_FS',
  crc32c_generic: 'CONFIG_CRYPTO_CRC32C',
};

/** Those of the drivers that an uncompressed kernel image holds. */
export function builtInDrivers(vmlinux: Buffer, names: readonly string[]): string[] {
  return names.filter((name) => {
    const text = EVIDENCE[name];
    return text !== undefined && vmlinux.includes(text, 0, 'latin1');
  });
}
