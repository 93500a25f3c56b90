/*
 * Options of the sanitizers, compiled into the launcher of the test: its environment is empty by design, so it cannot be
 * told by ASAN_OPTIONS.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
int __lsan_is_turned_off(void);

/* A code of its own: a report is never taken for an exit code of the launcher or of the program. */
const char *__asan_default_options(void) { return "exitcode=99:detect_stack_use_after_return=1:strict_string_checks=1"; }
const char *__ubsan_default_options(void) { return "exitcode=99:print_stacktrace=1"; }

/* The leak detector traces this process, which one that has made itself undumpable does not allow. */
int __lsan_is_turned_off(void) { return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 1; }

#ifdef BREAK_IT
/* The control: a launcher with a defect, to see that the test would see one. */
__attribute__((constructor)) static void break_it(void) {
  char *bytes = malloc(8);
  volatile size_t past = strlen("12345678");
  bytes[past] = 1;
  puts(bytes);
}
#endif
