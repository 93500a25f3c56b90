# make-tree.sh <folder> [apt sources …]: the root file system of a small cloud image, in <folder>/tree.
set -eu
folder=$1
shift
mmdebstrap --quiet --variant=apt --format=directory --skip=check/qemu --architectures=amd64 \
  --include=linux-image-cloud-amd64,systemd-sysv,udev,dbus,cloud-init,initramfs-tools,zstd \
  --aptopt='Apt::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d"' \
  --essential-hook='printf "MODULES=list\nCOMPRESS=zstd\n" > "$1/etc/initramfs-tools/conf.d/small"' \
  --essential-hook='printf "virtio_pci\nvirtio_blk\next4\n" > "$1/etc/initramfs-tools/modules"' \
  --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin' \
  bookworm "$folder/tree" "$@"

# The image's own settings: what a person who makes a small image would leave out, so that a boot under emulation is short.
cd "$folder/tree"
echo 'LABEL=cloudroot / ext4 noatime,errors=remount-ro 0 0' > etc/fstab
echo 'an image of its own' > etc/motd
cat > etc/cloud/cloud.cfg.d/90_small.cfg <<'CFG'
datasource_list: [NoCloud, None]
cloud_init_modules: [seed_random, bootcmd, write-files, set_hostname]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts-user, final-message]
CFG
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer cloud-init-hotplugd.socket \
  getty@tty1.service getty-static.service systemd-pstore.service systemd-update-utmp.service \
  systemd-update-utmp-runlevel.service sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
  sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount dev-hugepages.mount dev-mqueue.mount \
  modprobe@configfs.service modprobe@fuse.service modprobe@dm_mod.service modprobe@loop.service \
  modprobe@drm.service modprobe@efi_pstore.service systemd-random-seed.service; do
  ln -sf /dev/null "etc/systemd/system/$unit"
done
