import { CAPABILITIES } from '../spec/capabilities.ts';
import { NAMESPACE_TYPES } from '../spec/oci-spec.ts';
import { NEWEST_OCI_VERSION } from '../spec/oci-version.ts';

/** Words of mount options that the runtime itself acts on; each also with a leading 'r' where that is a word. */
const MOUNT_OPTIONS = [
  'async', 'atime', 'bind', 'defaults', 'dev', 'diratime', 'dirsync', 'exec', 'idmap', 'lazytime', 'mand', 'noatime', 'nodev',
  'nodiratime', 'noexec', 'nolazytime', 'nomand', 'norelatime', 'nostrictatime', 'nosuid', 'nosymfollow', 'private',
  'rbind', 'relatime', 'ridmap', 'ro', 'rprivate', 'rro', 'rrw', 'rnosuid', 'rnodev', 'rnoexec', 'rshared', 'rslave',
  'runbindable', 'rw', 'shared', 'slave', 'strictatime', 'suid', 'symfollow', 'sync', 'unbindable',
]; // prettier-ignore

/** What this runtime can do, in the form of the specification's features document (features.md, 1.3). */
export function features(): Record<string, unknown> {
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: NEWEST_OCI_VERSION,
    hooks: ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'],
    mountOptions: MOUNT_OPTIONS,
    linux: {
      namespaces: [...NAMESPACE_TYPES].sort(),
      capabilities: CAPABILITIES,
      cgroup: { v1: true, v2: true, systemd: false, systemdUser: false, rdma: false },
      seccomp: {
        enabled: true,
        actions: [
          'SCMP_ACT_ALLOW',
          'SCMP_ACT_ERRNO',
          'SCMP_ACT_KILL',
          'SCMP_ACT_KILL_PROCESS',
          'SCMP_ACT_KILL_THREAD',
          'SCMP_ACT_LOG',
          'SCMP_ACT_TRAP',
          'SCMP_ACT_TRACE',
        ],
        operators: [
          'SCMP_CMP_NE',
          'SCMP_CMP_LT',
          'SCMP_CMP_LE',
          'SCMP_CMP_EQ',
          'SCMP_CMP_GE',
          'SCMP_CMP_GT',
          'SCMP_CMP_MASKED_EQ',
        ],
        archs: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'],
      },
      apparmor: { enabled: false },
      selinux: { enabled: false },
      intelRdt: { enabled: false },
      memoryPolicy: { modes: [], flags: [] },
      netDevices: { enabled: false },
      mountExtensions: { idmap: { enabled: true } },
    },
    potentiallyUnsafeConfigAnnotations: [],
    annotations: {},
  };
}
