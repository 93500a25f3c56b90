/*
 * Terminals. Everything comes from the master's descriptor: the slave by TIOCGPTPEER and the console by binding that
 * descriptor, so that names below /dev, which the inside may change, are never followed (CVE-2025-52565).
 */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

/* pty masterSlot slaveSlot rows columns: of the devpts beneath the root. */
int do_pty(struct player *p, const struct arg *a) {
  struct statfs fs;
  struct winsize size = {.ws_row = (unsigned short)a[2].i, .ws_col = (unsigned short)a[3].i};
  int unlocked = 0;
  AUTOCLOSE int master = open_beneath(p, "dev/pts/ptmx", O_RDWR | O_NOCTTY, 0, 0);
  if (master < 0 || fstatfs(master, &fs) < 0) return -1;
  if (fs.f_type != DEVPTS_SUPER_MAGIC) {
    errno = EPERM;
    launch_detail("/dev/pts is not a devpts file system");
    return -1;
  }
  if (ioctl(master, TIOCSPTLCK, &unlocked) < 0) return -1;
  AUTOCLOSE int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0 || (a[2].i && ioctl(master, TIOCSWINSZ, &size) < 0)) return -1;
  return slot_put(p, a[0].i, fcntl(master, F_DUPFD_CLOEXEC, 64)) < 0 ||
                 slot_put(p, a[1].i, fcntl(slave, F_DUPFD_CLOEXEC, 64)) < 0
             ? -1
             : 0;
}

/* send-fd socketSlot slot: the descriptor with one byte, as a console socket expects. */
int do_send_fd(struct player *p, const struct arg *a) {
  char byte = 0;
  int socket = slot_get(p, a[0].i), fd = slot_get(p, a[1].i);
  union {
    char space[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control;
  struct iovec data = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  if (socket < 0 || fd < 0) return -1;
  memset(&control, 0, sizeof control);
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

/* console slot: binds the terminal itself on /dev/console beneath the root. */
int do_console(struct player *p, const struct arg *a) {
  int slave = slot_get(p, a[0].i);
  const struct arg file[] = {{.s = "dev/console", .n = 11}, {.i = 0620}, {.i = 0}};
  if (slave < 0 || do_touch(p, file) < 0) return -1;
  AUTOCLOSE int tree = open_tree(slave, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
  AUTOCLOSE int target = tree < 0 ? -1 : open_beneath(p, "dev/console", O_PATH | O_NOFOLLOW, 0, 0);
  if (target < 0) return -1;
  return move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* terminal slot uid: standard input, output and error, and the session's controlling terminal, owned by the user. */
int do_terminal(struct player *p, const struct arg *a) {
  int slave = slot_get(p, a[0].i);
  if (slave < 0) return -1;
  if (fchown(slave, (uid_t)a[1].i, (gid_t)-1) < 0 && errno != EPERM) return -1;
  if (ioctl(slave, TIOCSCTTY, 0) < 0) return -1;
  for (int fd = 0; fd < 3; fd++)
    if (dup2(slave, fd) < 0) return -1;
  return 0;
}
