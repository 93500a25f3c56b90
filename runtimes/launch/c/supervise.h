#ifndef TARE_SUPERVISE_H
#define TARE_SUPERVISE_H

#include "launch.h"

/*
 * Slots that a supervised plan fills: the program's stdin (to write), its stdout and stderr (to read), and with a terminal
 * the socket on which the inside sends the terminal's master.
 */
enum { SLOT_STDIN = 24, SLOT_STDOUT = 25, SLOT_STDERR = 26, SLOT_MASTER = 27 };

/* Keeps the log and serves clients until the child has ended and its output is read; returns its wait status. */
int supervise(struct player *p, pid_t child);

#endif
