import { copyFile, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runTool } from '../run-tool.ts';
import { PROGRAM_NAME, SEED_LABEL, seedFiles, type SeedRequest } from './seed.ts';

/** Room for the program (0.9 MiB) and four small files. */
const SEED_BYTES = 4 << 20;

/**
 * The seed as a FAT volume, which every cloud image reads and mtools makes without mounting anything: cloud-init's files,
 * and our static guest program, so that the image needs no agent, no network and no package.
 */
export async function makeSeed(
  to: string,
  request: SeedRequest,
  program: string,
  signal?: AbortSignal,
): Promise<void> {
  const folder = await mkdtemp(join(dirname(to), 'seed-'));
  try {
    const files = Object.entries(seedFiles(request));
    await Promise.all(files.map(([name, text]) => writeFile(join(folder, name), text)));
    await copyFile(program, join(folder, PROGRAM_NAME));
    const volume = await open(to, 'wx', 0o600);
    await volume.truncate(SEED_BYTES).finally(() => volume.close());
    await runTool(['mformat', '-i', to, '-v', SEED_LABEL, '::'], signal);
    const paths = [...files.map(([name]) => name), PROGRAM_NAME].map((name) => join(folder, name));
    await runTool(['mcopy', '-i', to, ...paths, '::'], signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
