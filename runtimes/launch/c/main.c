#include "launch.h"
#include "seal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const char *detail;

void launch_detail(const char *words) { detail = words; }

void close_quietly(int *fd) {
  int saved = errno;
  if (*fd >= 0) close(*fd);
  errno = saved;
}

void status_line(const struct player *p, const char *format, ...) {
  char line[512];
  va_list list;
  va_start(list, format);
  int n = vsnprintf(line, sizeof line, format, list);
  va_end(list);
  if (n < 0 || p->status < 0) return;
  size_t length = (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
  ssize_t ignored = write(p->status, line, length);
  (void)ignored;
}

void report_failure(const struct player *p, int error) {
  status_line(p, "fail %zu %d %s%s%s\n", p->at, error, strerror(error), detail ? ": " : "", detail ? detail : "");
}

int play(struct player *p, size_t end) {
  static int (*const HANDLERS[])(struct player *, const struct arg *) = {
#define OP(code, name, signature, handler) [code] = handler,
#include "ops.def"
#undef OP
  };
  for (; p->at < end; p->at++) {
    const struct op *op = &p->plan.ops[p->at];
    detail = NULL;
    if (HANDLERS[op->code](p, op->a) < 0) {
      report_failure(p, errno);
      return -1;
    }
  }
  return 0;
}

/* Reads a descriptor to its end, at most PLAN_MAX_BYTES. */
static char *read_all(int fd, size_t *length) {
  size_t room = 1 << 16, n = 0;
  char *bytes = malloc(room);
  while (bytes != NULL) {
    if (n == room) {
      char *more = room >= PLAN_MAX_BYTES ? NULL : realloc(bytes, room * 2);
      if (more == NULL) {
        free(bytes);
        errno = EFBIG;
        return NULL;
      }
      bytes = more;
      room *= 2;
    }
    ssize_t got = read(fd, bytes + n, room - n);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      free(bytes);
      return NULL;
    }
    if (got == 0) break;
    n += (size_t)got;
  }
  *length = n;
  return bytes;
}

/* Prints the table of operations, for the test that compares it with the TypeScript side's. */
static int print_table(void) {
  for (uint16_t code = 0; code <= op_last(); code++)
    if (op_signature(code) != NULL) printf("%u %s %s\n", code, op_name(code), op_signature(code));
  return 0;
}

/* Reads plans from stdin without playing them. */
static int check_plan(int fd) {
  const char *why = "it cannot be read";
  struct plan plan = {0};
  size_t length = 0;
  char *bytes = read_all(fd, &length);
  int bad = bytes == NULL || plan_read(bytes, length, &plan, &why) < 0;
  if (bad)
    printf("refused: %s\n", why);
  else
    printf("ok: %zu operations\n", plan.count);
  plan_free(&plan);
  free(bytes);
  return bad ? 1 : 0;
}

static int parse_fd(const char *text) {
  char *end;
  long fd = strtol(text, &end, 10);
  return *text == '\0' || *end != '\0' || fd < 0 || fd > 1 << 20 ? -1 : (int)fd;
}

/* Reads the plan and plays it; returns the exit code of a process that did not become a program. */
static int play_plan(struct player *p, int plan_fd) {
  size_t length = 0;
  const char *why = "it cannot be read";
  char *bytes = read_all(plan_fd, &length);
  bool readable = bytes != NULL && plan_read(bytes, length, &p->plan, &why) == 0;
  if (!readable) status_line(p, "fail -1 %d %s: %s\n", EINVAL, strerror(EINVAL), why);
  close(plan_fd);
  fcntl(p->status, F_SETFD, FD_CLOEXEC);
  p->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  bool played = readable && play(p, p->plan.count) == 0;
  if (played) {
    status_line(p, "done\n");
  } else if (p->to_parent >= 0) {
    ssize_t ignored = write(p->to_parent, "F", 1);
    (void)ignored;
  }
  plan_free(&p->plan);
  free(bytes);
  return played ? 0 : EXIT_LAUNCH_FAILED;
}

/* tare-launch <plan fd> <status fd> [announce] | --hold | --operations | --check */
int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--operations") == 0) return print_table();
  if (argc == 2 && strcmp(argv[1], "--check") == 0) return check_plan(0);
  if (argc == 2 && strcmp(argv[1], "--hold") == 0) return hold_sealed_copy() < 0 ? EXIT_LAUNCH_FAILED : 0;
  struct player p = {.status = -1, .root = -1, .from_parent = -1, .to_parent = -1};
  for (size_t k = 0; k < SLOTS; k++) p.slots[k] = -1;
  bool announce = argc == 4 && strcmp(argv[3], "announce") == 0;
  int plan_fd = argc == 3 || announce ? parse_fd(argv[1]) : -1;
  p.status = argc == 3 || announce ? parse_fd(argv[2]) : -1;
  if (plan_fd < 0 || p.status < 0) {
    fprintf(stderr, "usage: tare-launch <plan fd> <status fd> [announce] | --hold | --operations | --check\n");
    return 2;
  }
  prctl(PR_SET_NAME, "tare-launch"); /* started from a descriptor it would be called by a number */
  signal(SIGPIPE, SIG_IGN); /* whoever reads the status may be gone; set back before the program */
  if (seal_self(argv) < 0) {
    status_line(&p, "fail -1 %d %s: making the launcher unreachable from the inside\n", errno, strerror(errno));
    return EXIT_LAUNCH_FAILED;
  }
  if (announce) status_line(&p, "waiting\n");
  return play_plan(&p, plan_fd);
}
