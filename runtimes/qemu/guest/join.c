/*
 * Life as a service of a system that a user brought (its own firmware boot, kernel and init; started by cloud-init from
 * the seed disk). Commands of a trial still run on the one userland of every arm: our root disk is attached beside the
 * system's, furnished with the system's /dev, /proc and /sys, and entered. The system's own files are reached by
 * /proc/1/root.
 */
#include "guest.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define OUR_ROOT "/run/tare-root"

/* Words go to the console as in the other life: the host names a failure by them. */
static void speak_on_console(void) {
  int console = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing >= 0) dup2(nothing, 0);
  if (nothing >= 0) dup2(nothing, 1);
  if (console >= 0) dup2(console, 2);
}

static void share(const char *folder) {
  char to[64];
  snprintf(to, sizeof to, OUR_ROOT "%s", folder);
  mkdir(to, 0755);
  if (mount(folder, to, NULL, MS_BIND | MS_REC, NULL) < 0) die(to, errno);
}

void join_system(const char *device, const char *userspace_us) {
  char phases[96];
  long long userspace = atoll(userspace_us);
  long long began = clock_ns(CLOCK_MONOTONIC) / 1000;
  speak_on_console();
  umask(022);
  int error = mount_disk(device, OUR_ROOT, "noinit_itable");
  if (error) die("mount the disk of tools", error);
  share("/dev");
  share("/proc");
  share("/sys");
  if (chroot(OUR_ROOT) < 0 || chdir("/") < 0) die("enter the disk of tools", errno);
  make_mount("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=755");
  make_mount("tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777");
  mkdir("/run/tare", 0700);
  int used = userspace > 0 ? snprintf(phases, sizeof phases, "boot userspace %lld\n", userspace) : 0;
  snprintf(phases + used, sizeof phases - (size_t)used, "boot joined %lld\n", began);
  serve_ports(JOINED_AGENT_PORT, phases);
}
