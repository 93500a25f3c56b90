/** Rows of text as aligned columns; numbers to the right. Two spaces between columns. */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => [...(row[i] ?? '')].length)));
  const numeric = head.map((_, i) => rows.every((row) => /^[\d−+×±–.\-\s%]*$/.test(row[i] ?? '')));
  return all
    .map((row) =>
      widths
        .map((width, i) => {
          const gap = ' '.repeat(width - [...(row[i] ?? '')].length);
          return numeric[i] ? gap + (row[i] ?? '') : (row[i] ?? '') + gap;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
