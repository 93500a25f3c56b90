import type { ExportFormat } from './format.ts';

interface Family {
  name: string;
  help: string;
  samples: { labels: Record<string, string>; value: number }[];
}

/** OpenMetrics text 1.0.0: the summary as gauges, for a textfile collector or a push gateway. */
export const openmetrics: ExportFormat = {
  id: 'openmetrics',
  summary: 'OpenMetrics text (Prometheus and its kin)',
  extension: 'prom',
  write: ({ plan, summary }) => {
    const emulated = new Map(plan.arms.map((arm) => [arm.id, String(arm.emulated)]));
    const cellLabels = (one: {
      workload: string;
      arm: string;
      metric: string;
      unit: string;
    }): Record<string, string> => ({
      run: plan.runId,
      workload: one.workload,
      arm: one.arm,
      emulated: emulated.get(one.arm) ?? 'false',
      metric: one.metric,
      measured_in: one.unit,
    });
    const cells = summary.cells.filter((cell) => cell.n > 0);
    const compared = summary.comparisons.filter((one) => one.overhead !== null);
    const families: Family[] = [
      {
        name: 'tare_cell_median',
        help: 'Median of a cell, in the unit of the label measured_in.',
        samples: cells.map((cell) => ({ labels: cellLabels(cell), value: cell.median })),
      },
      {
        name: 'tare_cell_trials',
        help: 'Trials that the median rests on.',
        samples: cells.map((cell) => ({ labels: cellLabels(cell), value: cell.n })),
      },
      {
        name: 'tare_overhead_ratio',
        help: 'Cost against the baseline as a ratio: above 1 is worse.',
        samples: compared.map((one) => ({
          labels: { ...cellLabels(one), baseline: one.baseline },
          value: one.overhead!,
        })),
      },
      ...(['low', 'high'] as const).map((bound) => ({
        name: `tare_overhead_ratio_${bound}`,
        help: `${bound === 'low' ? 'Lower' : 'Upper'} bound of the interval of tare_overhead_ratio.`,
        samples: compared
          .filter((one) => one.interval !== null)
          .map((one) => ({
            labels: { ...cellLabels(one), baseline: one.baseline },
            value: one.interval![bound],
          })),
      })),
      {
        name: 'tare_run_trials',
        help: 'Trials of the run by how they ended.',
        samples: Object.entries(summary.counts).map(([outcome, value]) => ({
          labels: { run: plan.runId, outcome },
          value,
        })),
      },
    ];
    return families.map(familyText).join('') + '# EOF\n';
  },
};

function familyText({ name, help, samples }: Family): string {
  if (samples.length === 0) return '';
  const lines = samples.map(({ labels, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
    return `${name}{${pairs.join(',')}} ${Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : 'NaN'}`;
  });
  return [`# TYPE ${name} gauge`, `# HELP ${name} ${help}`, ...lines, ''].join('\n');
}

/** OpenMetrics 1.0.0, "escaped-string": backslash, quote and line feed. Other control characters stay out. */
function escapeLabel(text: string): string {
  return text
    .replace(/[^\n\u0020-\ud7ff\ue000-\u{10ffff}]/gu, '\ufffd')
    .replace(/\\/g, '\\\\')
    .replace(/\n/g, '\\n')
    .replace(/"/g, '\\"');
}
