import { execa } from 'execa';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { packageRoot } from '../results/package-root.ts';

/**
 * Runs every tests/**\/*.test.ts in a process of its own: `quick` ones (no privilege, no box) first and side by side, the
 * `real` ones (tests/real/: root, namespaces, QEMU, Chromium) after them, one at a time. A file passes when all that it
 * registered ran and passed. Ends with `N passed, N failed, N skipped`.
 *
 *   tsx tests/run.ts [quick|real] [part of a path …]
 */
const FILE_TIMEOUT_MS = 15 * 60_000;
const testsDir = join(packageRoot(), 'tests');
const words = process.argv.slice(2);
const tier = words[0] === 'quick' || words[0] === 'real' ? words.shift() : 'all';

const files = readdirSync(testsDir, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();
const real = files.filter((file) => file.startsWith('real/'));
const quick = files.filter((file) => !file.startsWith('real/'));

interface Tally {
  passed: number;
  failed: number;
  skipped: string[];
}

async function runFile(file: string): Promise<Tally> {
  const begun = performance.now();
  const result = await execa('npx', ['--no-install', 'tsx', join(testsDir, file)], {
    all: true,
    reject: false,
    timeout: FILE_TIMEOUT_MS,
    stdin: 'ignore',
    env: { FORCE_COLOR: '0', NODE_ENV: 'test' },
  });
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  const output = String(result.all ?? '');
  const line = /^##tare (\{.*\})$/m.exec(output)?.[1];
  const count = line
    ? (JSON.parse(line) as { registered: number; ran: number; passed: number; skipped: string[] })
    : { registered: 0, ran: 0, passed: 0, skipped: [] };
  let failed = count.registered - count.passed;
  const complaints: string[] = [];
  if (count.registered === 0 && count.skipped.length === 0) complaints.push('registered no test');
  if (count.ran < count.registered)
    complaints.push(`${count.registered - count.ran} registered tests never ran (.run() or a hook)`);
  if (failed === 0 && result.exitCode !== 0)
    complaints.push(`ended with ${result.timedOut ? 'a time-out' : (result.exitCode ?? result.signal)}`);
  if (complaints.length > 0 && failed === 0) failed = 1;
  const mark = failed === 0 ? 'ok  ' : 'FAIL';
  console.log(
    `${mark} ${relative(packageRoot(), join(testsDir, file))} · ${count.passed} passed · ${seconds} s`,
  );
  if (failed > 0)
    console.log(output.replace(/^##tare .*$/m, '').trimEnd() + complaints.map((c) => `\n  ${c}`).join(''));
  return { passed: count.passed, failed, skipped: count.skipped };
}

async function runAll(list: string[], width: number): Promise<Tally[]> {
  const queue = [...list];
  const tallies: Tally[] = [];
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let file = queue.shift(); file; file = queue.shift()) tallies.push(await runFile(file));
    }),
  );
  return tallies;
}

const tallies: Tally[] = [];
if (tier !== 'real') tallies.push(...(await runAll(quick, 2)));
if (tier !== 'quick') tallies.push(...(await runAll(real, 1)));
const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0);
const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0) + (tallies.length === 0 ? 1 : 0);
const skipped = tallies.flatMap((tally) => tally.skipped);
for (const reason of skipped) console.log(`skipped: ${reason}`);
console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
process.exitCode = failed === 0 ? 0 : 1;
