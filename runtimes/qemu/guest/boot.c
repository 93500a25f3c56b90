/*
 * From the kernel's hand-over to a served guest. In the initramfs: /init (this program), /modules (paths in load order),
 * /lib/…ko. The root file system is the first virtio disk; then this process goes on, chrooted into it, as pid 1.
 * In a system that a user brought, its own init started us (join.c) and only the last part is left to do.
 */
#include "guest.h"
#include <cpuid.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static char command_line[4096];

void make_mount(const char *type, const char *target, unsigned long flags, const char *options) {
  mkdir(target, 0755);
  if (mount(type, target, type, flags, options) < 0 && errno != EBUSY) die(target, errno);
}

static void load_modules(void) {
  FILE *list = fopen("/modules", "re");
  if (!list) die("read /modules", errno);
  char path[256];
  while (fgets(path, sizeof path, list)) {
    path[strcspn(path, "\n")] = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) die(path, errno);
    if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST) die(path, errno);
    close(fd);
    unlink(path);
  }
  fclose(list);
}

static void read_command_line(void) {
  int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
  ssize_t size = fd < 0 ? -1 : read(fd, command_line, sizeof command_line - 1);
  if (size < 0) die("read /proc/cmdline", errno);
  command_line[size] = 0;
  command_line[strcspn(command_line, "\n")] = 0;
  close(fd);
}

/* Each "tare.<verb>=a,b" is done in its order; a failed one ends the boot with its own words. */
static void do_boot_verbs(void) {
  char *rest = command_line;
  for (char *word; (word = strsep(&rest, " "));) {
    char request[512], shown[512];
    if (strncmp(word, "tare.", 5) != 0) continue;
    snprintf(request, sizeof request, "%s", word + 5);
    memcpy(shown, request, sizeof shown);
    char *equals = strchr(request, '=');
    if (equals) *equals = ' ';
    int error = do_verb(request);
    if (error != 0) die(shown, error);
  }
}

static void enter_root(void) {
  int error = mount_disk("/dev/vda", "/root", "noinit_itable");
  if (error) die("mount the root disk /dev/vda", error);
  static const char *const moved[] = {"/dev", "/proc", "/sys"};
  for (size_t i = 0; i < 3; i++) {
    char to[32];
    snprintf(to, sizeof to, "/root%s", moved[i]);
    mkdir(to, 0755);
    if (mount(moved[i], to, NULL, MS_MOVE, NULL) < 0) die(to, errno);
  }
  if (chdir("/root") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
    die("enter the root disk", errno);
  make_mount("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=755");
  make_mount("tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777");
  mkdir("/dev/shm", 01777);
  make_mount("tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
  mkdir("/dev/pts", 0755);
  make_mount("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "mode=620,ptmxmode=666");
  mkdir("/run/tare", 0700);
}

static void links_of_dev(void) {
  (void)!symlink("/proc/self/fd", "/dev/fd");
  (void)!symlink("/proc/self/fd/0", "/dev/stdin");
  (void)!symlink("/proc/self/fd/1", "/dev/stdout");
  (void)!symlink("/proc/self/fd/2", "/dev/stderr");
}

/* Who emulates or virtualises this CPU, as cpuid says: "KVMKVMKVM", "TCGTCGTCGTCG", or "none". */
static void hypervisor(char signature[13]) {
  unsigned int eax, registers[3] = {0};
  strcpy(signature, "none");
  __cpuid(1, eax, registers[0], registers[1], registers[2]);
  if (!(registers[1] >> 31)) return;
  __cpuid(0x40000000, eax, registers[0], registers[1], registers[2]);
  memcpy(signature, registers, 12);
  signature[12] = 0;
}

/* The accelerator's probe: a kernel and a process ran; that is all that was asked. */
static void end_probe(void) {
  char signature[13];
  hypervisor(signature);
  say("tare-guest: alive under %s", signature);
  reboot(RB_AUTOBOOT);
  for (;;) pause();
}

void serve_ports(const char *agent_port, const char *phases) {
  char text[512], signature[13], control_path[256], agent_path[256];
  int error = open_port(CONTROL_PORT, control_path, sizeof control_path);
  if (error) die("find the virtio-serial port " CONTROL_PORT, error);
  int control = open(control_path, O_RDWR | O_CLOEXEC);
  if (control < 0) die("open the virtio-serial port " CONTROL_PORT, errno);
  error = open_port(agent_port, agent_path, sizeof agent_path);
  if (error) die("find the agent's virtio-serial port", error);
  offer_sessions();
  hypervisor(signature);
  snprintf(text, sizeof text, "hypervisor %s\nrunner /proc/%d/exe\n%s", signature, (int)getpid(), phases);
  write_all(control, text, strlen(text));
  serve(control, agent_path);
}

static void boot(void) {
  char phases[256];
  long long started = clock_ns(CLOCK_MONOTONIC) / 1000;
  make_mount("devtmpfs", "/dev", MS_NOSUID, "mode=755");
  make_mount("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
  make_mount("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
  int console = open("/dev/console", O_RDWR | O_NOCTTY);
  for (int fd = 0; console >= 0 && fd < 3; fd++) dup2(console, fd);
  umask(022);
  (void)!sethostname("tare", 4);
  read_command_line();
  if (strstr(command_line, "tare.probe")) end_probe();
  load_modules();
  long long modules = clock_ns(CLOCK_MONOTONIC) / 1000;
  enter_root();
  links_of_dev();
  long long rooted = clock_ns(CLOCK_MONOTONIC) / 1000;
  do_boot_verbs();
  snprintf(phases, sizeof phases, "boot init %lld\nboot modules %lld\nboot root %lld\n", started, modules, rooted);
  serve_ports(AGENT_PORT, phases);
}

int main(int argc, char **argv) {
  if (getpid() == 1) boot();
  if (argc == 4 && strcmp(argv[1], "join") == 0) join_system(argv[2], argv[3]);
  if (argc >= 2 && strcmp(argv[1], "run") == 0) return run_command(argc - 2, argv + 2, NULL);
  if (argc >= 2 && strcmp(argv[1], "enter") == 0) return run_command(argc - 2, argv + 2, SYSTEM_ROOT);
  if (argc == 2 && strcmp(argv[1], "tsc") == 0) return print_tsc_khz();
  return 2;
}
