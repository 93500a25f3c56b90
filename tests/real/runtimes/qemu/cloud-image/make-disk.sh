# make-disk.sh <folder>: <folder>/tree as a disk that a BIOS and UEFI can start, in <folder>/disk.qcow2. Mounts nothing.
set -eu
cd "$1"
PATH=$PATH:/usr/sbin:/sbin
esp_mib=32
root_mib=700
release=$(ls tree/boot | sed -n 's/^vmlinuz-//p')
words='root=LABEL=cloudroot rw quiet console=ttyS0'

# UEFI: systemd's stub with the kernel, its initramfs and its command line, where firmware looks for it.
printf '%s' "$words" > words.txt
objcopy \
  --add-section .osrel=tree/etc/os-release --change-section-vma .osrel=0x20000 \
  --add-section .cmdline=words.txt --change-section-vma .cmdline=0x30000 \
  --add-section .linux="tree/boot/vmlinuz-$release" --change-section-vma .linux=0x2000000 \
  --add-section .initrd="tree/boot/initrd.img-$release" --change-section-vma .initrd=0x3000000 \
  /usr/lib/systemd/boot/efi/linuxx64.efi.stub BOOTX64.EFI
truncate -s ${esp_mib}M esp.img
mformat -i esp.img -v ESP ::
mmd -i esp.img ::EFI ::EFI/BOOT
mcopy -i esp.img BOOTX64.EFI ::EFI/BOOT/

# BIOS: GRUB, its first sector in the MBR and the rest in the gap behind it, where that sector looks by default.
cat > grub.cfg <<CFG
set root=(hd0,msdos2)
linux /boot/vmlinuz-$release $words
initrd /boot/initrd.img-$release
boot
CFG
grub-mkimage -O i386-pc -p '(hd0,msdos2)/boot/grub' -c grub.cfg -o core.img biosdisk part_msdos ext2 linux

mke2fs -q -F -t ext4 -m 0 -L cloudroot -E lazy_itable_init=1,nodiscard -d tree root.img ${root_mib}M
truncate -s $((1 + esp_mib + root_mib))M disk.raw
printf 'label: dos\nstart=2048,size=%d,type=ef\nstart=%d,size=%d,type=83,bootable\n' \
  $((esp_mib * 2048)) $((2048 + esp_mib * 2048)) $((root_mib * 2048)) | sfdisk -q disk.raw
dd if=/usr/lib/grub/i386-pc/boot.img of=disk.raw bs=440 count=1 conv=notrunc status=none
dd if=core.img of=disk.raw bs=512 seek=1 conv=notrunc status=none
dd if=esp.img of=disk.raw bs=1M seek=1 conv=notrunc,sparse status=none
dd if=root.img of=disk.raw bs=1M seek=$((1 + esp_mib)) conv=notrunc,sparse status=none
qemu-img convert -O qcow2 disk.raw disk.qcow2
