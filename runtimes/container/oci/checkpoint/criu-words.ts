import type { InheritedStream } from './checkpoint-record.ts';

/** What engines choose about a checkpoint or restore; criu's own options of the same names. */
export interface CriuChoices {
  /** Folder of the checkpoint. */
  imagePath: string;
  /** Folder for criu's logs. */
  workPath: string;
  /** Keep established TCP connections: otherwise a container that has some cannot be saved. */
  tcpEstablished?: boolean;
  /** Unix sockets whose other end is outside. */
  extUnixSk?: boolean;
  fileLocks?: boolean;
  /** The container goes on after it was saved. */
  leaveRunning?: boolean;
}

const DUMP_LOG = 'dump.log';
const RESTORE_LOG = 'restore.log';

/** criu's command line that saves a container. cgroups are ours to make, before and after. Pure. */
export function dumpWords(
  choices: CriuChoices,
  container: { pid: number; externals: readonly string[]; streams: readonly InheritedStream[] },
): string[] {
  return [
    'dump',
    ...common(choices, DUMP_LOG),
    ...['--tree', String(container.pid)],
    ...(choices.leaveRunning ? ['--leave-running'] : []),
    ...container.externals.flatMap((at) => ['--external', `mnt[${at}]:${at}`]),
    ...container.streams.flatMap(({ key }) => (key.startsWith('file[') ? ['--external', key] : [])),
  ];
}

/** criu's command line that brings it back, below `root`, from mounts that are there by now. Pure. */
export function restoreWords(
  choices: CriuChoices,
  container: {
    root: string;
    pidFile: string;
    externals: readonly { at: string; source: string }[];
    streams: readonly InheritedStream[];
  },
): string[] {
  return [
    'restore',
    ...common(choices, RESTORE_LOG),
    ...['--root', container.root, '--restore-detached', '--pidfile', container.pidFile],
    ...container.externals.flatMap(({ at, source }) => ['--external', `mnt[${at}]:${source}`]),
    ...container.streams.flatMap(({ fd, key }) => ['--inherit-fd', `fd[${fd}]:${key}`]),
  ];
}

function common(choices: CriuChoices, log: string): string[] {
  return [
    ...['--images-dir', choices.imagePath, '--work-dir', choices.workPath, '--log-file', log, '-v4'],
    '--manage-cgroups=ignore',
    ...(choices.tcpEstablished ? ['--tcp-established'] : []),
    ...(choices.extUnixSk ? ['--ext-unix-sk'] : []),
    ...(choices.fileLocks ? ['--file-locks'] : []),
  ];
}

/** What criu logged as errors, last ones last; it logs thousands of other lines. Pure. */
export function criuErrors(log: string): string[] {
  return log
    .split('\n')
    .filter((line) => / Error \(/.test(line) || line.startsWith('Error ('))
    .map((line) => line.replace(/^\([\d.]+\)\s*(?:\d+:)?\s*/, ''))
    .slice(-5);
}
