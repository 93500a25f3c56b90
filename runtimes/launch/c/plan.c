#include "plan.h"

#include <stdlib.h>
#include <string.h>

static const char MAGIC[8] = {'T', 'A', 'R', 'E', 'P', 'L', 'N', '1'};

struct entry {
  const char *name;
  const char *signature;
};

static const struct entry TABLE[] = {
#define OP(code, name, signature, handler) [code] = {name, signature},
#include "ops.def"
#undef OP
};

uint16_t op_last(void) { return (uint16_t)(sizeof TABLE / sizeof TABLE[0] - 1); }

const char *op_signature(uint16_t code) { return code <= op_last() ? TABLE[code].signature : NULL; }

const char *op_name(uint16_t code) {
  return code <= op_last() && TABLE[code].name ? TABLE[code].name : "?";
}

/* What is left to read. Every take_* fails rather than reads past the end. */
struct cursor {
  char *at;
  size_t left;
};

static int take(struct cursor *c, void *out, size_t n) {
  if (c->left < n) return -1;
  memcpy(out, c->at, n);
  c->at += n;
  c->left -= n;
  return 0;
}

static int take_u32(struct cursor *c, uint32_t *out) { return take(c, out, sizeof *out); }

/* Bytes in place. With `text` they must be followed by a NUL and hold none. */
static int take_bytes(struct cursor *c, int text, char **out, size_t *n) {
  uint32_t length;
  if (take_u32(c, &length) < 0 || c->left < (size_t)length + (text ? 1u : 0u)) return -1;
  *out = c->at;
  *n = length;
  if (text && (c->at[length] != '\0' || memchr(c->at, '\0', length) != NULL)) return -1;
  c->at += (size_t)length + (text ? 1u : 0u);
  c->left -= (size_t)length + (text ? 1u : 0u);
  return 0;
}

static int take_vector(struct cursor *c, struct plan *plan, size_t *used, struct arg *arg) {
  uint32_t count;
  if (take_u32(c, &count) < 0 || count >= plan->room - *used) return -1;
  arg->v = plan->strings + *used;
  arg->n = count;
  for (uint32_t k = 0; k < count; k++) {
    size_t ignored;
    if (take_bytes(c, 1, &plan->strings[*used + k], &ignored) < 0) return -1;
  }
  *used += count;
  plan->strings[(*used)++] = NULL;
  return 0;
}

static int take_op(struct cursor *c, struct plan *plan, size_t *used, struct op *op, const char **why) {
  uint16_t argc;
  if (take(c, &op->code, sizeof op->code) < 0 || take(c, &argc, sizeof argc) < 0) {
    *why = "the plan ends inside an operation";
    return -1;
  }
  const char *signature = op_signature(op->code);
  if (signature == NULL) {
    *why = "unknown operation code";
    return -1;
  }
  if (argc != strlen(signature)) {
    *why = "wrong number of arguments";
    return -1;
  }
  for (size_t k = 0; k < argc; k++) {
    struct arg *arg = &op->a[k];
    char tag;
    char *text = NULL;
    int bad = take(c, &tag, 1) < 0 || tag != signature[k];
    if (!bad && tag == 'i') bad = take(c, &arg->i, sizeof arg->i) < 0;
    if (!bad && (tag == 's' || tag == 'b')) bad = take_bytes(c, tag == 's', &text, &arg->n) < 0;
    if (!bad && tag == 'v') bad = take_vector(c, plan, used, arg) < 0;
    if (bad) {
      *why = "an argument is malformed or of the wrong type";
      return -1;
    }
    arg->s = text;
  }
  return 0;
}

int plan_read(char *bytes, size_t length, struct plan *plan, const char **why) {
  struct cursor c = {bytes, length};
  char magic[sizeof MAGIC];
  uint32_t count, total;
  memset(plan, 0, sizeof *plan);
  if (length > PLAN_MAX_BYTES || take(&c, magic, sizeof magic) < 0 || memcmp(magic, MAGIC, sizeof MAGIC) != 0 ||
      take_u32(&c, &count) < 0 || take_u32(&c, &total) < 0) {
    *why = "not a launch plan of this version";
    return -1;
  }
  if (total != length || count > PLAN_MAX_OPS) {
    *why = "the plan's length or count is wrong";
    return -1;
  }
  plan->ops = calloc(count ? count : 1, sizeof *plan->ops);
  /* A string or a vector takes at least five bytes of plan, so this is room for all there can be. */
  plan->room = length / 5 + 1;
  plan->strings = calloc(plan->room, sizeof *plan->strings);
  if (plan->ops == NULL || plan->strings == NULL) {
    *why = "out of memory";
    return -1;
  }
  size_t used = 0;
  for (plan->count = 0; plan->count < count; plan->count++)
    if (take_op(&c, plan, &used, &plan->ops[plan->count], why) < 0) return -1;
  if (c.left != 0) {
    *why = "bytes follow the last operation";
    return -1;
  }
  return 0;
}

void plan_free(struct plan *plan) {
  free(plan->ops);
  free(plan->strings);
  memset(plan, 0, sizeof *plan);
}
