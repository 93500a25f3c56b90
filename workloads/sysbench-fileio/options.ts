import * as z from 'zod';
import { BenchError } from '../../results/bench-error.ts';
import { secondsOption, threadsOption } from '../common-options.ts';
import { defaults } from '../defaults.ts';
import { parseSize, sizeSchema } from '../size.ts';
import { fileModeNames } from './modes.ts';

/** Direct I/O must be aligned to the logical block of the disk; 512 is the smallest there is. */
const SECTOR_BYTES = 512;

export const fileioOptionsSchema = z
  .strictObject({
    seconds: secondsOption,
    threads: threadsOption,
    mode: z.enum(fileModeNames).default(defaults.fileMode).meta({
      description: 'rndrw (1.5 reads per write), rndrd, rndwr, seqrd, seqwr, seqrewr',
    }),
    fileSize: sizeSchema
      .default(defaults.fileSize)
      .meta({ description: 'all files together; written, and checked to be allocated, before the window' }),
    files: z.int().min(1).max(1024).default(defaults.files).meta({ description: 'number of files' }),
    blockSize: sizeSchema.default(defaults.fileBlockSize).meta({ description: 'bytes per request' }),
    direct: z.boolean().default(defaults.direct).meta({
      description: 'O_DIRECT, past the page cache inside; false measures the cache and is labelled so',
    }),
    fsync: z
      .union([z.literal('never'), z.int().min(1).max(1_000_000)])
      .default(defaults.fsyncEvery)
      .meta({ description: "'never', or fsync every so many writes and once at the end" }),
  })
  .superRefine((options, context) => {
    let fileBytes: number;
    let blockBytes: number;
    try {
      fileBytes = parseSize(options.fileSize);
      blockBytes = parseSize(options.blockSize);
    } catch (error) {
      if (error instanceof BenchError) return; // said by sizeSchema already
      throw error;
    }
    const issue = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (fileBytes % (options.files * blockBytes) !== 0)
      issue(
        'fileSize',
        `${options.fileSize} is not a whole number of ${options.blockSize} blocks in each of ${options.files} files`,
      );
    if (options.direct && blockBytes % SECTOR_BYTES !== 0)
      issue('blockSize', `direct I/O needs a multiple of ${SECTOR_BYTES} bytes, not ${blockBytes}`);
  });
export type FileioOptions = z.infer<typeof fileioOptionsSchema>;
