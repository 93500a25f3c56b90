import type { ExportFormat } from './format.ts';
import { tidyRows } from './tidy-rows.ts';

/**
 * The Go benchmark format (golang.org/design/14313-benchmark-format, and the `Unit` lines of x/perf/benchfmt): one line per
 * trial, the box as the sub-name `/box=…`, so that `benchstat -col /box` sets the boxes side by side.
 */
export const benchfmt: ExportFormat = {
  id: 'benchfmt',
  summary: 'Go benchmark format (benchstat -col /box)',
  extension: 'txt',
  write: (run) => {
    const { plan } = run;
    const units = new Map<string, string>();
    const lines = new Map<string, string[]>();
    for (const row of tidyRows(run)) {
      if (!row.valid) continue;
      const unit = token(row.unit);
      units.set(unit, row.better);
      const name = `Benchmark${capital(token(row.workload))}/box=${token(row.arm)}`;
      const key = `${name}\n${row.trial}`;
      lines.set(key, [
        ...(lines.get(key) ?? []),
        `${row.value} ${row.metric === row.unit ? unit : `${token(row.metric)}:${unit}`}`,
      ]);
      units.set(`${token(row.metric)}:${unit}`, row.better);
      units.delete(unit);
    }
    return [
      `tare-run: ${token(plan.runId)}`,
      `tare-version: ${token(plan.tareVersion)}`,
      ...[...units].map(([unit, better]) => `Unit ${unit} better=${better === 'lower' ? 'lower' : 'higher'}`),
      ...[...lines].map(([key, values]) => `${key.split('\n')[0]} 1 ${values.join(' ')}`),
      '',
    ].join('\n');
  },
};

/** The format separates by white space, so a name may have none; nor `/` and `=`, which build sub-names. */
function token(text: string): string {
  return (
    text.normalize('NFC').replace(/[^\p{L}\p{N}._+%-]+/gu, (other) => (other === '/' ? '-per-' : '-')) || '-'
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
