import { spawn } from 'node:child_process';
import { open, type FileHandle } from 'node:fs/promises';

/** Held as long as this process lives: the path in use names a descriptor of ours. */
const held = new Map<string, Promise<FileHandle | null>>();

/**
 * A path by which this process (and no other) starts the launcher from a copy in memory that nobody can write, also not
 * through /proc/<pid>/exe. A launcher that is started from its file has to make itself so and execute a second time, at
 * 1–4 ms a start; whoever starts many does it once. All of them share the copy's pages.
 *
 * A launcher that cannot do it (an older one that a matrix names) is used as it is.
 */
export async function sealedLauncher(launcher: string): Promise<string> {
  let handle = held.get(launcher);
  if (!handle) held.set(launcher, (handle = openSealedCopy(launcher)));
  const file = await handle;
  return file ? `/proc/self/fd/${file.fd}` : launcher;
}

/** The helper makes the copy and keeps it until we have opened it. */
async function openSealedCopy(launcher: string): Promise<FileHandle | null> {
  const helper = spawn(launcher, ['--hold'], { stdio: ['pipe', 'pipe', 'ignore'], env: {} });
  const ended = new Promise<void>((resolve) => {
    helper.once('close', () => resolve());
    helper.once('error', () => resolve());
  });
  const fd = await new Promise<string>((resolve) => {
    helper.stdout.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1').trim()));
    void ended.then(() => resolve(''));
  });
  try {
    return /^\d+$/.test(fd) ? await open(`/proc/${helper.pid}/fd/${fd}`, 'r') : null;
  } catch {
    return null;
  } finally {
    helper.stdin.on('error', () => undefined);
    helper.stdin.end();
    await ended;
  }
}
