/*
 * The supervisor of a detached container: the same process that waits for it, with three files in the container's state
 * folder. `log` gets every piece of output as "<stream> <unix ns> <length>\n" and the bytes; `exit` is written once, whole,
 * when it has ended; `attach` is a socket on which clients see the output as it comes and send input. One process, static
 * buffers, no allocation.
 *
 * Frames on the socket, both ways: one byte of type, four of length (little endian), the bytes.
 *   to the client:   1 stdout · 2 stderr · 0 the end, "code signal" in text
 *   to the program:  0 input · 1 window size (rows, columns as u16) · 2 end of input
 */
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 8, CHUNK = 16384, SEND_TIMEOUT_S = 10, DRAIN_MS = 250 };

struct client {
  int fd;
  size_t have; /* bytes of the frame being received */
  unsigned char frame[5 + CHUNK];
};

static struct client clients[CLIENTS];
static int folder_fd = -1; /* the state folder: an exec's supervisor has the container's own "/" and working directory */
static int log_fd = -1;
static const char *end_path, *end_text;
static int64_t log_bytes;
static char chunk[CHUNK];

static int open_log(int how) {
  int fd = openat(folder_fd, "log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | how, 0600);
  AUTOCLOSE int low = fd;
  return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 64);
}

/*
 * supervise folder maxLogBytes interactive: before a change of namespaces, or in the parent's part. The folder becomes the
 * working directory. maxLogBytes below 0: no log is kept.
 */
int do_supervise(struct player *p, const struct arg *a) {
  AUTOCLOSE int folder = open(a[0].s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  folder_fd = folder < 0 ? -1 : fcntl(folder, F_DUPFD_CLOEXEC, 64);
  if (folder_fd < 0 || fchdir(folder_fd) < 0) return -1;
  log_fd = a[1].i < 0 ? -1 : open_log(0);
  if (a[1].i >= 0 && log_fd < 0) return -1;
  p->supervised = true;
  p->max_log = a[1].i;
  p->interactive = a[2].i != 0;
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "attach"};
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  unlink("attach");
  mode_t mask = umask(0177);
  int bad = listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, CLIENTS) < 0;
  umask(mask);
  if (bad) {
    close_quietly(&listener);
    return -1;
  }
  return slot_put(p, 28, listener);
}

/* at-end path text: when the program has ended, `text`, how it ended and "}" become one line at the end of that file. */
int do_at_end(struct player *p, const struct arg *a) {
  (void)p;
  end_path = a[0].s;
  end_text = a[1].s;
  return 0;
}

static int write_all(int fd, const void *bytes, size_t n) {
  for (const char *at = bytes; n > 0;) {
    ssize_t wrote = write(fd, at, n);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return -1;
    at += wrote;
    n -= (size_t)wrote;
  }
  return 0;
}

static void drop(struct client *c) {
  close_quietly(&c->fd);
  c->fd = -1;
  c->have = 0;
}

static void send_frame(struct client *c, unsigned char type, const void *bytes, size_t n) {
  unsigned char head[5] = {type, (unsigned char)n, (unsigned char)(n >> 8), (unsigned char)(n >> 16), (unsigned char)(n >> 24)};
  if (c->fd >= 0 && (write_all(c->fd, head, sizeof head) < 0 || write_all(c->fd, bytes, n) < 0)) drop(c);
}

static void log_chunk(const struct player *p, int stream, const char *bytes, size_t n) {
  char head[64];
  struct timespec now;
  if (log_fd < 0) return;
  clock_gettime(CLOCK_REALTIME, &now);
  int length = snprintf(head, sizeof head, "%d %lld%09ld %zu\n", stream, (long long)now.tv_sec, now.tv_nsec, n);
  if (p->max_log > 0 && log_bytes + length + (int64_t)n > p->max_log) {
    renameat(folder_fd, "log", folder_fd, "log.1");
    close(log_fd);
    log_fd = open_log(O_TRUNC);
    log_bytes = 0;
  }
  log_bytes += length + (int64_t)n;
  if (write_all(log_fd, head, (size_t)length) == 0) write_all(log_fd, bytes, n);
}

/* Moves what is there; false at the end of the stream. */
static bool pump(const struct player *p, int fd, int stream) {
  ssize_t n = read(fd, chunk, sizeof chunk);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (n <= 0) return false; /* a terminal's master says EIO when the last slave is closed */
  log_chunk(p, stream, chunk, (size_t)n);
  for (size_t k = 0; k < CLIENTS; k++) send_frame(&clients[k], (unsigned char)stream, chunk, (size_t)n);
  return true;
}

static void close_slot(struct player *p, int slot) {
  close_quietly(&p->slots[slot]);
  p->slots[slot] = -1;
}

/* The terminal's master arrives from the inside: it is output and input in one. */
static void receive_master(struct player *p) {
  char byte, space[CMSG_SPACE(sizeof(int))];
  struct iovec data = {&byte, 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
  if (recvmsg(p->slots[SLOT_MASTER], &message, MSG_CMSG_CLOEXEC) > 0) {
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int))) {
      int master;
      memcpy(&master, CMSG_DATA(header), sizeof master);
      p->slots[SLOT_STDOUT] = master;
      p->slots[SLOT_STDIN] = fcntl(master, F_DUPFD_CLOEXEC, 64);
    }
  }
  close_slot(p, SLOT_MASTER);
}

static void act_on(struct player *p, unsigned char type, const unsigned char *bytes, size_t n) {
  int in = p->slots[SLOT_STDIN];
  if (type == 1 && n == 4) {
    struct winsize size = {.ws_row = (unsigned short)(bytes[0] | bytes[1] << 8),
                           .ws_col = (unsigned short)(bytes[2] | bytes[3] << 8)};
    if (in >= 0) ioctl(in, TIOCSWINSZ, &size);
  }
  if (!p->interactive || in < 0) return;
  if (type == 0 && write_all(in, bytes, n) < 0) close_slot(p, SLOT_STDIN);
  if (type == 2 && !isatty(in)) close_slot(p, SLOT_STDIN);
}

/* Reads one client; whole frames are acted on, a malformed one ends the connection. */
static void serve(struct player *p, struct client *c) {
  ssize_t n = read(c->fd, c->frame + c->have, sizeof c->frame - c->have);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n <= 0) {
    drop(c);
    return;
  }
  c->have += (size_t)n;
  while (c->have >= 5) {
    size_t length = c->frame[1] | (size_t)c->frame[2] << 8 | (size_t)c->frame[3] << 16 | (size_t)c->frame[4] << 24;
    if (length > CHUNK) {
      drop(c);
      return;
    }
    if (c->have < 5 + length) return;
    act_on(p, c->frame[0], c->frame + 5, length);
    c->have -= 5 + length;
    memmove(c->frame, c->frame + 5 + length, c->have);
  }
}

static void welcome(int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  struct timeval limit = {.tv_sec = SEND_TIMEOUT_S};
  if (fd < 0) return;
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  for (size_t k = 0; k < CLIENTS; k++) {
    if (clients[k].fd >= 0) continue;
    clients[k].fd = fd;
    clients[k].have = 0;
    return;
  }
  close(fd);
}

/* One write, so that lines of several writers never mix. Whoever follows the file learns of the end without asking. */
static void write_end(int status, const struct timespec *now) {
  char line[2048];
  if (end_path == NULL) return;
  int n = snprintf(line, sizeof line, "%s,\"exitCode\":%d,\"timeNano\":\"%lld%09ld\"}\n", end_text,
                   WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), (long long)now->tv_sec, now->tv_nsec);
  AUTOCLOSE int fd = open(end_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd >= 0 && n > 0 && (size_t)n < sizeof line) write_all(fd, line, (size_t)n);
}

static void write_exit(int status) {
  char text[64];
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  int n = snprintf(text, sizeof text, "%d %d %lld%09ld\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                   WIFSIGNALED(status) ? WTERMSIG(status) : 0, (long long)now.tv_sec, now.tv_nsec);
  int fd = openat(folder_fd, "exit.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  write_end(status, &now);
  if (fd >= 0 && write_all(fd, text, (size_t)n) == 0 && fsync(fd) == 0) renameat(folder_fd, "exit.new", folder_fd, "exit");
  close_quietly(&fd);
  for (size_t k = 0; k < CLIENTS; k++) send_frame(&clients[k], 0, text, (size_t)n);
}

int supervise(struct player *p, pid_t child) {
  struct pollfd watched[5 + CLIENTS];
  sigset_t ended;
  int status = 0;
  bool alive = true;
  for (size_t k = 0; k < CLIENTS; k++) clients[k].fd = -1;
  struct stat st;
  if (log_fd >= 0 && fstat(log_fd, &st) == 0) log_bytes = st.st_size;
  sigemptyset(&ended);
  sigaddset(&ended, SIGCHLD);
  sigprocmask(SIG_BLOCK, &ended, NULL);
  AUTOCLOSE int signals = signalfd(-1, &ended, SFD_CLOEXEC | SFD_NONBLOCK);
  AUTOCLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; null >= 0 && fd < 3; fd++) dup2(null, fd);
  for (;;) {
    watched[0] = (struct pollfd){.fd = signals, .events = POLLIN};
    watched[1] = (struct pollfd){.fd = p->slots[SLOT_STDOUT], .events = POLLIN};
    watched[2] = (struct pollfd){.fd = p->slots[SLOT_STDERR], .events = POLLIN};
    watched[3] = (struct pollfd){.fd = p->slots[SLOT_MASTER], .events = POLLIN};
    watched[4] = (struct pollfd){.fd = p->slots[28], .events = POLLIN};
    for (size_t k = 0; k < CLIENTS; k++) watched[5 + k] = (struct pollfd){.fd = clients[k].fd, .events = POLLIN};
    /* After the end, what is still in the pipes is read; what somebody else holds open is not waited for. */
    if (alive && waitpid(child, &status, WNOHANG) == child) alive = false;
    int ready = poll(watched, 5 + CLIENTS, alive ? -1 : DRAIN_MS);
    if (ready < 0 && errno != EINTR) break;
    if (!alive && (ready == 0 || (p->slots[SLOT_STDOUT] < 0 && p->slots[SLOT_STDERR] < 0))) break;
    if (ready <= 0) continue;
    struct signalfd_siginfo ignored;
    if (watched[0].revents && read(signals, &ignored, sizeof ignored) < 0 && errno != EAGAIN) break;
    /* Whoever connected before the program printed sees it all, so guests come first. */
    if (watched[4].revents) welcome(p->slots[28]);
    if (watched[1].revents && !pump(p, p->slots[SLOT_STDOUT], 1)) close_slot(p, SLOT_STDOUT);
    if (watched[2].revents && !pump(p, p->slots[SLOT_STDERR], 2)) close_slot(p, SLOT_STDERR);
    if (watched[3].revents) receive_master(p);
    for (size_t k = 0; k < CLIENTS; k++)
      if (watched[5 + k].revents && clients[k].fd >= 0) serve(p, &clients[k]);
  }
  write_exit(status);
  unlinkat(folder_fd, "attach", 0);
  return status;
}
