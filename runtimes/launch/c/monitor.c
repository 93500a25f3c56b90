/*
 * The process that answers for a clone's child: it stays outside, reports the child's pid, start and end on the status
 * descriptor, passes signals on, and ends as the child ended. It holds no state and, once the child runs, no descriptor
 * but the status; unless the plan makes it a supervisor (supervise.c).
 */
#include "launch.h"
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t forward_to;

static void forward(int signal) {
  if (forward_to > 0) kill((pid_t)forward_to, signal);
}

static void forward_signals(pid_t child) {
  static const int PASSED[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT};
  struct sigaction action = {.sa_handler = forward, .sa_flags = SA_RESTART};
  forward_to = child;
  for (size_t k = 0; k < sizeof PASSED / sizeof PASSED[0]; k++) sigaction(PASSED[k], &action, NULL);
}

/* Nothing the caller gave us is kept open: a pipe's other end must see the program's end, not ours. */
static void let_go(struct player *p) {
  for (size_t k = 0; k < SLOTS; k++) {
    close_quietly(&p->slots[k]);
    p->slots[k] = -1;
  }
  AUTOCLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; null >= 0 && fd < 3; fd++) dup2(null, fd);
}

static long long micros(struct timeval t) { return (long long)t.tv_sec * 1000000 + t.tv_usec; }

_Noreturn void monitor(struct player *p, pid_t child, int child_events) {
  char failed = 0;
  int status = 0;
  forward_signals(child);
  while (read(child_events, &failed, 1) < 0 && errno == EINTR) continue;
  close(child_events);
  if (!failed) status_line(p, "started\n");
  if (p->supervised) {
    status = supervise(p, child);
  } else {
    struct rusage use = {0};
    let_go(p);
    while (wait4(child, &status, 0, &use) < 0 && errno == EINTR) continue;
    status_line(p, "io %ld %ld\n", use.ru_inblock, use.ru_oublock);
    status_line(p, "cpu %lld %lld\n", micros(use.ru_utime), micros(use.ru_stime));
  }
  forward_to = 0;
  if (WIFSIGNALED(status)) {
    status_line(p, "exit -1 %d\n", WTERMSIG(status));
    _exit(128 + WTERMSIG(status));
  }
  if (!failed) status_line(p, "exit %d 0\n", WEXITSTATUS(status));
  _exit(WEXITSTATUS(status));
}
