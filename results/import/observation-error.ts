import { BenchError } from '../bench-error.ts';

/** The workload of files that have no such column. */
export const UNNAMED_WORKLOAD = 'data';

export const FORMAT_HINT =
  'columns: round,arm,metric,value[,unit,better,workload,position], as CSV or JSON lines';

/** What is wrong with one line of observations. */
export function badObservation(place: string, line: number, what: string): BenchError {
  return new BenchError('bad-observation', `${place}:${line}: ${what}`, { hint: FORMAT_HINT });
}
