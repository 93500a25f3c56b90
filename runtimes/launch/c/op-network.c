/*
 * Links, addresses and routes by rtnetlink. A netlink socket belongs to the namespace it was opened in, whoever uses it
 * later: so one process sets up both ends of a veth pair without entering a namespace twice and without starting `ip`.
 */
#include "launch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct message {
  struct nlmsghdr header;
  char body[1024];
};

static void *tail(struct message *m) { return (char *)m + NLMSG_ALIGN(m->header.nlmsg_len); }

static void *begin(struct message *m, uint16_t type, uint16_t flags, const void *body, size_t n) {
  memset(m, 0, sizeof *m);
  m->header.nlmsg_len = NLMSG_LENGTH(n);
  m->header.nlmsg_type = type;
  m->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
  return memcpy(NLMSG_DATA(&m->header), body, n);
}

/* Appends an attribute; all of ours are small constants or interface names, checked before. */
static struct rtattr *put(struct message *m, uint16_t type, const void *data, size_t n) {
  struct rtattr *attr = tail(m);
  attr->rta_type = type;
  attr->rta_len = (uint16_t)RTA_LENGTH(n);
  if (n) memcpy(RTA_DATA(attr), data, n);
  m->header.nlmsg_len = NLMSG_ALIGN(m->header.nlmsg_len) + RTA_ALIGN(attr->rta_len);
  return attr;
}

static void close_nest(struct message *m, struct rtattr *nest) {
  nest->rta_len = (uint16_t)((char *)tail(m) - (char *)nest);
}

static int transact(int fd, struct message *m) {
  struct message answer;
  static uint32_t sequence;
  m->header.nlmsg_seq = ++sequence;
  if (send(fd, m, m->header.nlmsg_len, 0) < 0) return -1;
  for (;;) {
    ssize_t n = recv(fd, &answer, sizeof answer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr))) {
      if (n >= 0) errno = EPROTO;
      return -1;
    }
    if (answer.header.nlmsg_seq != sequence || answer.header.nlmsg_type != NLMSG_ERROR) continue;
    struct nlmsgerr error;
    memcpy(&error, NLMSG_DATA(&answer.header), sizeof error);
    errno = -error.error;
    return error.error == 0 ? 0 : -1;
  }
}

static int name_ok(const char *name) {
  if (strlen(name) > 0 && strlen(name) < IFNAMSIZ) return 0;
  errno = EINVAL;
  launch_detail("an interface name has 1 to 15 characters");
  return -1;
}

/* The index of a link in the namespace of a netlink socket. */
static int index_of(int fd, const char *name) {
  struct message m;
  struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
  static uint32_t sequence = 1u << 30;
  if (name_ok(name) < 0) return -1;
  begin(&m, RTM_GETLINK, 0, &info, sizeof info);
  m.header.nlmsg_flags = NLM_F_REQUEST;
  m.header.nlmsg_seq = ++sequence;
  put(&m, IFLA_IFNAME, name, strlen(name) + 1);
  char answer[8192];
  if (send(fd, &m, m.header.nlmsg_len, 0) < 0) return -1;
  for (;;) {
    ssize_t n = recv(fd, answer, sizeof answer, 0);
    if (n < 0 && errno == EINTR) continue;
    struct nlmsghdr header;
    if (n < (ssize_t)sizeof header) return -1;
    memcpy(&header, answer, sizeof header);
    if (header.nlmsg_seq != sequence) continue;
    if (header.nlmsg_type == NLMSG_ERROR) {
      struct nlmsgerr error;
      memcpy(&error, answer + NLMSG_HDRLEN, sizeof error);
      errno = -error.error;
      return -1;
    }
    memcpy(&info, answer + NLMSG_HDRLEN, sizeof info);
    return info.ifi_index;
  }
}

/* netlink slot namespace: a socket in the namespace at that path, or in our own when it is empty. */
int do_netlink(struct player *p, const struct arg *a) {
  AUTOCLOSE int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  AUTOCLOSE int there = a[1].n ? open(a[1].s, O_RDONLY | O_CLOEXEC) : -1;
  if (a[1].n && (home < 0 || there < 0 || setns(there, CLONE_NEWNET) < 0)) return -1;
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (a[1].n && setns(home, CLONE_NEWNET) < 0) {
    close_quietly(&fd);
    return -1;
  }
  return fd < 0 ? -1 : slot_put(p, a[0].i, fd);
}

/*
 * veth slot name peerName where mtu: `name` in the socket's namespace, `peerName` in ours (where 0) or, in the parent's
 * part of a clone, in the child's (where 1).
 */
int do_veth(struct player *p, const struct arg *a) {
  struct message m;
  struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
  char path[48];
  uint32_t mtu = (uint32_t)a[4].i;
  int fd = slot_get(p, a[0].i);
  if (fd < 0 || name_ok(a[1].s) < 0 || name_ok(a[2].s) < 0) return -1;
  snprintf(path, sizeof path, "/proc/%d/ns/net", (int)p->child);
  AUTOCLOSE int space = open(a[3].i ? path : "/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (space < 0) return -1;
  begin(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof info);
  put(&m, IFLA_IFNAME, a[1].s, a[1].n + 1);
  if (mtu) put(&m, IFLA_MTU, &mtu, sizeof mtu);
  struct rtattr *link = put(&m, IFLA_LINKINFO, NULL, 0);
  put(&m, IFLA_INFO_KIND, "veth", 5);
  struct rtattr *data = put(&m, IFLA_INFO_DATA, NULL, 0);
  struct rtattr *peer = put(&m, VETH_INFO_PEER, &info, sizeof info);
  put(&m, IFLA_IFNAME, a[2].s, a[2].n + 1);
  if (mtu) put(&m, IFLA_MTU, &mtu, sizeof mtu);
  put(&m, IFLA_NET_NS_FD, &space, sizeof space);
  close_nest(&m, peer);
  close_nest(&m, data);
  close_nest(&m, link);
  return transact(fd, &m);
}

/* address slot name ipv4 prefix: ipv4 as a number in host order; one that is there already is fine. */
int do_address(struct player *p, const struct arg *a) {
  struct message m;
  int fd = slot_get(p, a[0].i);
  int index = fd < 0 ? -1 : index_of(fd, a[1].s);
  if (index < 0) return -1;
  uint32_t address = htonl((uint32_t)a[2].i);
  struct ifaddrmsg info = {
      .ifa_family = AF_INET, .ifa_prefixlen = (uint8_t)a[3].i, .ifa_index = (uint32_t)index};
  begin(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof info);
  put(&m, IFA_LOCAL, &address, sizeof address);
  put(&m, IFA_ADDRESS, &address, sizeof address);
  if (a[3].i < 31) {
    uint32_t broadcast = htonl((uint32_t)a[2].i | (0xffffffffu >> a[3].i));
    put(&m, IFA_BROADCAST, &broadcast, sizeof broadcast);
  }
  return transact(fd, &m);
}

/* route slot gateway 0: the default route by a gateway. */
int do_route(struct player *p, const struct arg *a) {
  struct message m;
  struct rtmsg info = {.rtm_family = AF_INET,
                       .rtm_table = RT_TABLE_MAIN,
                       .rtm_protocol = RTPROT_STATIC,
                       .rtm_scope = RT_SCOPE_UNIVERSE,
                       .rtm_type = RTN_UNICAST};
  uint32_t gateway = htonl((uint32_t)a[1].i);
  int fd = slot_get(p, a[0].i);
  if (fd < 0) return -1;
  begin(&m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof info);
  put(&m, RTA_GATEWAY, &gateway, sizeof gateway);
  return transact(fd, &m);
}

static int change_link(struct player *p, const struct arg *a, uint16_t type, unsigned up, int master,
                       uint32_t mtu) {
  struct message m;
  int fd = slot_get(p, a[0].i);
  int index = fd < 0 ? -1 : index_of(fd, a[1].s);
  if (index < 0) return -1;
  struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = up, .ifi_change = up};
  begin(&m, type, 0, &info, sizeof info);
  if (master) put(&m, IFLA_MASTER, &master, sizeof master);
  if (mtu) put(&m, IFLA_MTU, &mtu, sizeof mtu);
  return transact(fd, &m);
}

int do_link_up(struct player *p, const struct arg *a) { return change_link(p, a, RTM_NEWLINK, IFF_UP, 0, 0); }

/* link-mtu slot name mtu */
int do_link_mtu(struct player *p, const struct arg *a) {
  return change_link(p, a, RTM_NEWLINK, 0, 0, (uint32_t)a[2].i);
}

/* link-delete slot name: one that is gone already is fine. */
int do_link_delete(struct player *p, const struct arg *a) {
  return change_link(p, a, RTM_DELLINK, 0, 0, 0) < 0 && errno != ENODEV ? -1 : 0;
}

/* link-master slot name bridge */
int do_link_master(struct player *p, const struct arg *a) {
  int fd = slot_get(p, a[0].i);
  int master = fd < 0 ? -1 : index_of(fd, a[2].s);
  return master < 0 ? -1 : change_link(p, a, RTM_NEWLINK, 0, master, 0);
}

/* bridge slot name: one that exists already is fine. */
int do_bridge(struct player *p, const struct arg *a) {
  struct message m;
  struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
  int fd = slot_get(p, a[0].i);
  if (fd < 0 || name_ok(a[1].s) < 0) return -1;
  begin(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof info);
  put(&m, IFLA_IFNAME, a[1].s, a[1].n + 1);
  struct rtattr *link = put(&m, IFLA_LINKINFO, NULL, 0);
  put(&m, IFLA_INFO_KIND, "bridge", 7);
  close_nest(&m, link);
  return transact(fd, &m) < 0 && errno != EEXIST ? -1 : 0;
}

/* tap name vnetHeader owner multiQueue: a persistent tap in our namespace, for an emulator to open (once a queue). */
int do_tap(struct player *p, const struct arg *a) {
  (void)p;
  int flags = IFF_TAP | IFF_NO_PI | (a[1].i ? IFF_VNET_HDR : 0) | (a[3].i ? IFF_MULTI_QUEUE : 0);
  struct ifreq request = {.ifr_flags = (short)flags};
  if (name_ok(a[0].s) < 0) return -1;
  memcpy(request.ifr_name, a[0].s, a[0].n);
  AUTOCLOSE int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0) return -1;
  if (a[2].i >= 0 && ioctl(fd, TUNSETOWNER, (unsigned long)a[2].i) < 0) return -1;
  return ioctl(fd, TUNSETPERSIST, 1);
}
