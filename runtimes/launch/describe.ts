import type { Op } from './ops.ts';

/** An operation in words, to stand before an errno's text: "mounting proc on /proc". */
export function describeOp(op: Op): string {
  switch (op.op) {
    case 'mount':
      return `mounting ${op.type || op.source} on ${op.target}`;
    case 'bind':
      return `binding ${op.source} on ${op.target}`;
    case 'bind-device':
      return `binding the device ${op.source} on ${op.target}`;
    case 'mask':
      return `masking ${op.path}`;
    case 'propagate':
      return `setting the propagation of ${op.path}`;
    case 'read-only':
      return `making ${op.path} read-only`;
    case 'idmap':
      return `mapping the ids of ${op.path}`;
    case 'unmount':
      return `unmounting ${op.path}`;
    case 'mkdir':
    case 'touch':
    case 'mknod':
      return `making ${op.path}`;
    case 'symlink':
      return `linking ${op.path} to ${op.text}`;
    case 'root':
      return `taking ${op.path} as the root`;
    case 'chroot':
      return `changing the root to ${op.path}`;
    case 'chdir':
      return `entering the working directory ${op.path}`;
    case 'exec':
      return `executing ${op.argv[0] ?? '(nothing)'}`;
    case 'run':
      return `running the hook ${op.file}`;
    case 'join-cgroup':
    case 'attach-child':
      return `joining the cgroup ${op.directory}`;
    case 'setns':
      return `entering the namespace ${op.path}`;
    case 'setns-pid':
      return `entering the namespaces of process ${op.pid}`;
    case 'pin-namespace':
      return `keeping the ${op.kind} namespace at ${op.path}`;
    case 'clone':
      return `making namespaces (clone3 0x${op.flags.toString(16)})`;
    case 'unshare':
      return `making namespaces (unshare 0x${op.flags.toString(16)})`;
    case 'user-namespace':
      return 'making a user namespace';
    case 'beside':
      return `running ${op.argv[0] ?? '(nothing)'} beside the container`;
    case 'child-file':
      return `writing ${op.name} of the child`;
    case 'write-file':
    case 'write-proc':
      return `writing ${JSON.stringify(op.text)} to ${op.path}`;
    case 'open':
      return `opening ${op.path}`;
    case 'hostname':
      return `setting the host name ${op.name}`;
    case 'rlimit':
      return `setting resource limit ${op.resource} to ${op.soft}:${op.hard}`;
    case 'ids':
      return `becoming user ${op.uid}:${op.gid}`;
    case 'caps':
      return 'setting capabilities';
    case 'seccomp':
      return `installing the seccomp filter (${op.program.length / 8} instructions)`;
    case 'veth':
      return `making the veth pair ${op.name} – ${op.peerName}`;
    case 'tap':
      return `making the tap ${op.name}`;
    case 'bridge':
      return `making the bridge ${op.name}`;
    case 'address':
      return `giving ${op.name} the address ${formatIpv4(Number(op.ipv4))}/${op.prefix}`;
    case 'route':
      return `routing by ${formatIpv4(Number(op.gateway))}`;
    case 'link-up':
    case 'link-delete':
      return `${op.op === 'link-up' ? 'raising' : 'deleting'} the link ${op.name}`;
    case 'link-master':
      return `putting the link ${op.name} on the bridge ${op.bridge}`;
    case 'netlink':
      return op.namespace ? `opening netlink in ${op.namespace}` : 'opening netlink';
    default:
      return op.op.replaceAll('-', ' ');
  }
}

/** 198.18.0.1 of 0xc6120001. */
export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

/** A whole plan, one operation per line, for `bench container plan` and golden tests. Bytes are shown by length and digest-free hex head. */
export function formatPlan(plan: readonly Op[]): string {
  return plan.map((op, index) => `${String(index).padStart(3)} ${formatOp(op)}`).join('\n') + '\n';
}

function formatOp(op: Op): string {
  const { op: name, ...fields } = op;
  const shown = Object.entries(fields).map(([key, value]) => `${key}=${formatValue(key, value)}`);
  return [name, ...shown].join(' ');
}

function formatValue(key: string, value: unknown): string {
  if (value instanceof Uint8Array)
    return value.length <= 16 ? `<${Buffer.from(value).toString('hex')}>` : `<${value.length} bytes>`;
  if (typeof value === 'string' || Array.isArray(value)) return JSON.stringify(value);
  const number = value as number | bigint;
  if (key === 'ipv4' || key === 'gateway') return formatIpv4(Number(number));
  if (key === 'mode' || key === 'mask') return key === 'mode' ? `0${number.toString(8)}` : hex(number);
  if (['flags', 'set', 'clear', 'effective', 'permitted', 'inheritable', 'ambient'].includes(key))
    return hex(number);
  return String(number);
}

function hex(value: number | bigint): string {
  return `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;
}
