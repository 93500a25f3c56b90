import type { ExportFormat } from './format.ts';
import { TIDY_COLUMNS, tidyRows, type TidyRow } from './tidy-rows.ts';

/** RFC 4180, one row per sample. */
export const csv: ExportFormat = {
  id: 'csv',
  summary: 'tidy table, one row per sample (spreadsheets, R, pandas)',
  extension: 'csv',
  write: (run) => {
    const columns = Object.keys(TIDY_COLUMNS) as (keyof TidyRow)[];
    const lines = [columns.join(',')];
    for (const row of tidyRows(run)) lines.push(columns.map((column) => csvField(row[column])).join(','));
    return lines.join('\r\n') + '\r\n';
  },
};

/**
 * A field, quoted where RFC 4180 asks for it. Text that a spreadsheet would take for a formula gets an apostrophe in
 * front (OWASP, "CSV injection"): the names in a run may be someone else's.
 */
export function csvField(value: string | number | boolean): string {
  if (typeof value !== 'string') return String(value);
  const tame = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(tame) ? `"${tame.replaceAll('"', '""')}"` : tame;
}
