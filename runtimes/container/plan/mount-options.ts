import { MOUNT_ATTR, MS } from '../../launch/constants.ts';

/** An OCI mount's options, sorted by the call that takes them. */
export interface MountOptions {
  /** Flags of mount(2) for a new file system. */
  flags: number;
  /** Attributes to set on and clear from a bind, and whether for everything below it too. */
  set: number;
  clear: number;
  recursiveAttributes: boolean;
  bind: 'no' | 'bind' | 'rbind';
  /** MS_SHARED … with MS_REC, or 0. */
  propagation: number;
  /** What the file system itself reads, joined by commas. */
  data: string;
  /** tmpcopyup, copy-symlink and the like, which are directions to the runtime. */
  extras: string[];
}

/** Options that set or clear one flag: [mount(2), mount_setattr(2), clears]. Names as in mount(8). */
const FLAGS: Readonly<Record<string, readonly [ms: number, attr: number, clears: boolean]>> = {
  ro: [MS.RDONLY, MOUNT_ATTR.RDONLY, false],
  rw: [MS.RDONLY, MOUNT_ATTR.RDONLY, true],
  nosuid: [MS.NOSUID, MOUNT_ATTR.NOSUID, false],
  suid: [MS.NOSUID, MOUNT_ATTR.NOSUID, true],
  nodev: [MS.NODEV, MOUNT_ATTR.NODEV, false],
  dev: [MS.NODEV, MOUNT_ATTR.NODEV, true],
  noexec: [MS.NOEXEC, MOUNT_ATTR.NOEXEC, false],
  exec: [MS.NOEXEC, MOUNT_ATTR.NOEXEC, true],
  nodiratime: [MS.NODIRATIME, MOUNT_ATTR.NODIRATIME, false],
  diratime: [MS.NODIRATIME, MOUNT_ATTR.NODIRATIME, true],
  nosymfollow: [MS.NOSYMFOLLOW, MOUNT_ATTR.NOSYMFOLLOW, false],
  symfollow: [MS.NOSYMFOLLOW, MOUNT_ATTR.NOSYMFOLLOW, true],
  sync: [MS.SYNCHRONOUS, 0, false],
  async: [MS.SYNCHRONOUS, 0, true],
  dirsync: [MS.DIRSYNC, 0, false],
  mand: [MS.MANDLOCK, 0, false],
  nomand: [MS.MANDLOCK, 0, true],
  lazytime: [MS.LAZYTIME, 0, false],
  nolazytime: [MS.LAZYTIME, 0, true],
  defaults: [0, 0, false],
};

/** Access times are one choice of three, not flags of their own. */
const TIMES: Readonly<Record<string, readonly [ms: number, attr: number]>> = {
  noatime: [MS.NOATIME, MOUNT_ATTR.NOATIME],
  atime: [0, 0],
  relatime: [MS.RELATIME, 0],
  norelatime: [0, 0],
  strictatime: [MS.STRICTATIME, MOUNT_ATTR.STRICTATIME],
  nostrictatime: [0, 0],
};

const PROPAGATION: Readonly<Record<string, number>> = {
  shared: MS.SHARED,
  slave: MS.SLAVE,
  private: MS.PRIVATE,
  unbindable: MS.UNBINDABLE,
};

const EXTRAS = ['tmpcopyup', 'copy-symlink', 'idmap', 'ridmap', 'src-nofollow'];

/** Parses the options of one mount. What is none of the runtime's words belongs to the file system. Pure. */
export function parseMountOptions(options: readonly string[]): MountOptions {
  const parsed: MountOptions = {
    flags: 0,
    set: 0,
    clear: 0,
    recursiveAttributes: false,
    bind: 'no',
    propagation: 0,
    data: '',
    extras: [],
  };
  const data: string[] = [];
  for (const option of options) {
    if (option === 'bind' || option === 'rbind') parsed.bind = option;
    else if (EXTRAS.includes(option)) parsed.extras.push(option);
    else if (!applyFlag(parsed, option) && !applyPropagation(parsed, option)) data.push(option);
  }
  parsed.data = data.join(',');
  return parsed;
}

function applyFlag(parsed: MountOptions, option: string): boolean {
  const time = TIMES[option];
  if (time) {
    parsed.flags = (parsed.flags & ~(MS.NOATIME | MS.RELATIME | MS.STRICTATIME)) | time[0];
    parsed.clear |= MOUNT_ATTR.ATIME_MASK;
    parsed.set = (parsed.set & ~MOUNT_ATTR.ATIME_MASK) | time[1];
    return true;
  }
  // rro, rnosuid … are the flags for the whole tree below a bind.
  const recursive = FLAGS[option] === undefined && option.startsWith('r') && FLAGS[option.slice(1)];
  const flag = FLAGS[option] ?? (recursive || undefined);
  if (!flag) return false;
  const [ms, attr, clears] = flag;
  parsed.flags = clears ? parsed.flags & ~ms : parsed.flags | ms;
  parsed.set = clears ? parsed.set & ~attr : parsed.set | attr;
  parsed.clear = clears ? parsed.clear | attr : parsed.clear & ~attr;
  if (recursive) parsed.recursiveAttributes = true;
  return true;
}

function applyPropagation(parsed: MountOptions, option: string): boolean {
  const plain = PROPAGATION[option];
  const recursive = option.startsWith('r') ? PROPAGATION[option.slice(1)] : undefined;
  const flags = plain ?? (recursive === undefined ? undefined : recursive | MS.REC);
  if (flags === undefined) return false;
  parsed.propagation = flags;
  return true;
}

/** The propagation of the root: OCI's rootfsPropagation. */
export function propagationFlags(word: string): number {
  const parsed = parseMountOptions([word]);
  return parsed.propagation || MS.PRIVATE | MS.REC;
}
