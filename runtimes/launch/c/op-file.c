/* Operations on descriptors and on files of the host. */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Programs are given low numbers; ours stay out of their way. */
enum { FIRST_OWN_FD = 64 };

int slot_get(const struct player *p, int64_t slot) {
  if (slot >= 0 && slot < SLOTS && p->slots[slot] >= 0) return p->slots[slot];
  errno = EBADF;
  launch_detail("no such slot");
  return -1;
}

int slot_put(struct player *p, int64_t slot, int fd) {
  if (fd < 0) return -1;
  AUTOCLOSE int given = fd;
  if (slot < 0 || slot >= SLOTS) {
    errno = EBADF;
    return -1;
  }
  int moved = fcntl(given, F_DUPFD_CLOEXEC, FIRST_OWN_FD);
  if (moved < 0) return -1;
  close_quietly(&p->slots[slot]);
  p->slots[slot] = moved;
  return 0;
}

int open_beneath(const struct player *p, const char *path, int flags, mode_t mode, int64_t follow) {
  struct open_how how = {
      .flags = (uint64_t)(flags | O_CLOEXEC),
      .mode = flags & O_CREAT ? mode : 0,
      .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (follow ? 0 : RESOLVE_NO_SYMLINKS),
  };
  for (int tries = 0;; tries++) {
    long fd = syscall(SYS_openat2, p->root, path, &how, sizeof how);
    /* EAGAIN: something was renamed while the kernel walked; it asks us to try again. */
    if (fd >= 0 || errno != EAGAIN || tries > 1000) return (int)fd;
  }
}

/* open slot path flags mode */
int do_open(struct player *p, const struct arg *a) {
  return slot_put(p, a[0].i, open(a[1].s, (int)a[2].i | O_CLOEXEC, (mode_t)a[3].i));
}

static int write_whole(int fd, const char *text) {
  size_t n = strlen(text);
  ssize_t wrote = write(fd, text, n);
  if (wrote >= 0 && (size_t)wrote != n) errno = EIO;
  return wrote >= 0 && (size_t)wrote == n ? 0 : -1;
}

/* write-file path text: one write to an existing file of the host. */
int do_write_file(struct player *p, const struct arg *a) {
  (void)p;
  AUTOCLOSE int fd = open(a[0].s, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  return fd < 0 ? -1 : write_whole(fd, a[1].s);
}

/*
 * write-proc path text: beneath the root, and the file must be on a real procfs: an image that puts something else where
 * /proc belongs must not learn or redirect what is written (CVE-2019-19921, CVE-2025-52881).
 */
int do_write_proc(struct player *p, const struct arg *a) {
  struct statfs fs;
  AUTOCLOSE int fd = open_beneath(p, a[0].s, O_WRONLY | O_NOFOLLOW, 0, 0);
  if (fd < 0 || fstatfs(fd, &fs) < 0) return -1;
  if (fs.f_type != PROC_SUPER_MAGIC) {
    errno = EPERM;
    launch_detail("it is not on a proc file system");
    return -1;
  }
  return write_whole(fd, a[1].s);
}

/* dup slot fd: gives the program what a slot holds. */
int do_dup(struct player *p, const struct arg *a) {
  int fd = slot_get(p, a[0].i);
  return fd < 0 || dup2(fd, (int)a[1].i) < 0 ? -1 : 0;
}

/* gate slot: blocks until a byte comes: what stands between `create` and `start`. */
int do_gate(struct player *p, const struct arg *a) {
  char byte;
  int fd = slot_get(p, a[0].i);
  ssize_t n = -1;
  if (fd < 0) return -1;
  do n = read(fd, &byte, 1);
  while (n < 0 && errno == EINTR);
  if (n == 0) errno = EPIPE;
  return n == 1 ? 0 : -1;
}

/* pipe readSlot writeSlot */
int do_pipe(struct player *p, const struct arg *a) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return -1;
  int bad = slot_put(p, a[0].i, ends[0]) < 0;
  return (slot_put(p, a[1].i, ends[1]) < 0) | bad ? -1 : 0;
}

/* socketpair slot otherSlot: to hand descriptors from the inside to the supervisor. */
int do_socketpair(struct player *p, const struct arg *a) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return -1;
  int bad = slot_put(p, a[0].i, ends[0]) < 0;
  return (slot_put(p, a[1].i, ends[1]) < 0) | bad ? -1 : 0;
}

int do_close_slot(struct player *p, const struct arg *a) {
  if (slot_get(p, a[0].i) < 0) return -1;
  close_quietly(&p->slots[a[0].i]);
  p->slots[a[0].i] = -1;
  return 0;
}

/*
 * connect slot path: to a unix socket of the host (a console socket), while its path still means something. A path too
 * long for an address is reached through a descriptor of its folder.
 */
int do_connect(struct player *p, const struct arg *a) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const char *slash = strrchr(a[1].s, '/');
  char folder[4096];
  if (slash == NULL || (size_t)(slash - a[1].s) >= sizeof folder) {
    errno = ENAMETOOLONG;
    return -1;
  }
  snprintf(folder, sizeof folder, "%.*s/", (int)(slash - a[1].s), a[1].s);
  AUTOCLOSE int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) return -1;
  int n = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", dir, slash + 1);
  if (n < 0 || (size_t)n >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    close_quietly(&fd);
    return -1;
  }
  return slot_put(p, a[0].i, fd);
}
