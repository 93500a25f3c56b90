/*
 * File systems. A destination is opened beneath the root once and then used by descriptor only: what an image or a
 * process inside does to the path meanwhile changes nothing (CVE-2021-30465, CVE-2024-45310).
 */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

/* propagation path flags: MS_PRIVATE | MS_REC and the like, on a mount of the current tree. */
int do_propagation(struct player *p, const struct arg *a) {
  (void)p;
  return mount(NULL, a[0].s, NULL, (unsigned long)a[1].i, NULL);
}

/* root path: destinations are resolved beneath it from here on. */
int do_root(struct player *p, const struct arg *a) {
  int fd = open(a[0].s, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  int moved = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 64);
  close_quietly(&fd);
  if (moved < 0) return -1;
  close_quietly(&p->root);
  p->root = moved;
  return 0;
}

/* propagate path flags follow: the same for a mount beneath the root. */
int do_propagate(struct player *p, const struct arg *a) {
  struct mount_attr attr = {.propagation = (uint64_t)(a[1].i & ~MS_REC)};
  AUTOCLOSE int fd = open_beneath(p, a[0].s, O_PATH, 0, a[2].i);
  return fd < 0 ? -1 : mount_setattr(fd, "", AT_EMPTY_PATH | (a[1].i & MS_REC ? AT_RECURSIVE : 0), &attr, sizeof attr);
}

/* Names a descriptor for the calls that only take paths; /proc itself must be a procfs for that. */
static int path_of_fd(int fd, char path[64]) {
  struct statfs fs;
  if (statfs("/proc/self/fd", &fs) < 0) return -1;
  if (fs.f_type != PROC_SUPER_MAGIC) {
    errno = EPERM;
    launch_detail("/proc is not a proc file system");
    return -1;
  }
  snprintf(path, 64, "/proc/self/fd/%d", fd);
  return 0;
}

/*
 * mount source target type flags data follow: on a destination beneath the root. A file system mounted on the root itself
 * becomes the root.
 */
int do_mount(struct player *p, const struct arg *a) {
  char path[64];
  AUTOCLOSE int fd = is_root_path(a[1].s) ? fcntl(p->root, F_DUPFD_CLOEXEC, 0) : open_beneath(p, a[1].s, O_PATH, 0, a[5].i);
  if (fd < 0 || path_of_fd(fd, path) < 0) return -1;
  return mount(a[0].s, path, a[2].s, (unsigned long)a[3].i, a[4].n ? a[4].s : NULL);
}

static int set_attributes(int fd, int64_t set, int64_t clear, int64_t propagation, bool recursive) {
  struct mount_attr attr = {
      .attr_set = (uint64_t)set, .attr_clr = (uint64_t)clear, .propagation = (uint64_t)propagation};
  if (set == 0 && clear == 0 && propagation == 0) return 0;
  return mount_setattr(fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr, sizeof attr);
}

static int attach(const struct player *p, int tree, const char *target, int64_t follow) {
  AUTOCLOSE int fd = open_beneath(p, target, O_PATH, 0, follow);
  if (fd < 0) return -1;
  return move_mount(tree, "", fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/*
 * bind source target recursive set clear follow: source is a path of the host; set and clear are MOUNT_ATTR_* bits, and
 * they hold before the mount can be seen. Recursive 2 applies them to the whole tree, 1 to its top only.
 */
int do_bind(struct player *p, const struct arg *a) {
  AUTOCLOSE int tree =
      open_tree(AT_FDCWD, a[0].s, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (a[2].i ? (unsigned)AT_RECURSIVE : 0u));
  if (tree < 0 || set_attributes(tree, a[3].i, a[4].i, 0, a[2].i == 2) < 0) return -1;
  return attach(p, tree, a[1].s, a[5].i);
}

/* The real /dev/null, checked by what it is and not by what it is called (CVE-2025-31133). */
static int open_null(void) {
  struct stat st;
  AUTOCLOSE int fd = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &st) < 0) return -1;
  if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3)) {
    errno = EPERM;
    launch_detail("/dev/null is not the null device");
    return -1;
  }
  return fcntl(fd, F_DUPFD_CLOEXEC, 64);
}

/*
 * One empty, read-only tmpfs for all masked folders, cheaper than a file system for each. The first time it is the new
 * mount itself; after that, clones of it where it stands: before Linux 6.15 a mount that stands nowhere cannot be cloned.
 */
static int clone_empty(void) {
  static int empty = -1;
  if (empty >= 0) return open_tree(empty, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
  AUTOCLOSE int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
  if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "size", "0", 0) < 0 ||
      fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", "1", 0) < 0 ||
      fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
    return -1;
  AUTOCLOSE int made = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  empty = made < 0 ? -1 : fcntl(made, F_DUPFD_CLOEXEC, 64);
  return empty < 0 ? -1 : fcntl(made, F_DUPFD_CLOEXEC, 64);
}

/* mask path: a file reads empty, a folder is empty and cannot be written. What does not exist needs no mask. */
int do_mask(struct player *p, const struct arg *a) {
  struct stat st;
  AUTOCLOSE int target = open_beneath(p, a[0].s, O_PATH, 0, 0);
  if (target < 0) return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
  if (fstat(target, &st) < 0) return -1;
  AUTOCLOSE int null = S_ISDIR(st.st_mode) ? -1 : open_null();
  if (!S_ISDIR(st.st_mode) && null < 0) return -1;
  AUTOCLOSE int tree = S_ISDIR(st.st_mode) ? clone_empty() : open_tree(null, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
  if (tree < 0) return -1;
  return move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* read-only path must: the tree at path, as it is, but unwritable. With must 0 a path that does not exist is fine. */
int do_read_only(struct player *p, const struct arg *a) {
  AUTOCLOSE int target = open_beneath(p, a[0].s, O_PATH, 0, 0);
  if (target < 0) return !a[1].i && (errno == ENOENT || errno == ENOTDIR) ? 0 : -1;
  AUTOCLOSE int tree = open_tree(target, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
  if (tree < 0 || set_attributes(tree, MOUNT_ATTR_RDONLY, 0, 0, true) < 0) return -1;
  return move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* remount path set clear: attributes of the mount that is at path, e.g. the root read-only at the end. */
int do_remount(struct player *p, const struct arg *a) {
  AUTOCLOSE int fd = is_root_path(a[0].s) ? fcntl(p->root, F_DUPFD_CLOEXEC, 0) : open_beneath(p, a[0].s, O_PATH, 0, 0);
  return fd < 0 ? -1 : set_attributes(fd, a[1].i, a[2].i, 0, false);
}

/* bind-device source target: a device node of the host on a file inside, where nodes cannot be made (user namespaces). */
int do_bind_device(struct player *p, const struct arg *a) {
  struct stat st;
  AUTOCLOSE int source = open(a[0].s, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (source < 0 || fstat(source, &st) < 0) return -1;
  if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode)) {
    errno = ENODEV;
    launch_detail("it is not a device");
    return -1;
  }
  AUTOCLOSE int tree = open_tree(source, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
  if (tree < 0) return -1;
  const struct arg file[] = {{.s = a[1].s, .n = a[1].n}, {.i = 0666}, {.i = 0}};
  return do_touch(p, file) < 0 ? -1 : attach(p, tree, a[1].s, 0);
}

/* pivot-root: the current root becomes "/", the old one is let go. No folder is needed for the old root. */
int do_pivot_root(struct player *p, const struct arg *a) {
  (void)a;
  if (fchdir(p->root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
    return -1;
  const struct arg root = {.s = "/", .n = 1};
  return do_root(p, &root);
}

int do_chroot(struct player *p, const struct arg *a) {
  if (chdir(a[0].s) < 0 || chroot(".") < 0) return -1;
  const struct arg root = {.s = "/", .n = 1};
  return do_root(p, &root);
}

/* unmount path flags: of the host; one that is not mounted is fine, so that undoing can be repeated. */
int do_unmount(struct player *p, const struct arg *a) {
  (void)p;
  return umount2(a[0].s, (int)a[1].i | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT ? -1 : 0;
}
