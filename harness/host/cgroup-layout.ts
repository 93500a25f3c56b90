/** How this machine's control groups are mounted, from /proc/self/mounts. */
export interface CgroupLayout {
  /** 'v2', 'v1', 'hybrid' (controllers on v1, an empty v2 beside them) or 'none'. */
  layout: 'v2' | 'v1' | 'hybrid' | 'none';
  /** Mounted with favordynmods anywhere: changes the cost of moving processes in the whole kernel until reboot. */
  favordynmods: boolean;
}

export function cgroupLayout(mounts: string): CgroupLayout {
  const rows = mounts.split('\n').map((line) => line.split(' '));
  const v2 = rows.filter((row) => row[2] === 'cgroup2');
  // A named hierarchy without controllers (systemd's own) does not make a machine v1.
  const v1 = rows.filter(
    (row) => row[2] === 'cgroup' && !row[3]?.split(',').some((option) => option.startsWith('name=')),
  );
  const favordynmods = [...v1, ...v2].some((row) => row[3]?.split(',').includes('favordynmods') ?? false);
  const layout = v1.length > 0 ? (v2.length > 0 ? 'hybrid' : 'v1') : v2.length > 0 ? 'v2' : 'none';
  return { layout, favordynmods };
}
