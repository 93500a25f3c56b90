/* What an ordinary user needs: a user namespace for this process itself, and a helper outside of it. */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_ARGUMENTS = 64, WORDS = 256 };

static char helper_words[WORDS];

static int write_own(const char *file, const char *text) {
  AUTOCLOSE int fd = open(file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return -1;
  return write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

/* newuidmap <pid> inside outside count …: a setuid program of the system, which checks /etc/subuid. Errors to `words`. */
static int map_by_helper(char *const *argv, pid_t target, int words) {
  char pid[16], *full[MAX_ARGUMENTS + 2];
  size_t n = 1;
  snprintf(pid, sizeof pid, "%d", target);
  full[0] = argv[0];
  full[n++] = pid;
  for (size_t k = 1; argv[k] != NULL; k++) {
    if (n > MAX_ARGUMENTS) return E2BIG;
    full[n++] = argv[k];
  }
  full[n] = NULL;
  pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    char *none[] = {NULL};
    dup2(words, 2);
    execve(full[0], full, none);
    _exit(EXIT_NOT_FOUND);
  }
  int status;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return errno;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
  return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NOT_FOUND ? ENOENT : EPERM;
}

/* The helper's part, outside of the namespace: waits until it is there, then has both maps written. */
static _Noreturn void map_from_outside(const struct arg *a, int go, int words) {
  pid_t target = getppid();
  char byte;
  if (read(go, &byte, 1) != 1) _exit(0);
  int error = map_by_helper(a[2].v, target, words);
  if (error == 0) error = map_by_helper(a[3].v, target, words);
  _exit(error > 255 ? EPERM : error);
}

/*
 * user-namespace uidMap gidMap uidHelper gidHelper: this process becomes root of a user namespace of its own. Without helpers it
 * writes the maps itself, which the kernel lets anybody do for their own id alone, once setgroups is denied. With helpers
 * (their argv without the pid) setgroups stays allowed.
 */
int do_user_namespace(struct player *p, const struct arg *a) {
  (void)p;
  if (a[2].n == 0) {
    if (unshare(CLONE_NEWUSER) < 0) return -1;
    if (write_own("/proc/self/setgroups", "deny") < 0 || write_own("/proc/self/uid_map", a[0].s) < 0 ||
        write_own("/proc/self/gid_map", a[1].s) < 0)
      return -1;
    return setresgid(0, 0, 0) < 0 ? -1 : setresuid(0, 0, 0);
  }
  int go[2], words[2], status;
  if (pipe2(go, O_CLOEXEC) < 0 || pipe2(words, O_CLOEXEC) < 0) return -1;
  pid_t helper = fork();
  if (helper < 0) return -1;
  if (helper == 0) {
    close(go[1]);
    map_from_outside(a, go[0], words[1]);
  }
  close(go[0]);
  close(words[1]);
  int failed = unshare(CLONE_NEWUSER) < 0 ? errno : 0;
  ssize_t ignored = failed ? 0 : write(go[1], "g", 1);
  (void)ignored;
  close(go[1]);
  while (waitpid(helper, &status, 0) < 0)
    if (errno != EINTR) return -1;
  if (!failed) failed = WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
  ssize_t n = read(words[0], helper_words, sizeof helper_words - 1);
  close(words[0]);
  if (failed) {
    helper_words[n > 0 ? (size_t)n : 0] = '\0';
    helper_words[strcspn(helper_words, "\n")] = '\0';
    if (n > 0) launch_detail(helper_words);
    errno = failed;
    return -1;
  }
  if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0) return -1;
  return setresuid(0, 0, 0);
}

static const char PID_MARK[] = "@PID@";

/* `text` with each mark replaced by the pid; NULL when there is no memory. */
static char *with_pid(const char *text, const char *pid) {
  size_t marks = 0;
  for (const char *at = text; (at = strstr(at, PID_MARK)) != NULL; at += sizeof PID_MARK - 1) marks++;
  char *made = malloc(strlen(text) + marks * strlen(pid) + 1), *end = made;
  if (made == NULL) return NULL;
  for (const char *mark; (mark = strstr(text, PID_MARK)) != NULL; text = mark + sizeof PID_MARK - 1) {
    memcpy(end, text, (size_t)(mark - text));
    end = stpcpy(end + (mark - text), pid);
  }
  strcpy(end, text);
  return made;
}

/*
 * beside slot argv env log: a helper of the host (a user-mode network) that lives exactly as long as this process. It is forked now,
 * outside of any namespace, and executes when beside-go tells it the container's pid, which replaces @PID@ in its arguments.
 */
int do_beside(struct player *p, const struct arg *a) {
  int go[2];
  pid_t owner = getpid();
  if (a[1].n == 0 || a[1].n > MAX_ARGUMENTS) {
    errno = EINVAL;
    return -1;
  }
  if (pipe2(go, O_CLOEXEC) < 0) return -1;
  pid_t helper = fork();
  if (helper < 0) return -1;
  if (helper > 0) {
    close(go[0]);
    return slot_put(p, a[0].i, go[1]);
  }
  char pid[16], *argv[MAX_ARGUMENTS + 1];
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != owner) _exit(EXIT_LAUNCH_FAILED);
  close(go[1]);
  ssize_t n = read(go[0], pid, sizeof pid - 1);
  if (n <= 0) _exit(0);
  pid[n] = '\0';
  for (size_t k = 0; k < a[1].n; k++)
    if ((argv[k] = with_pid(a[1].v[k], pid)) == NULL) _exit(EXIT_LAUNCH_FAILED);
  argv[a[1].n] = NULL;
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  int log = open(a[3].s, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (null < 0 || log < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0) _exit(EXIT_LAUNCH_FAILED);
  syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
  signal(SIGPIPE, SIG_DFL);
  setsid();
  execve(argv[0], argv, a[2].v);
  _exit(EXIT_NOT_FOUND);
}

/* beside-go slot: in the parent's part. */
int do_beside_go(struct player *p, const struct arg *a) {
  char pid[16];
  int fd = slot_get(p, a[0].i);
  int n = snprintf(pid, sizeof pid, "%d", p->child);
  if (fd < 0 || write(fd, pid, (size_t)n) != n) return -1;
  close_quietly(&p->slots[a[0].i]);
  p->slots[a[0].i] = -1;
  return 0;
}
