import { statusOf, type MachineRecord } from '../../runtimes/qemu/lifecycle/machine-record.ts';

/** One line of `bench vm ps`. */
export interface MachineRow {
  name: string;
  status: 'running' | 'ended';
  label: string;
  address: string;
  pid: number;
  bootedAt: string;
}

export function machineRows(records: readonly MachineRecord[]): MachineRow[] {
  return records.map((record) => ({
    name: record.name,
    status: statusOf(record),
    label: record.label,
    address: record.address,
    pid: record.pid,
    bootedAt: record.createdAt,
  }));
}

/** A table of plain text; its header alone when there is nothing. */
export function machineTable(rows: readonly MachineRow[]): string {
  const cells = [
    ['NAME', 'STATUS', 'ADDRESS', 'PID', 'BOOTED', 'MACHINE'],
    ...rows.map((row) => [
      row.name,
      row.status,
      row.address,
      String(row.pid),
      row.bootedAt.slice(0, 19),
      row.label,
    ]),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  return cells
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
