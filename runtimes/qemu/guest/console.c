/* Words on the console, which the host keeps as the box's last words, and the end of the machine when it cannot go on. */
#include "guest.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

void say(const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(text, sizeof text - 1, format, args);
  va_end(args);
  if (length < 0) return;
  if (length > (int)sizeof text - 2) length = sizeof text - 2;
  text[length++] = '\n';
  write_all(2, text, (size_t)length);
}

/* The host reads "tare-guest:" lines from the console to name the failure; then the machine ends (-no-reboot). */
void die(const char *what, int error) {
  say("tare-guest: cannot %s: %s", what, strerror(error < 0 ? -error : error));
  sync();
  reboot(RB_AUTOBOOT);
  for (;;) pause();
}

int64_t clock_ns(int clock) {
  struct timespec now;
  clock_gettime((clockid_t)clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int write_all(int fd, const void *data, size_t size) {
  const char *at = data;
  while (size > 0) {
    ssize_t wrote = write(fd, at, size);
    if (wrote < 0) {
      if (errno == EINTR) continue;
      return -errno;
    }
    at += wrote;
    size -= (size_t)wrote;
  }
  return 0;
}
