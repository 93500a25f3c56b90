import type { HistoryPoint } from '../../results/record/history.ts';
import type { Run } from '../../results/store/read-run.ts';
import { summarize } from '../../results/summarize/summarize.ts';

/** What a run adds to a history: every overhead that has a number, as ln ratio with its interval. */
export function pointsOfRun(run: Run, commit: string | null): HistoryPoint[] {
  const { plan, host } = run;
  return summarize(run).comparisons.flatMap(({ workload, metric, arm, baseline, overhead, interval, n }) =>
    overhead === null
      ? []
      : [
          {
            schema: 'tare.history/1',
            series: `${workload}.${metric} ${arm}/${baseline}`,
            ...{ run: plan.runId, at: plan.createdAt, commit, machine: host?.before.fingerprint ?? null },
            logRatio: Math.log(overhead),
            interval: interval && {
              low: Math.log(interval.low),
              high: Math.log(interval.high),
              level: interval.level,
            },
            n,
          },
        ],
  );
}
