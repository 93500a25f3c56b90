/* Identity and privilege. The order is the plan's; each operation only checks what it was asked. */
#include "launch.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int do_hostname(struct player *p, const struct arg *a) {
  (void)p;
  return sethostname(a[0].s, a[0].n);
}

int do_domainname(struct player *p, const struct arg *a) {
  (void)p;
  return setdomainname(a[0].s, a[0].n);
}

/* bounding mask: drops every capability of the bounding set that is not in the mask, known to us by name or not. */
int do_bounding(struct player *p, const struct arg *a) {
  (void)p;
  for (int cap = 0; cap < 64; cap++) {
    int has = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
    if (has < 0) return 0; /* past the kernel's last */
    if (has && !((uint64_t)a[0].i >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) return -1;
  }
  return 0;
}

/* keep-caps: the permitted set survives a change of uid until the next exec. */
int do_keep_caps(struct player *p, const struct arg *a) {
  (void)p, (void)a;
  return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
}

/* ids uid gid groups: groups is an array of 32-bit ids; uid or gid -1 is left as it is. */
int do_ids(struct player *p, const struct arg *a) {
  (void)p;
  gid_t groups[256];
  size_t count = a[2].n / sizeof groups[0];
  if (count > sizeof groups / sizeof groups[0] || a[2].n % sizeof groups[0] != 0) {
    errno = EINVAL;
    return -1;
  }
  memcpy(groups, a[2].s, count * sizeof groups[0]);
  /* In a user namespace that denies setgroups there is nothing to drop by it. */
  if (setgroups(count, groups) < 0 && !(errno == EPERM && count == 0)) return -1;
  gid_t gid = (gid_t)a[1].i;
  uid_t uid = (uid_t)a[0].i;
  if (setresgid(gid, gid, gid) < 0) return -1;
  return setresuid(uid, uid, uid);
}

/* caps effective permitted inheritable ambient: as bit masks. */
int do_caps(struct player *p, const struct arg *a) {
  (void)p;
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  for (int half = 0; half < 2; half++) {
    data[half].effective = (uint32_t)((uint64_t)a[0].i >> 32 * half);
    data[half].permitted = (uint32_t)((uint64_t)a[1].i >> 32 * half);
    data[half].inheritable = (uint32_t)((uint64_t)a[2].i >> 32 * half);
  }
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) return -1;
  if (syscall(SYS_capset, &header, data) < 0) return -1;
  for (int cap = 0; cap < 64; cap++)
    if ((uint64_t)a[3].i >> cap & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0) return -1;
  return 0;
}

int do_no_new_privs(struct player *p, const struct arg *a) {
  (void)p, (void)a;
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* seccomp program flags: classic BPF, compiled ahead of time. */
int do_seccomp(struct player *p, const struct arg *a) {
  (void)p;
  struct sock_fprog program = {(unsigned short)(a[0].n / sizeof(struct sock_filter)),
                               (struct sock_filter *)(uintptr_t)a[0].s};
  if (a[0].n == 0 || a[0].n % sizeof(struct sock_filter) != 0 || a[0].n / sizeof(struct sock_filter) > BPF_MAXINSNS) {
    errno = EINVAL;
    return -1;
  }
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, (unsigned)a[1].i, &program) < 0 ? -1 : 0;
}
