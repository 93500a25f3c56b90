/*
 * tare-layer: the hands of the image store. `apply` plays records from standard input beneath a directory; `scan` writes
 * a directory's records to standard output. What to do is decided in TypeScript; this program knows no policy, but it holds
 * the last guard: every path is resolved beneath the root by the kernel (openat2), following no symbolic link.
 */
#include "record.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

int main(int argc, char **argv)
{
    int user_xattrs = 0, keep_owner = 1, sync_after = 0, i = 2;

    /* Die with the process that feeds us. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    umask(0);
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (!strcmp(argv[i], "--user-xattrs"))
            user_xattrs = 1;
        else if (!strcmp(argv[i], "--ignore-owner"))
            keep_owner = 0;
        else if (!strcmp(argv[i], "--sync"))
            sync_after = 1;
        else
            break;
    }
    if (argc == i + 1 && !strcmp(argv[1], "apply"))
        return apply(argv[i], user_xattrs, keep_owner, sync_after);
    if (argc == 3 && i == 2 && !strcmp(argv[1], "scan"))
        return scan(argv[2]);
    fprintf(stderr, "usage: tare-layer apply [--user-xattrs] [--ignore-owner] [--sync] ROOT | scan ROOT\n");
    return 2;
}
