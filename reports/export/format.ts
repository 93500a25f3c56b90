import type { ReportRun } from '../page/report-run.ts';

/** One way to hand a run to another program. A new one is one file here and one line in catalog.ts. */
export interface ExportFormat {
  id: string;
  /** For `bench export --help`: what reads it. */
  summary: string;
  extension: string;
  /** Pure: the same run gives the same bytes. */
  write(run: ReportRun): string | Promise<string | Uint8Array>;
}
