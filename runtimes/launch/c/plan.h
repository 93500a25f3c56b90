/*
 * A launch plan: a flat list of operations, each a code and typed arguments, read from untrusted-until-checked bytes.
 * The reader does no I/O and trusts no length: it is the part that is fuzzed.
 */
#ifndef TARE_PLAN_H
#define TARE_PLAN_H

#include <stddef.h>
#include <stdint.h>

enum {
  PLAN_MAX_BYTES = 8 << 20, /* a docker-sized plan is 20 KiB; the rest is room for argument lists */
  PLAN_MAX_OPS = 8192,
  PLAN_MAX_ARGS = 8,
};

/* One argument; which members hold is said by the signature letter of its operation (see ops.def). */
struct arg {
  int64_t i;      /* i: integer */
  const char *s;  /* s: string without an inner NUL · b: bytes */
  size_t n;       /* s, b: length · v: count */
  char **v;       /* v: strings, NULL-terminated like argv */
};

struct op {
  uint16_t code;
  struct arg a[PLAN_MAX_ARGS];
};

struct plan {
  struct op *ops;
  size_t count;
  char **strings; /* storage of all vectors */
  size_t room;    /* how many fit */
};

/* Signature of an operation code, e.g. "ssi"; NULL when there is no such operation. */
const char *op_signature(uint16_t code);
const char *op_name(uint16_t code);
uint16_t op_last(void);

/*
 * Reads a whole plan. Strings point into `bytes`, which must outlive the plan. On success 0; otherwise -1 and `why` is a
 * constant sentence. Frees nothing of the caller's; `plan_free` releases what this allocated, also after a failure.
 */
int plan_read(char *bytes, size_t length, struct plan *plan, const char **why);
void plan_free(struct plan *plan);

#endif
