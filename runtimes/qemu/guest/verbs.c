/*
 * What the host may ask pid 1 to do. The same words come from the kernel command line ("tare.<verb>=arg,arg") at boot and
 * from the control port later, so that a guest continued from a saved state is put right by the code that set it up.
 */
#include "guest.h"
#include <fcntl.h>
#include <linux/random.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DISK_TIMEOUT_NS 20000000000
#define LOOK_AGAIN_NS 500000
#define MAX_ENTROPY 256

/* A SCSI disk appears after its driver's asynchronous scan; a virtio-blk disk is there at once. */
int mount_disk(const char *device, const char *target, const char *options) {
  int64_t until = clock_ns(CLOCK_MONOTONIC) + DISK_TIMEOUT_NS;
  while (access(device, F_OK) != 0) {
    if (clock_ns(CLOCK_MONOTONIC) > until) return -ENODEV;
    nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_NS}, NULL);
  }
  if (mkdir(target, 0755) < 0 && errno != EEXIST) return -errno;
  if (mount(device, target, "ext4", MS_NOATIME, strcmp(options, "-") == 0 ? NULL : options) < 0) return -errno;
  return 0;
}

static int set_clock(const char *nanoseconds) {
  int64_t now = strtoll(nanoseconds, NULL, 10);
  struct timespec to = {.tv_sec = now / 1000000000, .tv_nsec = now % 1000000000};
  return clock_settime(CLOCK_REALTIME, &to) < 0 ? -errno : 0;
}

/* Mixes in and credits the host's bytes, then reseeds, so that two guests of one saved state part ways at once. */
static int add_entropy(const char *hex) {
  struct {
    struct rand_pool_info info;
    unsigned char bytes[MAX_ENTROPY];
  } pool;
  size_t size = strlen(hex) / 2;
  if (size == 0 || size > MAX_ENTROPY) return -EINVAL;
  unsigned char *to = (unsigned char *)pool.info.buf;
  for (size_t i = 0; i < size; i++)
    if (sscanf(hex + 2 * i, "%2hhx", to + i) != 1) return -EINVAL;
  pool.info.entropy_count = (int)size * 8;
  pool.info.buf_size = (int)size;
  int fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);
  if (fd < 0) return -errno;
  int error = ioctl(fd, RNDADDENTROPY, &pool) < 0 || ioctl(fd, RNDRESEEDCRNG) < 0 ? -errno : 0;
  close(fd);
  return error;
}

static int kill_command(const char *id, const char *signal_number) {
  char path[128], text[32] = "";
  if (strchr(id, '/')) return -EINVAL;
  snprintf(path, sizeof path, EXEC_DIR "/%.64s.pid", id);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  pid_t group = length > 0 ? atoi(text) : 0;
  if (group <= 1) return -ESRCH;
  return kill(-group, atoi(signal_number)) < 0 ? -errno : 0;
}

/* The host has read what a command left in files. */
static int forget_command(const char *id) {
  static const char *const suffixes[] = {"out", "err", "pid"};
  char path[160];
  if (strchr(id, '/')) return -EINVAL;
  for (size_t i = 0; i < 3; i++) {
    snprintf(path, sizeof path, EXEC_DIR "/%.64s.%s", id, suffixes[i]);
    unlink(path);
  }
  return 0;
}

/* Nothing of ours needs an orderly end but the disks; with -no-reboot QEMU ends. */
static int end_machine(void) {
  sync();
  return reboot(RB_AUTOBOOT) < 0 ? -errno : 0;
}

int do_verb(char *request) {
  char *argument[8] = {0}, *rest = request;
  int count = 0;
  while (count < 8 && (argument[count] = strsep(&rest, " ,"))) count++;
  const char *verb = argument[0];
  if (strcmp(verb, "net") == 0 && count == 5)
    return network_up(argument[1], argument[2], atoi(argument[3]), argument[4]);
  if (strcmp(verb, "link") == 0) return link_up();
  if (strcmp(verb, "mount") == 0 && count == 3) return mount_disk(argument[1], argument[2], "noinit_itable");
  if (strcmp(verb, "unmount") == 0 && count == 2) return umount2(argument[1], 0) < 0 ? -errno : 0;
  if (strcmp(verb, "clock") == 0 && count == 2) return set_clock(argument[1]);
  if (strcmp(verb, "entropy") == 0 && count == 2) return add_entropy(argument[1]);
  if (strcmp(verb, "kill") == 0 && count == 3) return kill_command(argument[1], argument[2]);
  if (strcmp(verb, "forget") == 0 && count == 2) return forget_command(argument[1]);
  if (strcmp(verb, "sync") == 0) return sync(), 0;
  if (strcmp(verb, "ping") == 0) return 0;
  if (strcmp(verb, "end") == 0) return end_machine();
  return -ENOSYS;
}
