/*
 * run|enter <id> <capture bytes> <cwd|-> <stdin file|-> <environment count> [K=V …] <argv …>
 * The command's output goes to files, so that nothing is lost above what the agent would capture and the agent does not
 * wake up while the command is timed. When it has ended, a "done" line goes to the host by way of pid 1; output that
 * fits in <capture bytes> is then printed (the agent carries it), else the host reads the files in pieces.
 * "enter" runs it in the system that a user brought, whose tree is the root of its first process.
 */
#include "guest.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int output_file(const char *id, const char *suffix) {
  char path[160];
  snprintf(path, sizeof path, EXEC_DIR "/%.64s.%s", id, suffix);
  return open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

static void copy_out(int from, int to) {
  char buffer[65536];
  lseek(from, 0, SEEK_SET);
  for (ssize_t size; (size = read(from, buffer, sizeof buffer)) > 0;)
    if (write_all(to, buffer, (size_t)size) != 0) return;
}

static void remove_files(const char *id) {
  static const char *const suffixes[] = {"out", "err", "pid"};
  char path[160];
  for (size_t i = 0; i < 3; i++) {
    snprintf(path, sizeof path, EXEC_DIR "/%.64s.%s", id, suffixes[i]);
    unlink(path);
  }
}

/* What could not be started is told by the pipe: errno of chdir or execvp. */
static void become(char **argv, const char *root, const char *cwd, const char *input, int out, int err, int failed) {
  setsid();
  int in = strcmp(input, "-") == 0 ? 0 : open(input, O_RDONLY | O_CLOEXEC);
  int entered = !root || (chroot(root) == 0 && chdir("/") == 0);
  if (in >= 0 && entered && (strcmp(cwd, "-") == 0 || chdir(cwd) == 0)) {
    dup2(in, 0);
    dup2(out, 1);
    dup2(err, 2);
    signal(SIGPIPE, SIG_DFL);
    execvp(argv[0], argv);
  }
  int error = errno;
  write_all(failed, &error, sizeof error);
  _exit(127);
}

int run_command(int argc, char **argv, const char *root) {
  if (argc < 6) return 2;
  const char *id = argv[0], *cwd = argv[2], *input = argv[3];
  off_t capture = atoll(argv[1]);
  int env_count = atoi(argv[4]), failed[2], status = 0, start_error = 0;
  if (env_count < 0 || argc < 6 + env_count) return 2;
  for (int i = 0; i < env_count; i++) putenv(argv[5 + i]);

  mkdir(EXEC_DIR, 0700);
  int out = output_file(id, "out"), err = output_file(id, "err"), pid_file = output_file(id, "pid");
  if (out < 0 || err < 0 || pid_file < 0 || pipe2(failed, O_CLOEXEC) < 0) start_error = errno;
  int64_t began = clock_ns(CLOCK_MONOTONIC);
  pid_t pid = start_error ? -1 : fork();
  if (pid == 0) become(argv + 5 + env_count, root, cwd, input, out, err, failed[1]);
  if (pid < 0 && !start_error) start_error = errno;
  if (pid > 0) {
    dprintf(pid_file, "%d\n", pid);
    close(failed[1]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    if (read(failed[0], &start_error, sizeof start_error) != sizeof start_error) start_error = 0;
  }
  int64_t took = clock_ns(CLOCK_MONOTONIC) - began;

  struct stat out_stat = {0}, err_stat = {0};
  if (out >= 0) fstat(out, &out_stat);
  if (err >= 0) fstat(err, &err_stat);
  int fits = out_stat.st_size + err_stat.st_size <= capture;
  char line[256];
  int length = snprintf(line, sizeof line, "done %.64s %s %d %lld %lld %lld\n", id,
                        start_error ? "error" : WIFSIGNALED(status) ? "signal" : "exit",
                        start_error ? start_error : WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                        (long long)out_stat.st_size, (long long)err_stat.st_size, (long long)took);
  int fifo = open(DONE_FIFO, O_WRONLY | O_CLOEXEC);
  if (fifo >= 0) write_all(fifo, line, (size_t)length); /* one line < PIPE_BUF: never torn */
  if (fits) {
    copy_out(out, 1);
    copy_out(err, 2);
    remove_files(id);
  }
  return 0;
}
