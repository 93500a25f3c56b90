import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { ZodType } from 'zod';
import { BenchError } from '../bench-error.ts';
import type { QuickCheck } from './quick-check.ts';

/**
 * Opens a file that others may have made: a regular file, not a symbolic link, not larger than the limit.
 * Errors: `file-missing`, `file-not-regular`, `file-too-large`, `file-unreadable`.
 */
export async function openGuarded(path: string, maxBytes: number): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    // O_NONBLOCK: a pipe put in the file's place must not hang us.
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new BenchError('file-missing', `${path} does not exist`, { cause });
    if (code === 'ELOOP')
      throw new BenchError('file-not-regular', `${path} is a symbolic link, which is not followed`, {
        cause,
        hint: 'put the file itself there',
      });
    throw new BenchError('file-unreadable', `${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new BenchError('file-not-regular', `${path} is not a regular file`);
    if (stat.size > maxBytes)
      throw new BenchError(
        'file-too-large',
        `${path} has ${stat.size} bytes; more than ${maxBytes} is not expected here`,
      );
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The whole text of a guarded file. */
export async function readGuardedText(path: string, maxBytes: number): Promise<string> {
  const handle = await openGuarded(path, maxBytes);
  try {
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/**
 * One JSON document of a known kind. Errors, each with the place (`file` or `file:line`): `bad-json`, `newer-schema`
 * (written by a later Tare), `bad-record` (what is wrong and where).
 *
 * @param surelyFits for records that come by the million: what it accepts is not given to the schema
 */
export function parseRecord<T>(
  text: string,
  schema: ZodType<T>,
  kind: string,
  place: string,
  surelyFits: QuickCheck = () => false,
): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new BenchError('bad-json', `${place}: not JSON: ${(cause as Error).message}`, { cause });
  }
  if (surelyFits(value)) return value as T;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  refuseOtherSchema(value, kind, place);
  const first = parsed.error.issues[0];
  const where = first && first.path.length > 0 ? `${first.path.map(String).join('.')}: ` : '';
  throw new BenchError('bad-record', `${place}: ${where}${first?.message ?? 'does not fit the schema'}`, {
    hint: `the shape is results/schema/${kind}.json`,
  });
}

function refuseOtherSchema(value: unknown, kind: string, place: string): void {
  const schema = typeof value === 'object' && value !== null ? (value as { schema?: unknown }).schema : null;
  const match = typeof schema === 'string' ? /^tare\.([a-z-]+)\/(\d+)$/.exec(schema) : null;
  if (!match) return;
  if (match[1] !== kind)
    throw new BenchError('bad-record', `${place}: holds a ${match[1]} record where a ${kind} record belongs`);
  if (Number(match[2]) > 1)
    throw new BenchError(
      'newer-schema',
      `${place}: written by a newer Tare (${schema as string}; this one reads tare.${kind}/1)`,
      { hint: 'read it with the version that wrote it, or a later one' },
    );
}
