import { lstatSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BenchError } from '../../../../results/bench-error.ts';

/** A standard stream that leads out of the container, by the key criu knows it by. */
export interface InheritedStream {
  fd: number;
  /** `pipe:[inode]`, `socket:[inode]`, or `file[mount:inode]` in hexadecimal. */
  key: string;
}

/** What we keep beside criu's images of a container. */
export interface CheckpointRecord {
  schema: 'tare.oci-checkpoint/1';
  /** Mount points that lead out of it. */
  externals: string[];
  streams: InheritedStream[];
}

const FILE = 'tare-checkpoint.json';

export function writeCheckpointRecord(folder: string, record: CheckpointRecord): void {
  writeFileSync(join(folder, FILE), JSON.stringify(record) + '\n', { mode: 0o600 });
}

/** @throws BenchError `checkpoint-unreadable`. */
export function readCheckpointRecord(folder: string): CheckpointRecord {
  try {
    const told = JSON.parse(readFileSync(join(folder, FILE), 'utf8')) as CheckpointRecord;
    if (
      told.schema !== 'tare.oci-checkpoint/1' ||
      !Array.isArray(told.externals) ||
      !Array.isArray(told.streams)
    )
      throw new Error('it is of another kind');
    return told;
  } catch (cause) {
    throw new BenchError(
      'checkpoint-unreadable',
      `there is no checkpoint of ours in ${folder}: ${(cause as Error).message}`,
      { hint: '--image-path names a folder that `checkpoint` wrote', cause },
    );
  }
}

/** The standard streams of a process that whoever restores it has to hand in. */
export function streamsOf(pid: number): InheritedStream[] {
  return [0, 1, 2].flatMap((fd) => {
    const link = join('/proc', String(pid), 'fd', String(fd));
    if (!lstatSync(link, { throwIfNoEntry: false })) return [];
    const target = readlinkSync(link);
    if (/^(pipe|socket):\[\d+\]$/.test(target)) return [{ fd, key: target }];
    const mount = /^mnt_id:\s*(\d+)$/m.exec(
      readFileSync(join('/proc', String(pid), 'fdinfo', String(fd)), 'utf8'),
    );
    const own = new RegExp(`^${mount?.[1]} `, 'm');
    // A file on one of its own mounts is found again by its name.
    if (own.test(readFileSync(join('/proc', String(pid), 'mountinfo'), 'utf8'))) return [];
    const inode = statSync(link, { bigint: true }).ino;
    return [{ fd, key: `file[${Number(mount?.[1]).toString(16)}:${inode.toString(16)}]` }];
  });
}
