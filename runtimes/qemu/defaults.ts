/** Every default of the virtual machines, with its reason. Times in ms unless the name says otherwise. */

/** The homework's and most clouds' arrangement; `raw` is its comparison. */
export const DEFAULT_FORMAT = 'qcow2' as const;
/** O_DIRECT: the host's page cache would let a VM beat the bare host (PITFALLS 10), which no other arm has. */
export const DEFAULT_CACHE = 'none' as const;
/** QEMU's own default; io_uring is not allowed on many hosts, and native needs cache none or directsync. */
export const DEFAULT_AIO = 'threads' as const;
/** What `qemu-img create` gives a student who says nothing: the disk grows while it is used (PITFALLS 11). */
export const DEFAULT_PREALLOCATION = 'off' as const;
/** qcow2's own default. */
export const DEFAULT_CLUSTER_KIB = 64;
/** Room for files of twice the default guest's RAM and more; sparse, so it costs nothing until written. */
export const DEFAULT_DATA_MIB = 4096;
/** i440FX with PCI: what `qemu-system-x86_64` starts when nothing is said. */
export const DEFAULT_MACHINE = 'pc' as const;
/** Ethernet's; every other arm's link has it too. */
export const DEFAULT_MTU = 1500;

/** Free space on the root disk beyond the image's files: logs and captured output of commands, MiB. */
export const ROOT_SLACK_MIB = 512;
/** ext4 needs some of its size for itself; a tenth is ample for a tree of small files. */
export const EXT4_OVERHEAD = 1.1;

/** A cold boot takes 2–6 s under emulation on a quiet machine; a busy or slow one may need ten times that. */
export const BOOT_TIMEOUT_MS = 60_000;
/** Firmware, boot loader, a distribution's init and cloud-init: 30–120 s emulated, by how busy the machine is. */
export const FIRMWARE_BOOT_TIMEOUT_MS = 300_000;
/** Kept of a trial's limit for telling why a boot failed: collecting the last words, ending QEMU, removing its place. */
export const BOOT_FAILURE_MS = 2_000;
/** A guest continued from a saved state answers within 0.2 s; beyond this it is broken. */
export const RESUME_TIMEOUT_MS = 15_000;
/** Any single answer of QMP: the monitor runs in QEMU's main loop, which is never busy for long. */
export const QMP_TIMEOUT_MS = 10_000;
/** A cut connection stands again within ms, since QEMU listens at once; one that does not has nobody at its other end. */
export const RECONNECT_TIMEOUT_MS = 2_000;
/** Any single answer of the guest agent; under emulation with a busy guest it may wait for the CPU. */
export const AGENT_TIMEOUT_MS = 30_000;
/** A program that a person starts in a guest: an emulated guest under load forks within a second or two. */
export const SESSION_START_TIMEOUT_MS = 20_000;
/** How long a guest may take to end by itself when asked to; a distribution's shutdown takes most of it emulated. */
export const STOP_GRACE_SECONDS = 30;
/** Saving or loading a guest's whole memory in its disk: gigabytes, on a slow disk. */
export const SNAPSHOT_TIMEOUT_MS = 10 * 60_000;
/** A command without a limit of its own still ends: the harness gives trials their limit, this one is for the rest. */
export const EXEC_TIMEOUT_MS = 15 * 60_000;
/** How long QEMU gets to quit by itself before SIGKILL. It has nothing worth saving: disks are thrown away. */
export const QUIT_TIMEOUT_MS = 500;
/** Output up to this size comes back with the agent's status; more is read from the guest's files in pieces. */
export const CAPTURE_BYTES = 64 * 1024;
/** Piece size of file transfers: base64 of it stays far below the agent's JSON token limit (64 MiB). */
export const PIECE_BYTES = 512 * 1024;
/** Between two looks at guest-exec-status after the command is known to have ended. */
export const REAP_RETRY_MS = 2;

/** KVM that works boots our kernel in well under a second; stock kernels that hang here are silent for minutes. */
export const KVM_PROBE_TIMEOUT_MS = 6_000;
/** RAM of the probe's guest: enough for the kernel and its initramfs. */
export const KVM_PROBE_MEMORY_MIB = 192;

/** Disk images are made by tools that read and write a few hundred MiB. */
export const TOOL_TIMEOUT_MS = 10 * 60_000;
/** The console's last words kept with a failure, characters. */
export const LAST_WORDS_CHARS = 4_000;
