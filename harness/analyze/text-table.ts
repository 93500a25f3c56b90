import { textWidth, wrap } from '../../reports/terminal/text-width.ts';

const GAP = 2;
const INDENT = '  ';

/**
 * Rows of text as aligned columns; numbers to the right. A table wider than `width` columns becomes one block a row, every
 * value with its head: a table whose lines wrap cannot be read.
 *
 * @param titles how many columns name a row; they head its block
 */
export function textTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { width = Infinity, titles = 1 }: { width?: number; titles?: number } = {},
): string {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => textWidth(row[i] ?? ''))));
  if (widths.reduce((sum, one) => sum + one + GAP, -GAP) > width && rows.length > 0)
    return rows.map((row) => block(head, row, width, titles)).join('\n');
  const numeric = head.map((_, i) => rows.every((row) => /^[\d−+×±–.\-\s%]*$/.test(row[i] ?? '')));
  return all
    .map((row) =>
      widths
        .map((columns, i) => {
          const gap = ' '.repeat(columns - textWidth(row[i] ?? ''));
          return numeric[i] ? gap + (row[i] ?? '') : (row[i] ?? '') + gap;
        })
        .join(' '.repeat(GAP))
        .trimEnd(),
    )
    .join('\n');
}

function block(head: readonly string[], row: readonly string[], width: number, titles: number): string {
  const said = row
    .map((value, i) => ({ value, name: head[i] ?? '' }))
    .slice(titles)
    .filter(({ value }) => value !== '–' && value !== '');
  const text = said.map(({ name, value }) => `${name} ${value}`.trim()).join(' · ');
  return [
    ...wrap(row.slice(0, titles).filter(Boolean).join(' '), width, INDENT),
    ...wrap(text, width - INDENT.length, INDENT).map((line) => INDENT + line),
  ].join('\n');
}
