import type { ExportFormat } from './format.ts';

/** The whole run in one document. */
export const json: ExportFormat = {
  id: 'json',
  summary: 'the whole run in one document: plan, machine, summary, trials',
  extension: 'json',
  write: ({ plan, host, summary, trials }) =>
    JSON.stringify({ schema: 'tare.export/1', plan, host, summary, trials }, null, 1) + '\n',
};
