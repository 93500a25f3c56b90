#include "seal.h"

#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

extern char **environ;

static const char MARK[] = "TARE_LAUNCH_SEALED";

static int is_sealed(int self) {
  struct statvfs fs;
  if (fstatvfs(self, &fs) == 0 && (fs.f_flag & ST_RDONLY)) return 1;
  int seals = fcntl(self, F_GET_SEALS);
  return seals >= 0 && (seals & F_SEAL_WRITE) && (seals & F_SEAL_SEAL);
}

/* A detached mount has no place in any tree: nobody can remount what nobody can name. */
static int read_only_mount(void) {
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
  int fd = open_tree(AT_FDCWD, "/proc/self/exe", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (fd >= 0 && mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0) {
    close(fd);
    return -1;
  }
  return fd;
}

static int sealed_copy(int self) {
  struct stat st;
  int fd = memfd_create("tare-launch", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0 || fstat(self, &st) < 0) return -1;
  for (off_t at = 0; at < st.st_size;)
    if (sendfile(fd, self, &at, (size_t)(st.st_size - at)) <= 0) return -1;
  if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0) return -1;
  return fd;
}

int hold_sealed_copy(void) {
  char byte;
  AUTOCLOSE int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  int fd = self < 0 ? -1 : sealed_copy(self);
  if (fd < 0) return -1;
  printf("%d\n", fd);
  if (fflush(stdout) != 0) return -1;
  while (read(0, &byte, 1) < 0 && errno == EINTR) continue;
  return 0;
}

int seal_self(char **argv) {
  int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (self < 0) return -1;
  if (is_sealed(self)) {
    unsetenv(MARK);
    return close(self);
  }
  if (getenv(MARK) != NULL) { /* it was tried and is not so: refuse rather than loop */
    errno = ELOOP;
    return -1;
  }
  int fd = read_only_mount();
  if (fd < 0) fd = sealed_copy(self);
  if (fd < 0 || setenv(MARK, "1", 1) < 0) return -1;
  return execveat(fd, "", argv, environ, AT_EMPTY_PATH);
}
