/* Mounts whose files belong to other ids than on the disk (Linux 5.12; below an overlay 5.19). */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

static int write_map(pid_t pid, const char *file, const char *map) {
  char path[48];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
  AUTOCLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  return write(fd, map, strlen(map)) == (ssize_t)strlen(map) ? 0 : -1;
}

/* The kernel takes a mapping only in the form of a user namespace: one without anybody in it, made by a child that ends. */
static int namespace_of(const char *uid_map, const char *gid_map) {
  int ready[2], user = -1;
  char byte, path[48];
  if (pipe2(ready, O_CLOEXEC) < 0) return -1;
  pid_t child = fork();
  if (child == 0) {
    int made = unshare(CLONE_NEWUSER) == 0 && write(ready[1], "r", 1) == 1;
    if (made) pause();
    _exit(made ? 0 : errno);
  }
  close(ready[1]);
  int status = 0, error = errno;
  if (child > 0 && read(ready[0], &byte, 1) == 1) {
    snprintf(path, sizeof path, "/proc/%d/ns/user", child);
    if (write_map(child, "uid_map", uid_map) == 0 && write_map(child, "gid_map", gid_map) == 0)
      user = open(path, O_RDONLY | O_CLOEXEC);
    error = errno;
    kill(child, SIGKILL);
  }
  close(ready[0]);
  if (child > 0) {
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) error = WEXITSTATUS(status);
  }
  errno = error;
  return user;
}

static int map_over(const char *path, const char *uid_map, const char *gid_map, bool recursive) {
  AUTOCLOSE int user = namespace_of(uid_map, gid_map);
  if (user < 0) return -1;
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)user};
  unsigned all = recursive ? (unsigned)AT_RECURSIVE : 0u;
  AUTOCLOSE int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | all);
  if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH | all, &attr, sizeof attr) < 0) return -1;
  return move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
}

/*
 * idmap path uidMap gidMap recursive optional: the tree at a path of the host is covered by itself with its ids mapped
 * ("inside outside count" lines, as of a user namespace). In a mount namespace of our own only. With optional 1 a kernel or
 * file system that cannot is noted, and the tree stays as it is.
 */
int do_idmap(struct player *p, const struct arg *a) {
  if (map_over(a[0].s, a[1].s, a[2].s, a[3].i != 0) == 0) return 0;
  if (a[4].i == 0) return -1;
  status_line(p, "note %zu %d %s\n", p->at, errno, strerror(errno));
  return 0;
}
