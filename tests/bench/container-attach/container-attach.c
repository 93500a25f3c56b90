/*
 * What it costs to move a process into v1 cgroups, by who writes what where. A write of another's pid, or to cgroup.procs,
 * takes the kernel's lock against all forks, execs and exits, whose writer waits for an RCU grace period (unless one has
 * just passed). A thread that writes 0 to `tasks` moves itself alone, and needs no such lock.
 *   container-attach <rounds> <cgroup folder>…
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WAYS = 4, MAX_ROUNDS = 200, REST_US = 30000 };

static const struct {
  const char *file;
  int self;
} WAY[WAYS] = {{"cgroup.procs", 0}, {"cgroup.procs", 1}, {"tasks", 0}, {"tasks", 1}};

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* In a fresh child, with time before it for what earlier writes set off in the kernel to be over. */
static double join_all(char **folders, const char *file, int self) {
  int out[2];
  double took = -1;
  usleep(REST_US);
  if (pipe(out) < 0) exit(1);
  pid_t child = fork();
  if (child == 0) {
    char text[16], path[512];
    int n = snprintf(text, sizeof text, "%d", self ? 0 : getpid());
    double begun = now_ms();
    for (; *folders != NULL; folders++) {
      snprintf(path, sizeof path, "%s/%s", *folders, file);
      int fd = open(path, O_WRONLY | O_CLOEXEC);
      if (fd < 0 || write(fd, text, (size_t)n) != n) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        _exit(1);
      }
      close(fd);
    }
    double end = now_ms() - begun;
    _exit(write(out[1], &end, sizeof end) != sizeof end);
  }
  close(out[1]);
  if (read(out[0], &took, sizeof took) != sizeof took) exit(1);
  close(out[0]);
  waitpid(child, NULL, 0);
  return took;
}

int main(int argc, char **argv) {
  static double took[WAYS][MAX_ROUNDS];
  int rounds = argc > 2 ? atoi(argv[1]) : 0;
  if (rounds < 1 || rounds > MAX_ROUNDS) return 2;
  for (int round = 0; round < rounds; round++)
    for (int way = 0; way < WAYS; way++) took[way][round] = join_all(argv + 2, WAY[way].file, WAY[way].self);
  for (int way = 0; way < WAYS; way++) {
    qsort(took[way], (size_t)rounds, sizeof took[way][0], by_size);
    printf("  %-14s %-12s %6.2f %6.2f %6.2f\n", WAY[way].file, WAY[way].self ? "0 (itself)" : "its pid", took[way][0],
           took[way][rounds / 2], took[way][rounds * 3 / 4]);
  }
  return 0;
}
