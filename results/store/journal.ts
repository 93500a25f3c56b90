import { constants } from 'node:fs';
import { open, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BenchError } from '../bench-error.ts';
import { trialRecordSchema, type TrialRecord } from '../record/trial.ts';
import { syncFolder } from './atomic-file.ts';

/**
 * trials.jsonl, the truth of a run: one line per trial, appended in one write and synced before `append` resolves, so
 * what was reported as measured survives SIGKILL and power cuts. One writer at a time; appends are queued in order.
 */
export class Journal {
  private last: Promise<void> = Promise.resolve();

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
  ) {}

  /**
   * Opens (or makes) the journal for appending. A half-written last line, as a killed run leaves it, is moved to
   * `<path>.torn` so that the next record starts on a line of its own.
   */
  static async open(path: string): Promise<Journal> {
    let handle: FileHandle;
    try {
      handle = await open(
        path,
        constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW,
        0o644,
      );
    } catch (cause) {
      throw new BenchError('journal-unwritable', `${path} cannot be opened: ${(cause as Error).message}`, {
        cause,
      });
    }
    try {
      await mendTail(path, handle);
      await syncFolder(dirname(path));
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new Journal(path, handle);
  }

  /** Appends one trial. Rejects with `journal-invalid-record` rather than write what could not be read back. */
  append(record: TrialRecord): Promise<void> {
    const parsed = trialRecordSchema.safeParse(record);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      return Promise.reject(
        new BenchError(
          'journal-invalid-record',
          `trial ${record.trial}: ${issue?.path.map(String).join('.')}: ${issue?.message}`,
        ),
      );
    }
    const line = JSON.stringify(parsed.data) + '\n';
    const written = this.last.then(async () => {
      await this.handle.appendFile(line);
      await this.handle.datasync();
    });
    this.last = written.catch(() => undefined);
    return written;
  }

  async close(): Promise<void> {
    await this.last;
    await this.handle.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

async function mendTail(path: string, handle: FileHandle): Promise<void> {
  const { size } = await handle.stat();
  if (size === 0) return;
  const CHUNK = 64 * 1024;
  const tail: Buffer[] = [];
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - CHUNK);
    const chunk = Buffer.alloc(end - start);
    await handle.read(chunk, 0, chunk.length, start);
    const newline = chunk.lastIndexOf(0x0a);
    tail.unshift(chunk.subarray(newline + 1));
    if (newline >= 0) break;
    end = start;
  }
  const torn = Buffer.concat(tail);
  if (torn.length === 0) return;
  await writeFile(`${path}.torn`, Buffer.concat([torn, Buffer.from('\n')]), { flag: 'a' });
  await handle.truncate(size - torn.length);
  await handle.datasync();
}
