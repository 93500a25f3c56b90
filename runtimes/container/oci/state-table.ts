/** States as `list` prints them for people. */
export function stateTable(states: readonly Readonly<Record<string, unknown>>[]): string {
  const rows = states.map(({ id, pid, status, bundle, created }) => [id, pid, status, bundle, created]);
  return table([['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED'], ...rows]);
}

function table(rows: unknown[][]): string {
  const cells = rows.map((row) => row.map(String));
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
