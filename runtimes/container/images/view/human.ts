/** Bytes as docker prints them: decimal units, three digits. */
export function humanBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : Number(value.toPrecision(3))}${units[unit]}`;
}

/** How long ago, in the largest unit of which there are at least two. */
export function humanAge(iso: string | null, nowMs: number): string {
  const then = iso === null ? NaN : Date.parse(iso);
  if (Number.isNaN(then)) return '';
  const seconds = Math.max(0, (nowMs - then) / 1000);
  const units: [number, string][] = [
    [31_557_600, 'years'],
    [2_629_800, 'months'],
    [604_800, 'weeks'],
    [86_400, 'days'],
    [3600, 'hours'],
    [60, 'minutes'],
  ];
  for (const [size, name] of units)
    if (seconds >= 2 * size) return `${Math.floor(seconds / size)} ${name} ago`;
  return `${Math.floor(seconds)} seconds ago`;
}

/** Columns padded to their widest cell. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}
