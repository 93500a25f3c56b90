import { appendFileSync } from 'node:fs';

/** The log that containerd's shim and Podman ask for (`--log`, `--log-format`): they show its last error to the user. */
export interface LogFile {
  path: string | undefined;
  format: 'text' | 'json';
}

/** One line as logrus writes it, since that is what its readers parse. Pure. */
export function logLine(
  format: LogFile['format'],
  level: 'error' | 'warning',
  message: string,
  time: string,
): string {
  return format === 'json'
    ? JSON.stringify({ level, msg: message, time }) + '\n'
    : `time=${JSON.stringify(time)} level=${level} msg=${JSON.stringify(message)}\n`;
}

/** Adds a line to the log, where there is one; a log that cannot be written must not hide what happened. */
export function writeLog(log: LogFile, level: 'error' | 'warning', message: string): void {
  if (log.path === undefined) return;
  try {
    appendFileSync(log.path, logLine(log.format, level, message, new Date().toISOString()), { mode: 0o600 });
  } catch {
    // The message goes to stderr as well.
  }
}
