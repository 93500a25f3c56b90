/*
 * Sessions of a person: a program in the guest whose input and output a host's command line is connected to, with a
 * terminal or with pipes. Each "org.tare.session.N" port carries one session at a time and has a process of its own here.
 * A machine of a trial has no such port. Frames, both ways: a letter, the payload's size (32 bits, big-endian), payload.
 *   from the host: S start (NUL-ended words: t|p, run|enter, folder|-, rows, columns, count of K=V, K=V …, argv …)
 *                  I input, E end of input, W "rows columns", K a signal's number
 *   to the host:   R it runs, O output, X output of stderr, D "exit|signal|error number" and nothing more
 */
#include "guest.h"
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_FRAME 65536
#define MAX_WORDS 512
#define HEAD 5
/* A port tells nobody that a host has come; looked at this often, it costs an idle guest nothing one could measure. */
#define LOOK_AGAIN_NS 50000000
/* What still comes after the program has ended, from something it left behind, is waited for no longer. */
#define DRAIN_MS 100

struct session {
  int port;
  pid_t pid;
  int in, out, err;
  int terminal;
  char frame[HEAD + MAX_FRAME];
  size_t have;
};

/* All of it, or an error when the host has gone: a blocking write would wait for the next host, and confuse it. */
static int tell_host(int port, const void *data, size_t size) {
  for (const char *at = data; size > 0;) {
    ssize_t wrote = write(port, at, size);
    if (wrote < 0 && errno != EAGAIN && errno != EINTR) return -errno;
    if (wrote > 0) {
      at += wrote;
      size -= (size_t)wrote;
      continue;
    }
    struct pollfd ready = {port, POLLOUT, 0};
    if (poll(&ready, 1, -1) < 0 && errno != EINTR) return -errno;
    if (ready.revents & POLLHUP) return -EPIPE;
  }
  return 0;
}

static int send_frame(int port, char type, const void *data, size_t size) {
  char head[HEAD] = {type, (char)(size >> 24), (char)(size >> 16), (char)(size >> 8), (char)size};
  int error = tell_host(port, head, HEAD);
  return error != 0 ? error : tell_host(port, data, size);
}

static void send_end(int port, const char *kind, int number) {
  char text[64];
  int size = snprintf(text, sizeof text, "%s %d", kind, number);
  send_frame(port, 'D', text, (size_t)size);
}

/* Bytes of the port that are there, appended; -1 when the host has gone. */
static int fill(struct session *s) {
  ssize_t size = read(s->port, s->frame + s->have, sizeof s->frame - s->have);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (size <= 0) return -1;
  s->have += (size_t)size;
  return 0;
}

/* Size of the first frame's payload when it is whole, else -1; -2 when it can be none. */
static long whole(const struct session *s) {
  const unsigned char *head = (const unsigned char *)s->frame;
  if (s->have < HEAD) return -1;
  size_t size = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
  if (size > MAX_FRAME) return -2;
  return s->have >= HEAD + size ? (long)size : -1;
}

static void drop(struct session *s, size_t size) {
  s->have -= HEAD + size;
  memmove(s->frame, s->frame + HEAD + size, s->have);
}

static void set_size(int fd, int rows, int columns) {
  struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
  ioctl(fd, TIOCSWINSZ, &size);
}

static void become(char **argv, char **env, int env_count, const char *root, const char *cwd, int failed) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_DFL);
  clearenv();
  setenv("PATH", PATH_INSIDE, 1);
  setenv("HOME", "/root", 1);
  for (int i = 0; i < env_count; i++) putenv(env[i]);
  int entered = strcmp(root, "enter") != 0 || chroot(SYSTEM_ROOT) == 0;
  if (entered && chdir("/") == 0 && (strcmp(cwd, "-") == 0 || chdir(cwd) == 0)) execvp(argv[0], argv);
  int error = errno;
  write_all(failed, &error, sizeof error);
  _exit(127);
}

static int make_pipes(int pipes[3][2]) {
  for (int i = 0; i < 3; i++)
    if (pipe2(pipes[i], O_CLOEXEC) < 0) return -errno;
  return 0;
}

/* 0, or -errno of what could not be started. */
static int start(struct session *s, char **word, int count) {
  int env_count = count > 5 ? atoi(word[5]) : -1, failed[2], pipes[3][2], master = -1, error = 0;
  if (env_count < 0 || count < 7 + env_count) return -EINVAL;
  char **env = word + 6, **argv = env + env_count;
  s->terminal = word[0][0] == 't';
  if (pipe2(failed, O_CLOEXEC) < 0) return -errno;
  if (s->terminal) {
    struct winsize size = {.ws_row = (unsigned short)atoi(word[3]), .ws_col = (unsigned short)atoi(word[4])};
    s->pid = forkpty(&master, NULL, NULL, &size);
    s->in = s->out = master;
    s->err = -1;
  } else {
    if ((error = make_pipes(pipes)) != 0) return error;
    s->pid = fork();
    if (s->pid == 0) {
      setsid();
      dup2(pipes[0][0], 0);
      dup2(pipes[1][1], 1);
      dup2(pipes[2][1], 2);
    }
  }
  if (s->pid < 0) return -errno;
  if (s->pid == 0) become(argv, env, env_count, word[1], word[2], failed[1]);
  close(failed[1]);
  if (!s->terminal) {
    close(pipes[0][0]);
    close(pipes[1][1]);
    close(pipes[2][1]);
    s->in = pipes[0][1];
    s->out = pipes[1][0];
    s->err = pipes[2][0];
  }
  if (s->in >= 0) fcntl(s->in, F_SETFL, O_NONBLOCK);
  if (read(failed[0], &error, sizeof error) != sizeof error) error = 0;
  close(failed[0]);
  return -error;
}

/* Everything in the first frame that can be done now; 0 when it has to wait for the program to read its input. */
static int obey(struct session *s, long size) {
  char *payload = s->frame + HEAD;
  char type = s->frame[0];
  if (type == 'I' && s->in >= 0 && size > 0) {
    ssize_t wrote = write(s->in, payload, (size_t)size);
    if (wrote < 0 && errno == EAGAIN) return 0;
    if (wrote >= 0 && wrote < size) {
      size_t rest = (size_t)(size - wrote);
      memmove(payload, payload + wrote, s->have - HEAD - (size_t)wrote);
      s->have -= (size_t)wrote;
      for (int i = 0; i < 4; i++) s->frame[1 + i] = (char)(rest >> (24 - 8 * i));
      return 0;
    }
  } else if (type == 'E' && s->terminal) {
    if (s->in >= 0 && write(s->in, "\004", 1) < 0 && errno == EAGAIN) return 0;
  } else if (type == 'E' && s->in >= 0) {
    close(s->in);
    s->in = -1;
  } else if (type == 'W' || type == 'K') {
    char text[32] = "";
    int first = 0, second = 0;
    memcpy(text, payload, (size_t)size < sizeof text - 1 ? (size_t)size : sizeof text - 1);
    sscanf(text, "%d %d", &first, &second);
    if (type == 'W' && s->terminal) set_size(s->in, first, second);
    if (type == 'K') kill(-s->pid, first);
  }
  drop(s, (size_t)size);
  return 1;
}

/* Passes on what there is to read; closes what has ended. 0: the host took it. */
static int pass_on(int port, int *from, char type) {
  char buffer[16384];
  ssize_t size = read(*from, buffer, sizeof buffer);
  if (size > 0) return send_frame(port, type, buffer, (size_t)size);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  close(*from);
  *from = -1;
  return 0;
}

/* Until the program has ended and said its last. Returns its wait status, or -1 when the host has gone. */
static int pump(struct session *s) {
  int status = 0, ended = 0;
  for (;;) {
    int waits = 0;
    for (long size; (size = whole(s)) >= 0 && !waits;) waits = !obey(s, size);
    if (whole(s) == -2) return -1;
    struct pollfd ready[] = {{s->port, waits ? 0 : POLLIN, 0},
                             {s->out, POLLIN, 0},
                             {s->err, POLLIN, 0},
                             {waits ? s->in : -1, POLLOUT, 0}};
    int count = poll(ready, 4, ended ? DRAIN_MS : 20);
    if (ready[0].revents & POLLHUP) return -1;
    if (ready[0].revents & POLLIN && fill(s) < 0) return -1;
    if (ready[1].revents && pass_on(s->port, &s->out, 'O') != 0) return -1;
    if (ready[2].revents && pass_on(s->port, &s->err, 'X') != 0) return -1;
    if (s->terminal && s->out < 0) s->in = -1;
    if (ended && (count == 0 || (s->out < 0 && s->err < 0))) return status;
    if (!ended && waitpid(s->pid, &status, WNOHANG) == s->pid) ended = 1;
  }
}

static void end_session(struct session *s) {
  if (s->in >= 0) close(s->in);
  if (s->out >= 0 && s->out != s->in) close(s->out);
  if (s->err >= 0) close(s->err);
}

static void hold(struct session *s, char *payload, size_t size) {
  char *word[MAX_WORDS + 1] = {0};
  int count = 0;
  payload[size] = 0;
  for (size_t at = 0; at < size && count < MAX_WORDS; at += strlen(payload + at) + 1) word[count++] = payload + at;
  int error = start(s, word, count);
  if (error == 0) {
    send_frame(s->port, 'R', "", 0);
    int status = pump(s);
    if (status == -1) {
      kill(-s->pid, SIGHUP);
      nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_NS}, NULL);
      kill(-s->pid, SIGKILL);
      waitpid(s->pid, &status, 0);
      char stale[4096];
      while (read(s->port, stale, sizeof stale) > 0) {}
    } else if (WIFSIGNALED(status)) {
      send_end(s->port, "signal", WTERMSIG(status));
    } else {
      send_end(s->port, "exit", WEXITSTATUS(status));
    }
  } else {
    if (s->pid > 0) waitpid(s->pid, NULL, 0);
    send_end(s->port, "error", -error);
  }
  end_session(s);
}

static void serve_sessions(int port) {
  static struct session session;
  static char first[HEAD + MAX_FRAME + 1];
  signal(SIGPIPE, SIG_IGN);
  for (;;) {
    memset(&session, 0, sizeof session);
    session = (struct session){.port = port, .pid = -1, .in = -1, .out = -1, .err = -1};
    for (;;) {
      struct pollfd ready = {port, POLLIN, 0};
      poll(&ready, 1, -1);
      if ((ready.revents & POLLIN) && fill(&session) == 0) {
        long size = whole(&session);
        if (size == -2) session.have = 0;
        if (size < 0) continue;
        if (session.frame[0] == 'S') {
          memcpy(first, session.frame + HEAD, (size_t)size);
          drop(&session, (size_t)size);
          hold(&session, first, (size_t)size);
          break;
        }
        drop(&session, (size_t)size); /* of a session that is over */
      } else {
        session.have = 0;
        nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_NS}, NULL);
      }
    }
  }
}

void offer_sessions(void) {
  for (int number = 0; number < SESSIONS; number++) {
    char name[32], path[256];
    snprintf(name, sizeof name, SESSION_PORT "%d", number);
    if (!has_port(name) || open_port(name, path, sizeof path) != 0) return;
    if (fork() != 0) continue;
    int port = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (port < 0) _exit(1);
    serve_sessions(port);
  }
}
