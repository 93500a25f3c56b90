/*
 * The floor: what a container of this isolation costs at least, as one straight C program without plan, checks or error
 * words. Six namespaces, overlay, /proc /sys /dev with six nodes, pts, shm, mqueue, five read-only and twelve masked
 * paths, pivot_root, 14 capabilities, no_new_privs, a seccomp filter from a file; with folders given, the cgroups.
 *   container-floor <lower> <upper> <work> <root> <seccomp file> <cgroup folder>… -- <program> <argument>…
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(long result, const char *what) {
  if (result >= 0) return;
  fprintf(stderr, "container-floor: %s: %s\n", what, strerror(errno));
  _exit(125);
}

/* A thread that moves itself needs none of the locks that moving another takes (see container-attach.c). */
static void join(const char *folder) {
  char path[512];
  snprintf(path, sizeof path, "%s/tasks", folder);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) {
    snprintf(path, sizeof path, "%s/cgroup.procs", folder);
    fd = open(path, O_WRONLY | O_CLOEXEC);
  }
  must(fd < 0 ? -1 : write(fd, "0", 1), path);
  close(fd);
}

static void mount_dev(void) {
  static const struct {
    const char *name;
    unsigned major, minor;
  } NODES[] = {{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
  must(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"), "dev");
  mkdir("dev/pts", 0755), mkdir("dev/shm", 01777), mkdir("dev/mqueue", 0755);
  must(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"), "pts");
  must(mount("shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=65536k"), "shm");
  must(mount("mqueue", "dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "mqueue");
  for (size_t k = 0; k < sizeof NODES / sizeof NODES[0]; k++) {
    char path[32];
    snprintf(path, sizeof path, "dev/%s", NODES[k].name);
    must(mknod(path, S_IFCHR | 0666, makedev(NODES[k].major, NODES[k].minor)), path);
  }
  must(symlink("/proc/self/fd", "dev/fd") | symlink("/proc/self/fd/0", "dev/stdin") |
           symlink("/proc/self/fd/1", "dev/stdout") | symlink("/proc/self/fd/2", "dev/stderr") |
           symlink("pts/ptmx", "dev/ptmx"),
       "links");
}

static void hide(void) {
  static const char *const READ_ONLY[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};
  static const char *const MASKED[] = {"proc/asound", "proc/acpi", "proc/interrupts", "proc/kcore", "proc/keys",
                                       "proc/latency_stats", "proc/timer_list", "proc/timer_stats", "proc/sched_debug",
                                       "proc/scsi", "sys/firmware", "sys/devices/virtual/powercap"};
  for (size_t k = 0; k < sizeof READ_ONLY / sizeof READ_ONLY[0]; k++) {
    if (mount(READ_ONLY[k], READ_ONLY[k], NULL, MS_BIND | MS_REC, NULL) < 0) continue;
    must(mount(NULL, READ_ONLY[k], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), READ_ONLY[k]);
  }
  for (size_t k = 0; k < sizeof MASKED / sizeof MASKED[0]; k++)
    if (mount("/dev/null", MASKED[k], NULL, MS_BIND, NULL) < 0 && errno == ENOTDIR)
      must(mount("tmpfs", MASKED[k], "tmpfs", MS_RDONLY, "size=0"), MASKED[k]);
}

static void drop(const char *filter_file) {
  static const uint64_t KEEP = 0xa80425fb;
  for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
    if (!(KEEP >> cap & 1)) prctl(PR_CAPBSET_DROP, cap);
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{(uint32_t)KEEP, (uint32_t)KEEP, 0}, {0, 0, 0}};
  must(syscall(SYS_capset, &header, data), "capset");
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
  static struct sock_filter filter[BPF_MAXINSNS];
  int fd = open(filter_file, O_RDONLY | O_CLOEXEC);
  ssize_t n = read(fd, filter, sizeof filter);
  must(n, filter_file);
  struct sock_fprog program = {(unsigned short)((size_t)n / sizeof filter[0]), filter};
  must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "seccomp");
}

int main(int argc, char **argv) {
  int end = 6;
  while (end < argc && strcmp(argv[end], "--") != 0) end++;
  if (argc < 8 || end + 1 >= argc) return 2;
  char data[2048];
  snprintf(data, sizeof data, "lowerdir=%s,upperdir=%s,workdir=%s", argv[1], argv[2], argv[3]);
  int filter = open(argv[5], O_RDONLY);
  char filter_path[32];
  snprintf(filter_path, sizeof filter_path, "/proc/self/fd/%d", filter);
  struct clone_args args = {.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP,
                            .exit_signal = SIGCHLD};
  long child = syscall(SYS_clone3, &args, sizeof args);
  must(child, "clone3");
  if (child > 0) {
    int status;
    waitpid((pid_t)child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  for (int k = 6; k < end; k++) join(argv[k]);
  must(mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL), "private");
  must(mount("overlay", argv[4], "overlay", 0, data), "overlay");
  must(chdir(argv[4]), "chdir");
  must(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "proc");
  must(mount("sysfs", "sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL), "sys");
  mount_dev();
  hide();
  must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  must(umount2(".", MNT_DETACH), "umount");
  must(chdir("/"), "chdir");
  must(sethostname("floor", 5), "hostname");
  drop(filter_path);
  execv(argv[end + 1], argv + end + 1);
  must(-1, argv[end + 1]);
}
