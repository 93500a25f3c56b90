/* Pid 1's life after boot: reap, keep the agent, pass on "done" lines, answer the host. It sleeps in poll otherwise. */
#include "guest.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int control_port;

/* The latest "done" lines as they were passed on: what was under way when a connection was cut is lost with it. */
static char recent[4096];
static size_t recent_size;
static int recent_is_cut;

static void tell(const char *text) { write_all(control_port, text, strlen(text)); }

static void pass_on(const char *text, size_t size) {
  if (recent_size + size > sizeof recent) {
    size_t gone = recent_size + size - sizeof recent;
    memmove(recent, recent + gone, recent_size - gone);
    recent_size -= gone;
    recent_is_cut = 1;
  }
  memcpy(recent + recent_size, text, size);
  recent_size += size;
  write_all(control_port, text, size);
}

/* The host asks for it on a new connection; it knows which of them it still waits for. */
static int tell_again(void) {
  const char *line = recent_is_cut ? memchr(recent, '\n', recent_size) : recent;
  if (line) write_all(control_port, line, recent_size - (size_t)(line - recent));
  return 0;
}

static pid_t start_agent(const char *port) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  char *const argv[] = {"qemu-ga", "-m", "virtio-serial", "-p", (char *)port, "-t", "/run", NULL};
  char *const envp[] = {"PATH=" PATH_INSIDE, "HOME=/root", "LC_ALL=C.UTF-8", NULL};
  execve("/usr/sbin/qemu-ga", argv, envp);
  say("tare-guest: cannot start /usr/sbin/qemu-ga: %s", strerror(errno));
  _exit(127);
}

static void reap(pid_t *agent) {
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid != *agent) continue;
    char text[64];
    snprintf(text, sizeof text, "agent-died %d\n", status);
    tell(text);
    *agent = -1;
  }
}

/* What the kernel has and could give, KiB, as a line of its own before the answer. */
static int tell_memory(void) {
  unsigned long long total = 0, available = 0;
  char line[128];
  FILE *file = fopen("/proc/meminfo", "re");
  if (!file) return -errno;
  while (fgets(line, sizeof line, file)) {
    sscanf(line, "MemTotal: %llu", &total);
    sscanf(line, "MemAvailable: %llu", &available);
  }
  fclose(file);
  snprintf(line, sizeof line, "memory %llu %llu\n", total, available);
  tell(line);
  return 0;
}

/* "<number> <verb> <arg> …" is answered by "answer <number> <0 or errno>". */
static void answer(char *line) {
  char *request = strchr(line, ' ');
  char text[96];
  int error = -EINVAL;
  if (request) {
    *request++ = 0;
    if (strcmp(request, "memory") == 0) error = tell_memory();
    else if (strcmp(request, "again") == 0) error = tell_again();
    else error = do_verb(request);
  }
  snprintf(text, sizeof text, "answer %.20s %d\n", line, -error);
  tell(text);
}

static void take_requests(char *buffer, size_t *used, const char *fresh, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (fresh[i] == '\n') {
      buffer[*used] = 0;
      if (*used > 0) answer(buffer);
      *used = 0;
    } else if (*used < MAX_LINE - 1) {
      buffer[(*used)++] = fresh[i];
    }
  }
}

void serve(int control, const char *agent_path) {
  char line[MAX_LINE], fresh[1024];
  size_t used = 0;
  control_port = control;
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  int children = signalfd(-1, &child, SFD_CLOEXEC);
  mkfifo(DONE_FIFO, 0600);
  int done = open(DONE_FIFO, O_RDWR | O_CLOEXEC);
  if (children < 0 || done < 0) die("set up " DONE_FIFO, errno);
  pid_t agent = start_agent(agent_path);
  snprintf(fresh, sizeof fresh, "boot agent-started %lld\n", (long long)clock_ns(CLOCK_MONOTONIC) / 1000);
  tell(fresh);

  for (;;) {
    struct pollfd ready[] = {{children, POLLIN, 0}, {done, POLLIN, 0}, {control, POLLIN, 0}};
    if (poll(ready, 3, -1) < 0) continue;
    if (ready[0].revents & POLLIN) {
      struct signalfd_siginfo info;
      if (read(children, &info, sizeof info) > 0) reap(&agent);
    }
    if (ready[1].revents & POLLIN) {
      ssize_t size = read(done, fresh, sizeof fresh);
      if (size > 0) pass_on(fresh, (size_t)size);
    }
    if (ready[2].revents & POLLIN) {
      ssize_t size = read(control, fresh, sizeof fresh);
      if (size > 0) take_requests(line, &used, fresh, (size_t)size);
    }
    /* The host's end is closed (a saved state is being made): poll would return at once for ever. */
    if ((ready[2].revents & POLLHUP) && !(ready[2].revents & POLLIN))
      nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
  }
}
