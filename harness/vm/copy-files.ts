import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { BenchError } from '../../results/bench-error.ts';
import { findRunning, type MachineRecord } from '../../runtimes/qemu/lifecycle/machine-record.ts';
import { exitCodeOf, openSession } from '../../runtimes/qemu/lifecycle/open-session.ts';

/** "name:/path" in a machine, or a path of the host. */
export function placeOf(text: string): { machine: string; path: string } | { machine: null; path: string } {
  const [, machine, path] = /^([A-Za-z0-9][A-Za-z0-9_.-]*):(.+)$/s.exec(text) ?? [];
  return machine === undefined || path === undefined
    ? { machine: null, path: resolve(text) }
    : { machine, path };
}

/**
 * Copies a file or a folder into a machine or out of it, as `cp -r` would: into the target when that is a folder.
 *
 * @throws BenchError `vm-copy`.
 */
export async function copyFiles(from: string, to: string): Promise<void> {
  const [source, target] = [placeOf(from), placeOf(to)];
  if (source.machine === null && target.machine !== null)
    return copyIn(findRunning(target.machine), source.path, target.path);
  if (source.machine !== null && target.machine === null)
    return copyOut(findRunning(source.machine), source.path, target.path);
  throw new BenchError('vm-copy', 'one of the two must be in a machine: name:/path', {
    hint: 'bench vm cp web:/var/log/syslog .',
  });
}

async function copyIn(record: MachineRecord, from: string, to: string): Promise<void> {
  const found = await stat(from).catch((cause: unknown) => {
    throw new BenchError('vm-copy', `there is no ${from}`, { cause });
  });
  if (found.isDirectory()) {
    const script = 'if [ -d "$1" ]; then set -- "$1/$2"; fi; mkdir -p "$1" && tar -C "$1" -xf -';
    const input = (): Readable =>
      spawn('tar', ['-C', from, '-cf', '-', '.'], { stdio: ['ignore', 'pipe', 'inherit'] }).stdout;
    return inside(record, script, [to, basename(from)], { input });
  }
  const mode = (found.mode & 0o7777).toString(8);
  const script = 'if [ -d "$1" ]; then set -- "$1/$2" "$2" "$3"; fi; cat > "$1" && chmod "$3" "$1"';
  return inside(record, script, [to, basename(from), mode], {
    input: () => createReadStream(from),
  });
}

async function copyOut(record: MachineRecord, from: string, to: string): Promise<void> {
  const isFolder = await inside(record, '[ -d "$1" ]', [from]).then(
    () => true,
    () => false,
  );
  const there = await stat(to).catch(() => undefined);
  const target = there?.isDirectory() ? join(to, basename(from)) : to;
  if (!isFolder) {
    await stat(dirname(target)).catch((cause: unknown) => {
      throw new BenchError('vm-copy', `there is no folder ${dirname(target)}`, { cause });
    });
    return inside(record, 'exec cat "$1"', [from], { output: createWriteStream(target) });
  }
  const tar = spawn('sh', ['-c', 'mkdir -p "$1" && exec tar -C "$1" -xf -', 'sh', target], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  await inside(record, 'tar -C "$1" -cf - .', [from], { output: tar.stdin });
  if (tar.exitCode === null) await once(tar, 'exit');
  if (tar.exitCode !== 0) throw new BenchError('vm-copy', `tar could not write ${target}`);
}

/** Runs a few lines of sh in the machine with our streams. Input is opened when there is someone to read it. */
async function inside(
  record: MachineRecord,
  script: string,
  args: string[],
  io: { input?: () => Readable; output?: Writable } = {},
): Promise<void> {
  const words: Buffer[] = [];
  const { output } = io;
  const session = await openSession(
    record,
    { argv: ['sh', '-c', script, 'copy', ...args], terminal: null },
    { stdout: (chunk) => void output?.write(chunk), stderr: (chunk) => words.push(chunk) },
  );
  const input = io.input?.();
  try {
    const fed = (async () => {
      for await (const chunk of input ?? []) if (!session.write(chunk as Buffer)) await session.drained();
      session.endInput();
    })();
    fed.catch(() => session.close());
    const code = exitCodeOf(await session.ended);
    if (output) {
      output.end();
      await finished(output);
    }
    if (code !== 0)
      throw new BenchError(
        'vm-copy',
        `copying ended with ${code}: ${Buffer.concat(words).toString('utf8').trim()}`,
      );
    await fed;
  } finally {
    session.close();
    input?.destroy();
  }
}
