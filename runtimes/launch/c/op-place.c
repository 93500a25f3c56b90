/*
 * What is made beneath the root before something is mounted on it: folders, files, links, nodes. Each is made in a folder
 * held by descriptor, and links that point nowhere are followed only as far as they stay inside.
 */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Opens the parent folder of a path beneath the root, making folders that are missing. `name` gets the last component. */
static int open_parent(const struct player *p, const char *path, mode_t mode, int64_t follow, char name[256]) {
  char part[4096];
  const char *last = NULL;
  int dir = -1;
  for (const char *at = path; *at != '\0';) {
    size_t n = strcspn(at, "/");
    const char *rest = at + n + strspn(at + n, "/");
    if (n > 0 && *rest == '\0') last = at;
    if (n > 0 && *rest != '\0') {
      /* Each prefix is walked from the root again: the root is the only thing we trust to stay where it is. */
      size_t length = (size_t)(at - path) + n;
      if (length >= sizeof part) goto too_long;
      memcpy(part, path, length);
      part[length] = '\0';
      int next = open_beneath(p, part, O_PATH | O_DIRECTORY, 0, follow);
      if (next < 0 && errno == ENOENT) {
        char made[256];
        if (n >= sizeof made) goto too_long;
        memcpy(made, at, n);
        made[n] = '\0';
        if (mkdirat(dir >= 0 ? dir : p->root, made, mode) < 0 && errno != EEXIST) goto fail;
        next = open_beneath(p, part, O_PATH | O_DIRECTORY, 0, follow);
      }
      if (next < 0) goto fail;
      close_quietly(&dir);
      dir = next;
    }
    at = rest;
  }
  if (last == NULL) {
    errno = EINVAL;
    goto fail;
  }
  size_t n = strcspn(last, "/");
  if (n >= 256) goto too_long;
  memcpy(name, last, n);
  name[n] = '\0';
  return dir >= 0 ? dir : fcntl(p->root, F_DUPFD_CLOEXEC, 0);
too_long:
  errno = ENAMETOOLONG;
fail:
  close_quietly(&dir);
  return -1;
}

/*
 * Where a symbolic link to nothing points, as a path to be resolved beneath the root like any other. `path` is known to
 * name a link.
 */
static int dangling_target(const struct player *p, const char *path, char target[4096]) {
  char name[256], text[2048];
  AUTOCLOSE int dir = open_parent(p, path, 0755, 1, name);
  ssize_t n = dir < 0 ? -1 : readlinkat(dir, name, text, sizeof text - 1);
  if (n < 0) return -1;
  text[n] = '\0';
  const char *slash = strrchr(path, '/');
  int length = text[0] == '/' || slash == NULL ? snprintf(target, 4096, "%s", text)
                                               : snprintf(target, 4096, "%.*s/%s", (int)(slash - path), path, text);
  if (length < 4096) return 0;
  errno = ENAMETOOLONG;
  return -1;
}

enum { MAX_DANGLING = 8 };

bool is_root_path(const char *path) { return path[strspn(path, "/")] == '\0'; }

static int make_folder(const struct player *p, const char *path, mode_t mode, int64_t follow, int depth) {
  char name[256], target[4096];
  if (is_root_path(path)) return 0;
  AUTOCLOSE int there = open_beneath(p, path, O_PATH | O_DIRECTORY, 0, follow);
  if (there >= 0) return 0;
  if (errno != ENOENT) return -1;
  AUTOCLOSE int dir = open_parent(p, path, 0755, follow, name);
  if (dir < 0) return -1;
  if (mkdirat(dir, name, mode) < 0) {
    if (errno != EEXIST || !follow || depth == MAX_DANGLING) return errno == EEXIST ? 0 : -1;
    /* It was made meanwhile, or it is a link to nowhere: then what it names is made, inside the root. */
    return dangling_target(p, path, target) < 0 ? (errno == EINVAL ? 0 : -1) : make_folder(p, target, mode, 1, depth + 1);
  }
  AUTOCLOSE int made = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return made < 0 || fchmod(made, mode) < 0 ? -1 : 0;
}

/* mkdir path mode follow: with its parents; one that is there already is left as it is. */
int do_mkdir(struct player *p, const struct arg *a) { return make_folder(p, a[0].s, (mode_t)a[1].i, a[2].i, 0); }

static int make_file(const struct player *p, const char *path, mode_t mode, int64_t follow, int depth) {
  char name[256], target[4096];
  AUTOCLOSE int there = open_beneath(p, path, O_PATH, 0, follow);
  if (there >= 0) return 0;
  if (errno != ENOENT) return -1;
  AUTOCLOSE int dir = open_parent(p, path, 0755, follow, name);
  AUTOCLOSE int fd = dir < 0 ? -1 : openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (fd >= 0) return 0;
  if (dir < 0 || errno != EEXIST) return -1;
  if (!follow || depth == MAX_DANGLING) return 0;
  return dangling_target(p, path, target) < 0 ? (errno == EINVAL ? 0 : -1) : make_file(p, target, mode, 1, depth + 1);
}

/* touch path mode follow: an empty file to bind on, with its parents; anything there already is left as it is. */
int do_touch(struct player *p, const struct arg *a) { return make_file(p, a[0].s, (mode_t)a[1].i, a[2].i, 0); }

/* symlink text path */
int do_symlink(struct player *p, const struct arg *a) {
  char name[256];
  AUTOCLOSE int dir = open_parent(p, a[1].s, 0755, 0, name);
  if (dir < 0) return -1;
  return symlinkat(a[0].s, dir, name) < 0 && errno != EEXIST ? -1 : 0;
}

/* mknod path mode major minor owner: owner is uid << 32 | gid */
int do_mknod(struct player *p, const struct arg *a) {
  char name[256];
  AUTOCLOSE int dir = open_parent(p, a[0].s, 0755, 0, name);
  if (dir < 0) return -1;
  if (mknodat(dir, name, (mode_t)a[1].i, makedev((unsigned)a[2].i, (unsigned)a[3].i)) < 0) return -1;
  AUTOCLOSE int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  struct stat st;
  if (fd < 0 || fstat(fd, &st) < 0) return -1;
  if (st.st_rdev != makedev((unsigned)a[2].i, (unsigned)a[3].i)) {
    errno = EPERM;
    launch_detail("something else appeared in its place");
    return -1;
  }
  if (fchmodat(dir, name, (mode_t)a[1].i & 07777, 0) < 0) return -1;
  return fchownat(dir, name, (uid_t)(a[4].i >> 32), (gid_t)(a[4].i & 0xffffffff), AT_SYMLINK_NOFOLLOW);
}

int do_chown(struct player *p, const struct arg *a) {
  AUTOCLOSE int fd = open_beneath(p, a[0].s, O_PATH | O_NOFOLLOW, 0, 0);
  return fd < 0 ? -1 : fchownat(fd, "", (uid_t)a[1].i, (gid_t)a[2].i, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
}
