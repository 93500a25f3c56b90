/* Virtio-serial ports by name, without udev: sysfs says which node is which. */
#include "guest.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define APPEAR_TIMEOUT_NS 20000000000
#define LOOK_AGAIN_NS 500000

static int find_port(const char *name, char *path, size_t size) {
  DIR *dir = opendir("/sys/class/virtio-ports");
  if (!dir) return -errno;
  int found = -ENOENT;
  for (struct dirent *entry; found != 0 && (entry = readdir(dir));) {
    if (entry->d_name[0] == '.') continue;
    char attribute[320], text[128] = "";
    snprintf(attribute, sizeof attribute, "/sys/class/virtio-ports/%s/name", entry->d_name);
    int fd = open(attribute, O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length <= 0) continue;
    text[strcspn(text, "\n")] = 0;
    if (strcmp(text, name) != 0) continue;
    snprintf(path, size, "/dev/%.200s", entry->d_name);
    found = 0;
  }
  closedir(dir);
  return found;
}

/* The host announces ports after the driver has started, so the first look may be too early. */
int open_port(const char *name, char *path, size_t size) {
  int64_t until = clock_ns(CLOCK_MONOTONIC) + APPEAR_TIMEOUT_NS;
  while (find_port(name, path, size) != 0 || access(path, F_OK) != 0) {
    if (clock_ns(CLOCK_MONOTONIC) > until) return -ENODEV;
    nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_NS}, NULL);
  }
  return 0;
}

/* Without waiting: ports are announced in the order of the machine's description, and those asked for here come first. */
int has_port(const char *name) {
  char path[256];
  return find_port(name, path, sizeof path) == 0;
}
