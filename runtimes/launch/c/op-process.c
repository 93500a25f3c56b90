/* Operations on the process itself. */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * death-signal signal parent: sent to this process when its parent dies. It must be set again after a change of ids, which
 * clears it. `parent` is who the parent should be, in case it died before we asked; 0 in a child of a clone, where the
 * pipe of wait-parent tells the same.
 */
int do_death_signal(struct player *p, const struct arg *a) {
  (void)p;
  if (prctl(PR_SET_PDEATHSIG, a[0].i) < 0) return -1;
  if (a[1].i == 0 || getppid() == (pid_t)a[1].i) return 0;
  errno = ESRCH;
  launch_detail("the owner is gone");
  return -1;
}

/* dumpable 0|1: 0 keeps processes of the inside from tracing this one before it executes (CVE-2016-9962). */
int do_dumpable(struct player *p, const struct arg *a) {
  (void)p;
  return prctl(PR_SET_DUMPABLE, a[0].i, 0, 0, 0);
}

/* session: a new session and process group. */
int do_session(struct player *p, const struct arg *a) {
  (void)p, (void)a;
  return setsid() < 0 ? -1 : 0;
}

/* affinity mask: a bit mask of CPUs, as sched_setaffinity takes it. */
int do_affinity(struct player *p, const struct arg *a) {
  (void)p;
  return sched_setaffinity(0, a[0].n, (const cpu_set_t *)(const void *)a[0].s);
}

/* rlimit resource soft hard optional: optional 1 notes a refusal (no CAP_SYS_RESOURCE) and goes on. */
int do_rlimit(struct player *p, const struct arg *a) {
  struct rlimit limit = {(rlim_t)a[1].i, (rlim_t)a[2].i};
  if (setrlimit((__rlimit_resource_t)a[0].i, &limit) == 0) return 0;
  if (errno != EPERM || a[3].i == 0) return -1;
  status_line(p, "note %zu %d %s\n", p->at, errno, strerror(errno));
  return 0;
}

int do_umask(struct player *p, const struct arg *a) {
  (void)p;
  umask((mode_t)a[0].i);
  return 0;
}

/* chdir path: and the kernel must be able to name where we are, or we stand outside the root (CVE-2024-21626). */
int do_chdir(struct player *p, const struct arg *a) {
  (void)p;
  char where[4096];
  if (chdir(a[0].s) < 0) return -1;
  long n = syscall(SYS_getcwd, where, sizeof where);
  if (n > 0 && where[0] == '/') return 0;
  if (n > 0) errno = ENOENT;
  launch_detail("the working directory is outside the root");
  return -1;
}

/*
 * close-fds from keepSlot: closes all descriptors from that number on, but those the launcher itself needs until it
 * executes and one slot (a start gate's; -1 for none).
 */
int do_close_fds(struct player *p, const struct arg *a) {
  int gate = a[1].i >= 0 && a[1].i < SLOTS ? p->slots[a[1].i] : -1;
  int keep[] = {p->status, p->root, p->from_parent, p->to_parent, gate};
  unsigned from = (unsigned)a[0].i;
  for (size_t k = 0; k < SLOTS; k++) {
    if (p->slots[k] == gate) continue;
    close_quietly(&p->slots[k]);
    p->slots[k] = -1;
  }
  for (;;) { /* the gaps between the kept ones, in ascending order */
    unsigned next = ~0u;
    for (size_t k = 0; k < sizeof keep / sizeof keep[0]; k++)
      if (keep[k] >= 0 && (unsigned)keep[k] >= from && (unsigned)keep[k] < next) next = (unsigned)keep[k];
    if (next > from && syscall(SYS_close_range, from, next == ~0u ? ~0u : next - 1, 0) < 0) return -1;
    if (next == ~0u) return 0;
    if (fcntl((int)next, F_SETFD, FD_CLOEXEC) < 0) return -1;
    from = next + 1;
  }
}

static const char *path_of(char *const *env) {
  for (; *env != NULL; env++)
    if (strncmp(*env, "PATH=", 5) == 0) return *env + 5;
  return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* Executes by name along PATH, as execvpe does, but with the PATH of the new environment and no shell fallback. */
static void exec_search(char *const *argv, char *const *env) {
  char file[4096];
  int error = ENOENT;
  for (const char *at = path_of(env);; at++) {
    size_t n = strcspn(at, ":");
    int length = snprintf(file, sizeof file, "%.*s%s%s", (int)n, at, n ? "/" : "./", argv[0]);
    if (length > 0 && (size_t)length < sizeof file) {
      execve(file, argv, env);
      if (errno != ENOENT && errno != ENOTDIR) error = errno;
      if (error != ENOENT && error != EACCES) break;
    }
    at += n;
    if (*at == '\0') break;
  }
  errno = error;
}

/* exec argv env search: never returns but for a failure. */
int do_exec(struct player *p, const struct arg *a) {
  if (a[0].n == 0) {
    errno = EINVAL;
    return -1;
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_DFL); /* ignored signals would stay ignored in the program */
  if (a[2].i && strchr(a[0].v[0], '/') == NULL)
    exec_search(a[0].v, a[1].v);
  else
    execve(a[0].v[0], a[0].v, a[1].v);
  int error = errno;
  signal(SIGPIPE, SIG_IGN);
  report_failure(p, error);
  if (p->to_parent >= 0) {
    ssize_t ignored = write(p->to_parent, "F", 1);
    (void)ignored;
  }
  _exit(error == ENOENT || error == ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

/* init name: this process becomes the first of its pid namespace: it reaps and otherwise sleeps. Ends on SIGTERM. */
int do_init(struct player *p, const struct arg *a) {
  sigset_t all;
  prctl(PR_SET_NAME, a[0].s);
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  int null = open("/dev/null", O_RDWR);
  if (null < 0) return -1;
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  status_line(p, "ready\n");
  syscall(SYS_close_range, 3u, ~0u, 0);
  for (;;) {
    siginfo_t info;
    if (sigwaitinfo(&all, &info) < 0) continue;
    if (info.si_signo == SIGTERM) _exit(0);
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
  }
}

/* report words: a line on the status descriptor, to time the phases of a start. */
int do_report(struct player *p, const struct arg *a) {
  status_line(p, "report %s\n", a[0].s);
  return 0;
}

/* keyring name: a session keyring of our own, so that the caller's keys are not handed in. */
int do_keyring(struct player *p, const struct arg *a) {
  (void)p;
  long id = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, a[0].n ? a[0].s : NULL, 0, 0, 0);
  return id < 0 && errno != ENOSYS && errno != EPERM && errno != EDQUOT ? -1 : 0;
}

static const char PID_MARK[] = "@PID@";

/* Writes text with each @PID@ replaced: hooks are told the pid of a container that was not there at planning time. */
static void write_with_pid(int fd, const char *text, pid_t pid) {
  char digits[16];
  int n = snprintf(digits, sizeof digits, "%d", pid);
  for (const char *mark; (mark = strstr(text, PID_MARK)) != NULL; text = mark + sizeof PID_MARK - 1)
    if (write(fd, text, (size_t)(mark - text)) < 0 || write(fd, digits, (size_t)n) < 0) return;
  ssize_t ignored = write(fd, text, strlen(text));
  (void)ignored;
}

/* run file argv env stdin timeout: a program of the host (an OCI hook), awaited; non-zero ends and time-outs are failures. */
int do_run(struct player *p, const struct arg *a) {
  int in[2];
  if (a[1].n == 0 || pipe2(in, O_CLOEXEC) < 0) return -1;
  pid_t child = fork();
  if (child < 0) return -1;
  if (child == 0) {
    dup2(in[0], 0);
    if (a[4].i > 0) alarm((unsigned)a[4].i);
    syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
    execve(a[0].s, a[1].v, a[2].v);
    _exit(EXIT_NOT_FOUND);
  }
  close(in[0]);
  write_with_pid(in[1], a[3].s, p->in_child ? getpid() : p->child);
  close(in[1]);
  int status;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
  launch_detail(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "the hook took too long" : "the hook failed");
  errno = ECHILD;
  return -1;
}

int do_personality(struct player *p, const struct arg *a) {
  (void)p;
  return personality((unsigned long)a[0].i) < 0 ? -1 : 0;
}

/* ignore-signals: SIGINT, SIGQUIT and SIGHUP of a terminal do not reach what is started from here. */
int do_ignore_signals(struct player *p, const struct arg *a) {
  (void)p, (void)a;
  signal(SIGINT, SIG_IGN);
  signal(SIGQUIT, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  return 0;
}
