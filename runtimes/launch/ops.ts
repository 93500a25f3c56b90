/**
 * The operations of a launch plan, mirrored from c/ops.def (a test compares the two tables). Field order is argument order.
 * Kinds: `i` integer, `s` string without NUL, `b` bytes, `v` list of strings. What each does is said beside its C function.
 */
export const OPS = {
  'death-signal': { code: 1, fields: { signal: 'i', parent: 'i' } },
  dumpable: { code: 2, fields: { value: 'i' } },
  session: { code: 3, fields: {} },
  affinity: { code: 4, fields: { mask: 'b' } },
  rlimit: { code: 5, fields: { resource: 'i', soft: 'i', hard: 'i', optional: 'i' } },
  umask: { code: 6, fields: { mask: 'i' } },
  chdir: { code: 7, fields: { path: 's' } },
  'close-fds': { code: 8, fields: { from: 'i', keepSlot: 'i' } },
  exec: { code: 9, fields: { argv: 'v', env: 'v', search: 'i' } },
  init: { code: 10, fields: { name: 's' } },
  report: { code: 11, fields: { words: 's' } },
  keyring: { code: 12, fields: { name: 's' } },
  run: { code: 13, fields: { file: 's', argv: 'v', env: 'v', stdin: 's', timeoutS: 'i' } },
  personality: { code: 14, fields: { persona: 'i' } },
  'ignore-signals': { code: 15, fields: {} },
  open: { code: 20, fields: { slot: 'i', path: 's', flags: 'i', mode: 'i' } },
  'write-file': { code: 21, fields: { path: 's', text: 's' } },
  'write-proc': { code: 22, fields: { path: 's', text: 's' } },
  dup: { code: 23, fields: { slot: 'i', fd: 'i' } },
  gate: { code: 24, fields: { slot: 'i' } },
  pipe: { code: 25, fields: { readSlot: 'i', writeSlot: 'i' } },
  socketpair: { code: 26, fields: { slot: 'i', otherSlot: 'i' } },
  'close-slot': { code: 27, fields: { slot: 'i' } },
  connect: { code: 28, fields: { slot: 'i', path: 's' } },
  clone: { code: 30, fields: { flags: 'i', parentOps: 'i', cgroupSlot: 'i' } },
  'wait-parent': { code: 31, fields: {} },
  unshare: { code: 32, fields: { flags: 'i' } },
  setns: { code: 33, fields: { path: 's', type: 'i' } },
  'setns-pid': { code: 34, fields: { pid: 'i', startTime: 'i', flags: 'i' } },
  'pin-namespace': { code: 35, fields: { kind: 's', path: 's' } },
  'join-cgroup': { code: 36, fields: { directory: 's' } },
  'attach-child': { code: 37, fields: { directory: 's' } },
  'child-file': { code: 38, fields: { name: 's', text: 's' } },
  'cgroup-device-filter': { code: 39, fields: { directory: 's', program: 'b' } },
  'user-namespace': { code: 40, fields: { uidMap: 's', gidMap: 's', uidHelper: 'v', gidHelper: 'v' } },
  propagation: { code: 50, fields: { path: 's', flags: 'i' } },
  root: { code: 51, fields: { path: 's' } },
  mkdir: { code: 52, fields: { path: 's', mode: 'i', follow: 'i' } },
  touch: { code: 53, fields: { path: 's', mode: 'i', follow: 'i' } },
  symlink: { code: 54, fields: { text: 's', path: 's' } },
  mknod: { code: 55, fields: { path: 's', mode: 'i', major: 'i', minor: 'i', owner: 'i' } },
  mount: { code: 56, fields: { source: 's', target: 's', type: 's', flags: 'i', data: 's', follow: 'i' } },
  bind: {
    code: 57,
    fields: { source: 's', target: 's', recursive: 'i', set: 'i', clear: 'i', follow: 'i' },
  },
  mask: { code: 58, fields: { path: 's' } },
  'read-only': { code: 59, fields: { path: 's', must: 'i' } },
  'pivot-root': { code: 60, fields: {} },
  chroot: { code: 61, fields: { path: 's' } },
  unmount: { code: 62, fields: { path: 's', flags: 'i' } },
  'bind-device': { code: 63, fields: { source: 's', target: 's' } },
  chown: { code: 64, fields: { path: 's', uid: 'i', gid: 'i' } },
  propagate: { code: 66, fields: { path: 's', flags: 'i', follow: 'i' } },
  idmap: { code: 67, fields: { path: 's', uidMap: 's', gidMap: 's', recursive: 'i', optional: 'i' } },
  remount: { code: 65, fields: { path: 's', set: 'i', clear: 'i' } },
  hostname: { code: 70, fields: { name: 's' } },
  domainname: { code: 71, fields: { name: 's' } },
  bounding: { code: 72, fields: { mask: 'i' } },
  ids: { code: 73, fields: { uid: 'i', gid: 'i', groups: 'b' } },
  caps: { code: 74, fields: { effective: 'i', permitted: 'i', inheritable: 'i', ambient: 'i' } },
  'no-new-privs': { code: 75, fields: {} },
  seccomp: { code: 76, fields: { program: 'b', flags: 'i' } },
  'keep-caps': { code: 77, fields: {} },
  netlink: { code: 90, fields: { slot: 'i', namespace: 's' } },
  veth: { code: 91, fields: { slot: 'i', name: 's', peerName: 's', where: 'i', mtu: 'i' } },
  address: { code: 92, fields: { slot: 'i', name: 's', ipv4: 'i', prefix: 'i' } },
  route: { code: 93, fields: { slot: 'i', gateway: 'i', reserved: 'i' } },
  'link-up': { code: 94, fields: { slot: 'i', name: 's' } },
  bridge: { code: 95, fields: { slot: 'i', name: 's' } },
  'link-master': { code: 96, fields: { slot: 'i', name: 's', bridge: 's' } },
  'link-delete': { code: 97, fields: { slot: 'i', name: 's' } },
  tap: { code: 98, fields: { name: 's', vnetHeader: 'i', owner: 'i', multiQueue: 'i' } },
  'link-mtu': { code: 99, fields: { slot: 'i', name: 's', mtu: 'i' } },
  pty: { code: 110, fields: { masterSlot: 'i', slaveSlot: 'i', rows: 'i', columns: 'i' } },
  'send-fd': { code: 111, fields: { socketSlot: 'i', slot: 'i' } },
  console: { code: 112, fields: { slot: 'i' } },
  terminal: { code: 113, fields: { slot: 'i', uid: 'i' } },
  supervise: { code: 120, fields: { folder: 's', maxLogBytes: 'i', interactive: 'i' } },
  beside: { code: 130, fields: { slot: 'i', argv: 'v', env: 'v', log: 's' } },
  'beside-go': { code: 131, fields: { slot: 'i' } },
  'at-end': { code: 121, fields: { path: 's', text: 's' } },
} as const;

export type OpName = keyof typeof OPS;
/** How an argument is written in the plan. */
export type FieldKind = 'i' | 's' | 'b' | 'v';

interface KindTypes {
  i: number | bigint;
  s: string;
  b: Uint8Array;
  v: readonly string[];
}

/** One operation of a plan: a discriminated union over `op`, derived from the table above. */
export type Op = {
  [Name in OpName]: { readonly op: Name } & {
    readonly [
      Field in keyof (typeof OPS)[Name]['fields']
    ]: (typeof OPS)[Name]['fields'][Field] extends FieldKind
      ? KindTypes[(typeof OPS)[Name]['fields'][Field]]
      : never;
  };
}[OpName];

/** What the launcher plays, in order. Plain data: printable, comparable, golden-tested. */
export type LaunchPlan = readonly Op[];
