/*
 * The guest's first process, in one static program with three lives:
 *   as pid 1 (boot.c, serve.c): loads the few modules this machine needs, mounts the disks, configures the network,
 *   starts the guest agent, then owns the "org.tare.guest" virtio-serial port and answers the host on it;
 *   as a service of a system that a user brought (join.c, serve.c): the same, but what an init does was done by its own;
 *   as `/proc/<server>/exe run …` (run.c), started by the guest agent: runs one command and tells the server when it
 *   ended, so that the host need not poll while a workload is timed.
 * It trusts the host wholly and the workload not at all: nothing a workload prints reaches the control port.
 */
#ifndef TARE_GUEST_H
#define TARE_GUEST_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#define CONTROL_PORT "org.tare.guest"
#define AGENT_PORT "org.qemu.guest_agent.0"
/* Another name than the one that starts a distribution's own agent, which would hold the port. */
#define JOINED_AGENT_PORT "org.tare.agent"
/* Ports of a machine that a person looks into; "0" to "3" are added. */
#define SESSION_PORT "org.tare.session."
#define SESSIONS 4
/* A user's system, seen from our tree beside it. */
#define SYSTEM_ROOT "/proc/1/root"
#define DONE_FIFO "/run/tare/done"
#define EXEC_DIR "/var/lib/tare-exec"
#define PATH_INSIDE "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define MAX_LINE 4096

/* All functions return 0, or -errno. */

/* console.c */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void die(const char *what, int error) __attribute__((noreturn));
int64_t clock_ns(int clock);
int write_all(int fd, const void *data, size_t size);

/* boot.c */
void make_mount(const char *type, const char *target, unsigned long flags, const char *options);
void serve_ports(const char *agent_port, const char *phases) __attribute__((noreturn));

/* join.c: userspace_us is when the system's own init began, µs of the kernel's clock; 0 when nobody knows. */
void join_system(const char *device, const char *userspace_us) __attribute__((noreturn));

/* network.c: the first interface beside loopback, up; and with its addresses. mac may be "-" (leave it). */
int link_up(void);
int network_up(const char *address_with_prefix, const char *gateway, int mtu, const char *mac);

/* verbs.c: one request of the host, "verb arg arg …", done. */
int do_verb(char *request);
int mount_disk(const char *device, const char *target, const char *options);

/* ports.c: the virtio-serial port of that name (waits for it to appear). */
int open_port(const char *name, char *path, size_t size);
int has_port(const char *name);

/* session.c: a process for each session port there is. */
void offer_sessions(void);

/* serve.c */
void serve(int control, const char *agent_path) __attribute__((noreturn));

/* tsc.c */
int print_tsc_khz(void);

/* run.c */
int run_command(int argc, char **argv, const char *root);

#endif
