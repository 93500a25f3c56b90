#ifndef TARE_SEAL_H
#define TARE_SEAL_H

/*
 * Makes sure that this process runs from a file nobody can write through /proc/<pid>/exe (CVE-2019-5736): a detached
 * read-only mount of the launcher, which shares its page cache, or where that is not permitted a sealed copy in memory.
 * Executes itself again at most once; returns 0 when this process is safe.
 */
int seal_self(char **argv);

/*
 * Makes the sealed copy, prints its descriptor and holds it until stdin ends: a caller that starts many launchers opens it
 * through /proc/<pid>/fd and executes that, so that none of them has to seal itself. 0, or -1 with errno.
 */
int hold_sealed_copy(void);

#endif
