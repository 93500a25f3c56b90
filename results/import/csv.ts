import { BenchError } from '../bench-error.ts';

/** One record of a CSV file and the line it begins on, counted from 1. */
export interface CsvRecord {
  line: number;
  fields: string[];
}

/**
 * A strict reader of CSV as RFC 4180 has it: commas, double quotes, quotes doubled inside quotes, line breaks inside
 * quotes, CRLF or LF. Fed in pieces, so that large files stream. Errors: `bad-csv` with file:line, for a quote in the
 * middle of a bare field, text after a closing quote, and a quote that is never closed.
 */
export class CsvReader {
  private line = 1;
  private carried = '';

  constructor(private readonly place: string) {}

  /** The complete records in what was fed so far. */
  push(text: string): CsvRecord[] {
    const whole = this.carried + text;
    const records: CsvRecord[] = [];
    let at = 0;
    // The next quote is looked for once, not once per record: most files have none, and chunks are large.
    let quote = whole.indexOf('"');
    for (;;) {
      let end = whole.indexOf('\n', at);
      // A record ends at the first newline outside quotes.
      while (quote >= 0 && end >= 0 && quote < end) {
        const close = whole.indexOf('"', quote + 1);
        quote = close < 0 ? -1 : whole.indexOf('"', close + 1);
        if (close < 0) end = -1;
        else if (end < close) end = whole.indexOf('\n', close + 1);
      }
      if (end < 0) break;
      this.take(whole.slice(at, whole[end - 1] === '\r' ? end - 1 : end), records);
      at = end + 1;
    }
    this.carried = whole.slice(at);
    return records;
  }

  /** The last record, when the file does not end in a newline. */
  finish(): CsvRecord[] {
    const records: CsvRecord[] = [];
    if (this.carried !== '') this.take(this.carried, records);
    this.carried = '';
    return records;
  }

  private take(record: string, records: CsvRecord[]): void {
    const line = this.line++;
    if (!record.includes('"')) {
      if (record !== '') records.push({ line, fields: record.split(',') });
      return;
    }
    records.push({ line, fields: this.split(record, line) });
    for (let at = record.indexOf('\n'); at >= 0; at = record.indexOf('\n', at + 1)) this.line++;
  }

  /** The fields of a record that has quotes. */
  private split(record: string, line: number): string[] {
    const fields: string[] = [];
    let at = 0;
    for (;;) {
      if (record[at] === '"') {
        let value = '';
        let from = at + 1;
        for (;;) {
          const close = record.indexOf('"', from);
          if (close < 0) throw this.bad(line, 'a quote is never closed');
          value += record.slice(from, close);
          if (record[close + 1] !== '"') {
            at = close + 1;
            break;
          }
          value += '"';
          from = close + 2;
        }
        fields.push(value);
        if (at === record.length) return fields;
        if (record[at] !== ',') throw this.bad(line, 'text after a closing quote');
        at++;
      } else {
        const comma = record.indexOf(',', at);
        const value = comma < 0 ? record.slice(at) : record.slice(at, comma);
        if (value.includes('"')) throw this.bad(line, 'a quote in the middle of a field');
        fields.push(value);
        if (comma < 0) return fields;
        at = comma + 1;
      }
    }
  }

  private bad(line: number, what: string): BenchError {
    return new BenchError('bad-csv', `${this.place}:${line}: ${what}`);
  }
}

/** All records of a CSV text as objects by the header's names. Every record must have as many fields as the header. */
export function parseCsv(text: string, place: string): { line: number; row: Record<string, string> }[] {
  const reader = new CsvReader(place);
  const [header, ...records] = [...reader.push(text), ...reader.finish()];
  if (!header) throw new BenchError('bad-csv', `${place}: empty`);
  return records.map(({ line, fields }) => {
    if (fields.length !== header.fields.length)
      throw new BenchError(
        'bad-csv',
        `${place}:${line}: ${fields.length} fields where the header has ${header.fields.length}`,
      );
    return { line, row: Object.fromEntries(header.fields.map((name, i) => [name, fields[i] as string])) };
  });
}
