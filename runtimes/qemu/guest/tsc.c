/*
 * Run on the host: the frequency of its time stamp counter in kHz. An emulated guest's counter is the host's; told its
 * frequency, the guest's kernel need not measure it against emulated timers, which costs boot time, is off when the host
 * is busy, and is impossible on microvm (which has none).
 */
#include "guest.h"
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define WINDOW_NS 50000000
#define TRIES 3

struct reading {
  int64_t ns;
  uint64_t ticks;
};

/* The clock between two reads of the counter, of several tries the one with the least between them. */
static struct reading read_both(void) {
  struct reading best = {0};
  uint64_t narrowest = UINT64_MAX;
  for (int i = 0; i < 16; i++) {
    uint64_t before = __rdtsc();
    int64_t ns = clock_ns(CLOCK_MONOTONIC_RAW);
    uint64_t width = __rdtsc() - before;
    if (width >= narrowest) continue;
    narrowest = width;
    best = (struct reading){ns, before + width / 2};
  }
  return best;
}

int print_tsc_khz(void) {
  uint64_t khz[TRIES];
  for (int i = 0; i < TRIES; i++) {
    struct reading first = read_both();
    nanosleep(&(struct timespec){.tv_nsec = WINDOW_NS}, NULL);
    struct reading second = read_both();
    khz[i] = (second.ticks - first.ticks) * 1000000 / (uint64_t)(second.ns - first.ns);
  }
  uint64_t low = khz[0] < khz[1] ? khz[0] : khz[1], high = khz[0] < khz[1] ? khz[1] : khz[0];
  printf("%llu\n", (unsigned long long)(khz[2] < low ? low : khz[2] > high ? high : khz[2]));
  return 0;
}
