import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

let found: string | undefined;

/**
 * The folder of Tare's own package.json, whether this code runs from the sources or from the bundle in dist/.
 * Shipped assets (templates, matrices, C sources, published numbers) are found from here.
 */
export function packageRoot(): string {
  if (found) return found;
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!isOurs(folder)) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('tare-bench: package.json not found above ' + import.meta.url);
    folder = parent;
  }
  found = folder;
  return folder;
}

/** Tare's version, as package.json states it. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string })
    .version;
}

/** An absolute path inside the package. */
export function packagePath(...parts: string[]): string {
  return join(packageRoot(), ...parts);
}

function isOurs(folder: string): boolean {
  const file = join(folder, 'package.json');
  return (
    existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'tare-bench'
  );
}
