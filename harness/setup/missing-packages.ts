import { execa } from 'execa';
import { readFileSync } from 'node:fs';
import { packagePath } from '../../results/package-root.ts';

/** Debian packages by purpose, each with the reason it is needed: harness/setup/packages.json. */
export function neededPackages(purpose: 'run' | 'tests'): Record<string, string> {
  const all = JSON.parse(readFileSync(packagePath('harness', 'setup', 'packages.json'), 'utf8')) as Record<
    'run' | 'tests',
    Record<string, string>
  >;
  return purpose === 'run' ? all.run : { ...all.run, ...all.tests };
}

/** The needed packages that dpkg does not know as installed; all of them where there is no dpkg. */
export async function missingPackages(purpose: 'run' | 'tests'): Promise<string[]> {
  const needed = Object.keys(neededPackages(purpose));
  const result = await execa('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\\n', ...needed], {
    reject: false,
  });
  const installed = new Set(
    String(result.stdout ?? '')
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return needed.filter((name) => !installed.has(name));
}

/** The command that installs them. */
export function installHint(missing: readonly string[]): string {
  return `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
}
