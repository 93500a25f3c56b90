/*
 * The launcher plays a plan. It knows no policy: every path, flag and number comes from the plan. What it does know is how
 * to do each step without being tricked: destinations are resolved beneath the root and used by descriptor, /proc and
 * /dev/null are checked to be what they are called, nothing is left open for the program that is started.
 *
 * One error convention: an operation returns 0, or -1 with errno set and, where the operation alone does not say it,
 * words in `launch_detail`.
 */
#ifndef TARE_LAUNCH_H
#define TARE_LAUNCH_H

#include "plan.h"

#include <stdbool.h>
#include <sys/types.h>

enum { SLOTS = 32 };

/* Exit codes of the launcher itself, as `env` and `docker run` use them. */
enum { EXIT_LAUNCH_FAILED = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

struct player {
  struct plan plan;
  size_t at;          /* operation being played */
  int status;         /* status descriptor, or -1 */
  int root;           /* O_PATH of the current root: destinations are resolved beneath it */
  int slots[SLOTS];   /* descriptors that operations hand to each other; -1 when empty */
  pid_t child;        /* in the parent's part of a clone: the child */
  int from_parent;    /* in the child: reads 1 byte when the parent's part is done */
  int to_parent;      /* in the child: closed by exec; one byte when the child failed */
  bool in_child;
  bool supervised;    /* the waiting parent keeps logs and the exit status, and outlives the caller */
  bool interactive;   /* what attached clients send goes to the program */
  int64_t max_log;    /* bytes of log before it is rotated */
};

/* Clean-up by attribute: a descriptor closed at the end of its scope. */
void close_quietly(int *fd);
#define AUTOCLOSE __attribute__((cleanup(close_quietly)))

/* More words for the next failure; shown after the errno's text. */
void launch_detail(const char *words);

/* Writes one line to the status descriptor. */
void status_line(const struct player *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Plays operations [p->at, end); on failure reports and returns -1. */
int play(struct player *p, size_t end);
/* Reports the failure of the current operation with errno. */
void report_failure(const struct player *p, int error);

/* A slot's descriptor; -1 with errno EBADF when it is out of range or empty. */
int slot_get(const struct player *p, int64_t slot);
/* Puts a descriptor (moved above the numbers a program may be given, close-on-exec) into a slot. */
int slot_put(struct player *p, int64_t slot, int fd);

/*
 * Opens `path` beneath the root. `follow` 0 refuses symbolic links in any component, 1 resolves them inside the root.
 * Never leaves the root, never crosses a magic link.
 */
int open_beneath(const struct player *p, const char *path, int flags, mode_t mode, int64_t follow);

/* "/", "//" and the like. */
bool is_root_path(const char *path);

/* One function per operation of ops.def. */
#define OP(code, name, signature, handler) int handler(struct player *p, const struct arg *a);
#include "ops.def"
#undef OP

/* Waits for the child as the one that answers for it; never returns. See monitor.c. */
_Noreturn void monitor(struct player *p, pid_t child, int child_events);

#endif
