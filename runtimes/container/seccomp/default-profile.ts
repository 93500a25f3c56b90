import type { OciSeccomp } from '../spec/oci-spec.ts';
import allowed from './allowed-syscalls.json' with { type: 'json' };

/** CLONE_NEW* of clone(2) but CLONE_NEWCGROUP's and time's own calls: making any namespace is refused. */
const NAMESPACE_BITS = 0x7e020000;
const AF_VSOCK = 40;
const ENOSYS = 38;
const EPERM = 1;
/** personality(2): Linux, 32-bit Linux, no randomisation with either, and asking. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

/** Calls that come back with a capability, as in Docker's profile: holding the right makes the filter pointless. */
const WITH_CAPABILITY: Readonly<Record<string, readonly string[]>> = {
  CAP_DAC_READ_SEARCH: ['open_by_handle_at'],
  CAP_SYS_ADMIN: [
    'bpf',
    'clone',
    'clone3',
    'fanotify_init',
    'fsconfig',
    'fsmount',
    'fsopen',
    'fspick',
    'lookup_dcookie',
    'mount',
    'mount_setattr',
    'move_mount',
    'open_tree',
    'open_tree_attr',
    'perf_event_open',
    'quotactl',
    'quotactl_fd',
    'setdomainname',
    'sethostname',
    'setns',
    'statmount',
    'listmount',
    'syslog',
    'umount2',
    'unshare',
  ],
  CAP_SYS_BOOT: ['reboot', 'kexec_load', 'kexec_file_load'],
  CAP_SYS_CHROOT: ['chroot'],
  CAP_SYS_MODULE: ['delete_module', 'init_module', 'finit_module'],
  CAP_SYS_PACCT: ['acct'],
  CAP_SYS_PTRACE: [
    'kcmp',
    'pidfd_getfd',
    'process_madvise',
    'process_vm_readv',
    'process_vm_writev',
    'ptrace',
  ],
  CAP_SYS_RAWIO: ['iopl', 'ioperm'],
  CAP_SYS_TIME: ['settimeofday', 'clock_settime', 'clock_adjtime'],
  CAP_SYS_TTY_CONFIG: ['vhangup'],
  CAP_SYS_NICE: [
    'get_mempolicy',
    'mbind',
    'migrate_pages',
    'move_pages',
    'set_mempolicy',
    'set_mempolicy_home_node',
  ],
  CAP_SYSLOG: ['syslog'],
  CAP_BPF: ['bpf'],
  CAP_PERFMON: ['perf_event_open'],
};

/**
 * The default allow-list: what ordinary programs need, and not what configures the kernel, makes namespaces, loads code
 * into it, or has been a way out before (keyrings, userfaultfd, io_uring, vsock). Everything else fails with EPERM, which
 * programs handle; clone3 with ENOSYS, so that the C library falls back to clone, whose flags can be checked.
 */
export function defaultSeccomp(capabilities: readonly string[]): OciSeccomp {
  const granted = [...new Set(capabilities.flatMap((name) => WITH_CAPABILITY[name] ?? []))].sort();
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    syscalls: [
      { names: [...allowed, ...granted], action: 'SCMP_ACT_ALLOW' },
      ...PERSONALITIES.map((value) => ({
        names: ['personality'],
        action: 'SCMP_ACT_ALLOW',
        args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }],
      })),
      {
        names: ['socket'],
        action: 'SCMP_ACT_ALLOW',
        args: [{ index: 0, value: AF_VSOCK, op: 'SCMP_CMP_NE' }],
      },
      ...(granted.includes('clone')
        ? []
        : [
            {
              names: ['clone'],
              action: 'SCMP_ACT_ALLOW',
              args: [{ index: 0, value: NAMESPACE_BITS, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
            },
            { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
          ]),
    ],
  };
}
