import { execa } from 'execa';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../../../results/package-root.ts';
import { suite } from '../../../suite.ts';

/** `bench vm` as a person calls it. */
const test = suite('bench vm');

const bench = (words: string[], input = ''): Promise<{ exitCode?: number; stdout: string; stderr: string }> =>
  execa('npx', ['--no-install', 'tsx', join(packageRoot(), 'harness/cli/main.ts'), 'vm', ...words], {
    reject: false,
    input,
    timeout: 120_000,
  });

test('runs a command in a machine with the options given, and ends with its exit code', async () => {
  const words = ['--option', 'format=raw', 'accel=tcg', '--cpus', '1', '--memory', '256', '--json'];
  const result = await bench([...words, '--', 'sh', '-c', 'nproc; exit 3']);
  assert.is(result.exitCode, 3, result.stderr);
  const { facts, result: inside } = JSON.parse(result.stdout) as {
    facts: Record<string, unknown>;
    result: { stdout: string };
  };
  assert.is(inside.stdout, '1\n');
  assert.is(facts.diskFormat, 'raw');
  assert.match(result.stderr, /emulated \(TCG\)/);
});

test('runs lines of standard input one after the other', async () => {
  const result = await bench(['-o', 'accel=tcg'], 'echo one > /data/f\ncat /data/f\n');
  assert.is(result.exitCode, 0, result.stderr);
  assert.is(result.stdout.trim(), 'one');
});

test.run();
