/** One line of /proc/<pid>/mountinfo (proc_pid_mountinfo(5)), as far as it matters here. */
interface MountLine {
  device: string;
  /** What of the file system is mounted: '/' for all of it. */
  root: string;
  at: string;
  type: string;
}

/** File systems that criu keeps by itself: made afresh, or saved with their content. */
const OF_THE_CONTAINER = ['proc', 'sysfs', 'tmpfs', 'devpts', 'mqueue', 'devtmpfs'];

/**
 * Mount points that lead out of a container, by its mountinfo: binds of the host's folders, volumes, cgroups, and /dev/null
 * over masked files. criu must be told of each, at both ends. What shows a part of a file system that the container has whole
 * (read-only paths of /proc) is its own. The root is handled apart. Pure.
 */
export function externalMounts(mountinfo: string): string[] {
  const mounts = mountinfo.split('\n').filter(Boolean).map(mountLine);
  const whole = new Set(
    mounts
      .filter(({ root, type }) => root === '/' && OF_THE_CONTAINER.includes(type))
      .map(({ device }) => device),
  );
  return mounts
    .filter(({ at, device, type }) => at !== '/' && !(OF_THE_CONTAINER.includes(type) && whole.has(device)))
    .map(({ at }) => at);
}

function mountLine(line: string): MountLine {
  const [before = '', after = ''] = line.split(' - ');
  const [, , device = '', root = '', at = ''] = before.split(' ');
  return { device, root: unescaped(root), at: unescaped(at), type: after.split(' ')[0] ?? '' };
}

/** Blanks and backslashes are written as octal. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}
