import { BenchError } from '../bench-error.ts';
import { SeriesTable, type Observation, type Series } from '../statistics/series.ts';
import { CsvReader, type CsvRecord } from './csv.ts';
import { jsonObservation } from './json-observation.ts';
import { badObservation, FORMAT_HINT, UNNAMED_WORKLOAD } from './observation-error.ts';

/** Observations of anyone's file, as series. */
export interface Imported {
  series: Series[];
  observations: number;
  warnings: string[];
}

const REQUIRED = ['round', 'arm', 'metric', 'value'] as const;
const OPTIONAL = ['unit', 'better', 'workload', 'position'] as const;
type Column = (typeof REQUIRED)[number] | (typeof OPTIONAL)[number];

/**
 * Reads observations as CSV (a header, then `round,arm,metric,value[,unit,better,workload,position]` in any order) or as
 * JSON lines with the same keys; a file that begins with `{` is JSON lines. Where `better` is not said, lower is better,
 * and a warning says so. A last line that was cut off is left out with a warning; anything else that is wrong is
 * refused with file:line (`bad-observation`, `bad-csv`, `newer-schema`), because a row that was silently skipped would
 * leave a round unbalanced.
 */
export async function importObservations(
  chunks: AsyncIterable<string> | Iterable<string>,
  place: string,
): Promise<Imported> {
  const table = new SeriesTable();
  const warnings: string[] = [];
  let observations = 0;
  let undirected = false;
  const add = (observation: Observation, line: number): void => {
    const problem = table.add(observation);
    if (problem) throw badObservation(place, line, problem);
    observations++;
  };
  let reader: LineReader | undefined;
  let head = '';
  for await (const chunk of chunks) {
    if (!reader) {
      head += chunk;
      const first = /[^\s\uFEFF]/.exec(head);
      if (!first) continue;
      head = head.replace(/^\uFEFF/, '');
      reader = first[0] === '{' ? jsonReader(place, add) : csvReader(place, add, () => (undirected = true));
      reader.push(head);
    } else reader.push(chunk);
  }
  if (!reader) throw new BenchError('bad-observation', `${place}: empty`, { hint: FORMAT_HINT });
  const torn = reader.finish();
  if (torn) warnings.push(`${place}:${torn}: the last line was cut off and is left out`);
  if (observations === 0)
    throw new BenchError('bad-observation', `${place}: no observations`, { hint: FORMAT_HINT });
  if (undirected || reader.undirected)
    warnings.push("the file does not say which direction is better: 'lower' is taken");
  try {
    return { series: table.finish(), observations, warnings };
  } catch (cause) {
    if (cause instanceof RangeError)
      throw new BenchError('bad-observation', `${place}: ${cause.message}`, {
        cause,
        hint: 'a round has one value per arm, workload and metric',
      });
    throw cause;
  }
}

interface LineReader {
  push(text: string): void;
  /** The number of a last line that was cut off, or null. */
  finish(): number | null;
  undirected?: boolean;
}

function csvReader(
  place: string,
  add: (seen: Observation, line: number) => void,
  noDirection: () => void,
): LineReader {
  const csv = new CsvReader(place);
  let read: ((record: CsvRecord) => Observation) | undefined;
  let width = 0;
  const take = (record: CsvRecord): void => {
    if (read) add(read(record), record.line);
    else {
      read = rowReader(record, place);
      width = record.fields.length;
      if (!record.fields.some((name) => name.trim() === 'better')) noDirection();
    }
  };
  return {
    push: (text) => {
      for (const record of csv.push(text)) take(record);
    },
    finish: () => {
      for (const record of csv.finish()) {
        // No newline after it: too few fields, or a number that may have lost digits, cannot be told from a cut.
        if (read && record.fields.length < width) return record.line;
        take(record);
      }
      return null;
    },
  };
}

/** A function that turns a record into an observation, made once from the header. */
function rowReader({ fields, line }: CsvRecord, place: string): (record: CsvRecord) => Observation {
  const names = fields.map((name) => name.trim());
  const at = (column: Column): number => names.indexOf(column);
  const missing = REQUIRED.filter((column) => at(column) < 0);
  if (missing.length > 0) throw badObservation(place, line, `the header has no column ${missing.join(', ')}`);
  const known: readonly string[] = [...REQUIRED, ...OPTIONAL];
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw badObservation(place, line, `unknown column ${unknown.join(', ')}`);
  if (new Set(names).size < names.length) throw badObservation(place, line, 'a column occurs twice');
  const [round, arm, metric, value] = REQUIRED.map(at) as [number, number, number, number];
  const [unit, better, workload, position] = OPTIONAL.map(at) as [number, number, number, number];
  const cells = new RowCells(names, place);
  return (record) => {
    cells.take(record);
    return {
      round: cells.number(round),
      arm: cells.name(arm),
      metric: cells.name(metric),
      value: cells.number(value),
      unit: unit < 0 ? '' : (record.fields[unit] as string),
      better: better < 0 ? 'lower' : cells.direction(better),
      workload: workload < 0 ? UNNAMED_WORKLOAD : cells.name(workload),
      position: position < 0 ? undefined : cells.number(position),
    };
  };
}

/** The fields of one record at a time, each read as what it must be. */
class RowCells {
  private record: CsvRecord = { line: 0, fields: [] };

  constructor(
    private readonly names: readonly string[],
    private readonly place: string,
  ) {}

  take(record: CsvRecord): void {
    this.record = record;
    const { length } = record.fields;
    if (length !== this.names.length)
      throw this.bad(`${length} fields where the header has ${this.names.length}`);
  }

  number(column: number): number {
    const text = this.record.fields[column] as string;
    const value = Number(text);
    // Number('') and Number(' ') are 0, which nobody measured.
    if (!Number.isFinite(value) || (value === 0 && text.trim() === ''))
      throw this.bad(`${this.names[column]} '${text}' is not a number`);
    return value;
  }

  name(column: number): string {
    const text = this.record.fields[column] as string;
    if (text === '') throw this.bad(`${this.names[column]} is empty`);
    return text;
  }

  direction(column: number): 'lower' | 'higher' {
    const text = (this.record.fields[column] as string).trim();
    if (text === 'lower' || text === 'higher') return text;
    throw this.bad(`better is '${text}': it is 'lower' or 'higher'`);
  }

  private bad(what: string): BenchError {
    return badObservation(this.place, this.record.line, what);
  }
}

function jsonReader(place: string, add: (seen: Observation, line: number) => void): LineReader {
  let rest = '';
  let line = 0;
  const reader: LineReader = {
    push: (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const one of lines) {
        line++;
        if (one.trim() !== '') take(one);
      }
    },
    finish: () => {
      if (rest.trim() === '') return null;
      line++;
      try {
        JSON.parse(rest);
      } catch {
        return line;
      }
      take(rest);
      return null;
    },
  };
  const take = (text: string): void => {
    const { observation, directed } = jsonObservation(text, place, line);
    if (!directed) reader.undirected = true;
    add(observation, line);
  };
  return reader;
}
