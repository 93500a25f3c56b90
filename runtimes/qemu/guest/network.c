/* The guest's addresses, by ioctl: two processes of `ip` would cost 60 ms under emulation. */
#include "guest.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CARRIER_TIMEOUT_NS 5000000000
#define LOOK_AGAIN_NS 2000000

static int first_interface(char *name) {
  DIR *dir = opendir("/sys/class/net");
  if (!dir) return -errno;
  int found = -ENODEV;
  for (struct dirent *entry; (entry = readdir(dir));) {
    if (entry->d_name[0] == '.' || strcmp(entry->d_name, "lo") == 0) continue;
    snprintf(name, IFNAMSIZ, "%.15s", entry->d_name);
    found = 0;
    break;
  }
  closedir(dir);
  return found;
}

static int set_flags(int fd, struct ifreq *request, short on, short off) {
  if (ioctl(fd, SIOCGIFFLAGS, request) < 0) return -errno;
  request->ifr_flags = (short)((request->ifr_flags | on) & ~off);
  return ioctl(fd, SIOCSIFFLAGS, request) < 0 ? -errno : 0;
}

static int set_address(int fd, struct ifreq *request, unsigned long what, in_addr_t address) {
  struct sockaddr_in *in = (struct sockaddr_in *)&request->ifr_addr;
  memset(in, 0, sizeof *in);
  in->sin_family = AF_INET;
  in->sin_addr.s_addr = address;
  return ioctl(fd, what, request) < 0 ? -errno : 0;
}

static int set_mac(int fd, struct ifreq *request, const char *mac) {
  unsigned char *byte = (unsigned char *)request->ifr_hwaddr.sa_data;
  request->ifr_hwaddr.sa_family = ARPHRD_ETHER;
  if (sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", byte, byte + 1, byte + 2, byte + 3, byte + 4, byte + 5) != 6)
    return -EINVAL;
  if (ioctl(fd, SIOCSIFHWADDR, request) == 0) return 0;
  if (errno != EBUSY) return -errno;
  /* A driver that cannot change it while up. */
  struct ifreq again = *request;
  int error = set_flags(fd, &again, 0, IFF_UP);
  return error != 0 ? error : ioctl(fd, SIOCSIFHWADDR, request) < 0 ? -errno : 0;
}

static int add_default_route(int fd, const char *gateway) {
  struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY};
  struct sockaddr_in *to = (struct sockaddr_in *)&route.rt_gateway;
  route.rt_dst.sa_family = route.rt_genmask.sa_family = to->sin_family = AF_INET;
  if (inet_pton(AF_INET, gateway, &to->sin_addr) != 1) return -EINVAL;
  return ioctl(fd, SIOCADDRT, &route) < 0 && errno != EEXIST ? -errno : 0;
}

/* Until the kernel has seen the carrier: before, it drops what is sent. */
static int await_carrier(const char *name) {
  char path[64], state[16];
  snprintf(path, sizeof path, "/sys/class/net/%s/operstate", name);
  int64_t until = clock_ns(CLOCK_MONOTONIC) + CARRIER_TIMEOUT_NS;
  for (;;) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, state, sizeof state);
    if (fd >= 0) close(fd);
    if (size >= 2 && strncmp(state, "up", 2) == 0) return 0;
    if (clock_ns(CLOCK_MONOTONIC) > until) return -ENOLINK;
    nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_NS}, NULL);
  }
}

int link_up(void) {
  struct ifreq request = {0};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int error = first_interface(request.ifr_name);
  if (error == 0) error = set_flags(fd, &request, IFF_UP, 0);
  close(fd);
  return error == 0 ? await_carrier(request.ifr_name) : error;
}

int network_up(const char *address_with_prefix, const char *gateway, int mtu, const char *mac) {
  char text[64];
  struct in_addr address;
  snprintf(text, sizeof text, "%s", address_with_prefix);
  char *slash = strchr(text, '/');
  if (!slash) return -EINVAL;
  *slash = 0;
  int prefix = atoi(slash + 1);
  if (prefix < 1 || prefix > 32 || inet_pton(AF_INET, text, &address) != 1) return -EINVAL;

  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  struct ifreq request = {0};
  strcpy(request.ifr_name, "lo");
  int error = set_flags(fd, &request, IFF_UP, 0);
  memset(&request, 0, sizeof request);
  if (error == 0) error = first_interface(request.ifr_name);
  if (error == 0 && strcmp(mac, "-") != 0) error = set_mac(fd, &request, mac);
  if (error == 0 && mtu > 0) {
    request.ifr_mtu = mtu;
    if (ioctl(fd, SIOCSIFMTU, &request) < 0) error = -errno;
  }
  if (error == 0) error = set_address(fd, &request, SIOCSIFADDR, address.s_addr);
  if (error == 0) error = set_address(fd, &request, SIOCSIFNETMASK, htonl(prefix == 32 ? ~0u : ~(~0u >> prefix)));
  if (error == 0) error = set_flags(fd, &request, IFF_UP, 0);
  if (error == 0 && strcmp(gateway, "-") != 0) error = add_default_route(fd, gateway);
  close(fd);
  return error;
}
