import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import * as assert from 'uvu/assert';
import { packageRoot } from '../results/package-root.ts';
import { suite } from './suite.ts';

const test = suite('architecture');

/** What each room may import beside itself (docs/architecture.md). */
const MAY_IMPORT: Record<string, RegExp> = {
  workloads: /^(workloads\/|results\/record\/|results\/bench-error\.ts$)/,
  runtimes: /^(runtimes\/|results\/record\/|results\/bench-error\.ts$|results\/package-root\.ts$)/,
  'results/statistics': /^results\/(statistics|record)\//,
  results: /^results\//,
  reports: /^(reports\/|results\/)/,
};

function importsOf(file: string): string[] {
  const text = readFileSync(join(packageRoot(), file), 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g)].map((match) =>
    normalize(join(dirname(file), match[1] ?? '')),
  );
}

function filesOf(room: string): string[] {
  return readdirSync(join(packageRoot(), room), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.startsWith('runs/'))
    .map((file) => join(room, file));
}

for (const [room, allowed] of Object.entries(MAY_IMPORT)) {
  test(`${room}/ imports only what the architecture allows`, () => {
    const files = filesOf(room);
    assert.ok(files.length > 0, `${room}/ has no files`);
    const strangers = files.flatMap((file) =>
      importsOf(file)
        .filter((imported) => !allowed.test(imported))
        .map((imported) => `${file} imports ${imported}`),
    );
    assert.equal(strangers, []);
  });
}

test('nothing but the entry point ends the process', () => {
  const enders = ['harness', 'workloads', 'runtimes', 'results', 'reports']
    .flatMap(filesOf)
    .filter((file) => /process\.exit\(/.test(readFileSync(join(packageRoot(), file), 'utf8')));
  assert.equal(enders, ['harness/cli/main.ts']);
});

test.run();
