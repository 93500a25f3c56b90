/*
 * Feeds mutated plans to the launcher's reader, built with address and undefined-behaviour sanitisers: any read past the
 * end, overflow or leak ends the program. Every input is in an allocation of exactly its size.
 *   fuzz-plan <seed plan> <iterations> <seed>
 */
#include "../../../runtimes/launch/c/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static const uint32_t INTERESTING[] = {0, 1, 4, 5, 255, 0x7f, 0x80, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff};

static size_t mutate(unsigned char *bytes, size_t n, size_t room) {
  for (uint64_t times = next() % 4 + 1; times > 0; times--) {
    size_t at = n ? next() % n : 0;
    switch (next() % 6) {
    case 0:
      if (n) bytes[at] ^= (unsigned char)(1 << next() % 8);
      break;
    case 1:
      if (n) bytes[at] = (unsigned char)next();
      break;
    case 2:
      if (n >= 4 && at <= n - 4)
        memcpy(bytes + at, &INTERESTING[next() % (sizeof INTERESTING / sizeof INTERESTING[0])], 4);
      break;
    case 3:
      n = at;
      break;
    case 4:
      if (n < room) bytes[n++] = (unsigned char)next();
      break;
    default:
      if (n > 16) {
        size_t from = next() % n, length = next() % (n - (from > at ? from : at));
        memmove(bytes + at, bytes + from, length);
      }
    }
  }
  /* Half of them with a length that agrees, or nearly everything would be refused at the door. */
  if (n >= 16 && next() % 2) {
    uint32_t total = (uint32_t)n;
    memcpy(bytes + 12, &total, 4);
  }
  return n;
}

int main(int argc, char **argv) {
  static unsigned char seed[1 << 16], work[(1 << 16) + 64];
  if (argc != 4) return 2;
  FILE *file = fopen(argv[1], "rb");
  if (file == NULL) return 2;
  size_t length = fread(seed, 1, sizeof seed, file);
  fclose(file);
  long iterations = atol(argv[2]), accepted = 0;
  state = strtoull(argv[3], NULL, 10) | 1;
  for (long k = 0; k < iterations; k++) {
    memcpy(work, seed, length);
    size_t n = mutate(work, length, sizeof work);
    char *exact = malloc(n ? n : 1);
    struct plan plan;
    const char *why = NULL;
    if (exact == NULL) return 3;
    memcpy(exact, work, n);
    if (plan_read(exact, n, &plan, &why) == 0) {
      accepted++;
      /* Every accepted plan must be usable: touch all that operations would. */
      for (size_t o = 0; o < plan.count; o++) {
        const char *signature = op_signature(plan.ops[o].code);
        for (size_t f = 0; signature[f]; f++) {
          const struct arg *arg = &plan.ops[o].a[f];
          if (signature[f] == 's' && strlen(arg->s) != arg->n) abort();
          if (signature[f] == 'v') {
            for (size_t v = 0; v < arg->n; v++) strlen(arg->v[v]);
            if (arg->v[arg->n] != NULL) abort();
          }
        }
      }
    } else if (why == NULL) {
      abort();
    }
    plan_free(&plan);
    free(exact);
  }
  printf("%ld %ld\n", iterations, accepted);
  return 0;
}
