import { constants } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { runTool } from '../run-tool.ts';

/**
 * A copy that shares blocks where the file system can (reflink: XFS, Btrfs), else a sparse one that reads and writes only
 * what holds data. A template disk holds a few hundred KiB of file system, so even the copy takes milliseconds.
 * A disk whose every block was written before must not get its zeros back as holes: 'filled'.
 */
export async function sparseCopy(
  from: string,
  to: string,
  signal?: AbortSignal,
  holes: 'kept' | 'filled' = 'kept',
): Promise<'reflink' | 'copy'> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    return 'reflink';
  } catch {
    const sparse = holes === 'kept' ? 'always' : 'never';
    await runTool(['cp', `--sparse=${sparse}`, '--reflink=never', from, to], signal);
    return 'copy';
  }
}
