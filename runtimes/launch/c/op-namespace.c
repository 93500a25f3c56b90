/* Namespaces and cgroups. */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A root opened in another mount namespace is of no use in this one: mounts on it would be refused. */
static int root_again(struct player *p) {
  AUTOCLOSE int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  int moved = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 64);
  if (moved < 0) return -1;
  close_quietly(&p->root);
  p->root = moved;
  return 0;
}

static int write_at(const char *directory, const char *file, const char *text) {
  AUTOCLOSE int dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  AUTOCLOSE int fd = dir < 0 ? -1 : openat(dir, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return -1;
  return write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

/* The parent's part of a clone, then the wait for the child. A failure here ends the child. */
static _Noreturn void be_parent(struct player *p, pid_t child, size_t end, int go, int child_events) {
  p->child = child;
  status_line(p, "pid %d\n", child);
  p->at++;
  if (play(p, end) < 0) {
    kill(child, SIGKILL);
    _exit(EXIT_LAUNCH_FAILED);
  }
  /* The child may have died already; its status tells. */
  ssize_t ignored = write(go, "g", 1);
  (void)ignored;
  close(go);
  close_quietly(&p->to_parent);
  close_quietly(&p->from_parent);
  p->to_parent = p->from_parent = -1;
  monitor(p, child, child_events);
}

/*
 * clone flags parentOps cgroupSlot: a child in new namespaces goes on with the plan; the parent plays the next
 * `parentOps` operations at the same time, then only waits. cgroupSlot ≥ 0 puts the child into that v2 cgroup at birth.
 */
int do_clone(struct player *p, const struct arg *a) {
  int go[2], events[2];
  size_t end = p->at + 1 + (size_t)a[1].i;
  if (a[1].i < 0 || end > p->plan.count) {
    errno = EINVAL;
    return -1;
  }
  struct clone_args args = {.flags = (uint64_t)a[0].i, .exit_signal = SIGCHLD};
  if (a[2].i >= 0) {
    int group = slot_get(p, a[2].i);
    if (group < 0) return -1;
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = (uint64_t)group;
  }
  if (pipe2(go, O_CLOEXEC) < 0 || pipe2(events, O_CLOEXEC) < 0) return -1;
  long child = syscall(SYS_clone3, &args, sizeof args);
  if (child < 0) return -1;
  if (child > 0) {
    close(go[0]);
    close(events[1]);
    be_parent(p, (pid_t)child, end, go[1], events[0]);
  }
  close(go[1]);
  close(events[0]);
  close_quietly(&p->to_parent);
  close_quietly(&p->from_parent);
  p->in_child = true;
  p->from_parent = fcntl(go[0], F_DUPFD_CLOEXEC, 64);
  p->to_parent = fcntl(events[1], F_DUPFD_CLOEXEC, 64);
  close(go[0]);
  close(events[1]);
  p->at = end - 1;
  if (p->from_parent < 0 || p->to_parent < 0) return -1;
  return a[0].i & CLONE_NEWNS ? root_again(p) : 0;
}

/* wait-parent: until the parent's part is done. When the parent failed or died, this process quietly ends too. */
int do_wait_parent(struct player *p, const struct arg *a) {
  (void)a;
  char byte;
  ssize_t n;
  if (p->from_parent < 0) return 0;
  do n = read(p->from_parent, &byte, 1);
  while (n < 0 && errno == EINTR);
  if (n != 1) _exit(EXIT_LAUNCH_FAILED);
  close(p->from_parent);
  p->from_parent = -1;
  return 0;
}

int do_unshare(struct player *p, const struct arg *a) {
  if (unshare((int)a[0].i) < 0) return -1;
  return a[0].i & CLONE_NEWNS ? root_again(p) : 0;
}

/* setns path type: type 0 means whatever the path is. */
int do_setns(struct player *p, const struct arg *a) {
  AUTOCLOSE int fd = open(a[0].s, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, (int)a[1].i) < 0) return -1;
  return a[1].i & CLONE_NEWNS ? root_again(p) : 0;
}

/* The start time of a process (field 22 of /proc/<pid>/stat), in clock ticks; 0 when it is gone. */
static unsigned long long start_time(pid_t pid) {
  char path[32], text[1024];
  unsigned long long ticks = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (n <= 0) return 0;
  text[n] = '\0';
  const char *at = strrchr(text, ')'); /* the name may hold anything, so count from its end */
  for (int field = 2; at != NULL && field < 22; field++) at = strchr(at + 1, ' ');
  if (at != NULL) sscanf(at, " %llu", &ticks);
  return ticks;
}

/*
 * setns-pid pid start flags: into several namespaces of one process at once. `start` is its start time as the caller knows
 * it, checked after the descriptor is held, so that a pid used again is never entered.
 */
int do_setns_pid(struct player *p, const struct arg *a) {
  AUTOCLOSE int fd = pidfd_open((pid_t)a[0].i, 0);
  if (fd < 0) return -1;
  if (start_time((pid_t)a[0].i) != (unsigned long long)a[1].i) {
    errno = ESRCH;
    launch_detail("the process has ended and its number is another's");
    return -1;
  }
  if (setns(fd, (int)a[2].i) < 0) return -1;
  return a[2].i & CLONE_NEWNS ? root_again(p) : 0;
}

/* pin-namespace kind path: binds /proc/self/ns/<kind> on a file, so that the namespace lives without a process. */
int do_pin_namespace(struct player *p, const struct arg *a) {
  (void)p;
  char source[64];
  snprintf(source, sizeof source, "/proc/self/ns/%s", a[0].s);
  AUTOCLOSE int file = open(a[1].s, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
  if (file < 0) return -1;
  return mount(source, a[1].s, NULL, MS_BIND, NULL);
}

/*
 * join-cgroup directory: this process, which has one thread. On v1 that is a write of 0 to `tasks`: the kernel moves the
 * writing thread without stopping every fork and exec of the machine first (cgroup_procs_write_start), and that stop waits
 * for an RCU grace period: 0.2 ms for eight hierarchies instead of 5–14. v2 has no `tasks`.
 */
int do_join_cgroup(struct player *p, const struct arg *a) {
  (void)p;
  if (write_at(a[0].s, "tasks", "0") == 0) return 0;
  return errno == ENOENT ? write_at(a[0].s, "cgroup.procs", "0") : -1;
}

/*
 * attach-child directory: in the parent's part, where the child may not do it (a user namespace); the grace period overlaps
 * with what the child does.
 */
int do_attach_child(struct player *p, const struct arg *a) {
  char pid[16];
  snprintf(pid, sizeof pid, "%d", p->child);
  return write_at(a[0].s, "cgroup.procs", pid);
}

/* child-file name text: writes /proc/<child>/<name>: uid_map, gid_map, setgroups, timens_offsets. */
int do_child_file(struct player *p, const struct arg *a) {
  char directory[32];
  snprintf(directory, sizeof directory, "/proc/%d", p->child);
  return write_at(directory, a[0].s, a[1].s);
}

/* cgroup-device-filter directory program: a compiled BPF_PROG_TYPE_CGROUP_DEVICE attached to a v2 cgroup. */
int do_cgroup_device_filter(struct player *p, const struct arg *a) {
  (void)p;
  union bpf_attr load = {
      .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
      .insn_cnt = (uint32_t)(a[1].n / sizeof(struct bpf_insn)),
      .insns = (uint64_t)(uintptr_t)a[1].s,
      .license = (uint64_t)(uintptr_t) "Apache-2.0",
  };
  AUTOCLOSE int dir = open(a[0].s, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
  if (dir < 0) return -1;
  AUTOCLOSE int program = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
  if (program < 0) return -1;
  union bpf_attr attach = {.target_fd = (uint32_t)dir,
                           .attach_bpf_fd = (uint32_t)program,
                           .attach_type = BPF_CGROUP_DEVICE,
                           .attach_flags = BPF_F_ALLOW_MULTI};
  return syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach) < 0 ? -1 : 0;
}
