import { existsSync, readFileSync } from 'node:fs';

const CANDIDATES = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'];

/**
 * Where mmdebstrap fetches from: the host's own apt sources when they speak of the suite (a mirror, a proxy or a
 * snapshot that the machine is set up for), else nothing, which lets mmdebstrap use Debian's own servers.
 */
export function aptSources(suite: string, read = readIfThere): string[] {
  for (const file of CANDIDATES) {
    const text = read(file);
    const live = text?.split('\n').filter((line) => !line.trimStart().startsWith('#'));
    if (live?.some((line) => new RegExp(`\\b${suite}\\b`).test(line) && /debian|Suites/i.test(line)))
      return [file];
  }
  return [];
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
