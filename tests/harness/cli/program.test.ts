import * as assert from 'uvu/assert';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { allCommands, buildProgram } from '../../../harness/cli/program.ts';
import type { VerbContext } from '../../../harness/cli/verb.ts';
import { packageRoot } from '../../../results/package-root.ts';
import { suite } from '../../suite.ts';

const test = suite('bench --help');

function contextTo(lines: string[]): VerbContext {
  return {
    terminal: {
      out: (text) => lines.push(text),
      err: (text) => lines.push(text),
      live: false,
      color: false,
      width: 100,
    },
    catalog: { runtimes: [], workloads: [] },
    paths: { cacheDir: '/nowhere', scratchRoot: '/nowhere', runsDir: '/nowhere' },
    signal: new AbortController().signal,
    exit: () => undefined,
  };
}

async function helpOf(words: string[]): Promise<string> {
  const lines: string[] = [];
  try {
    await buildProgram(contextTo(lines)).parseAsync(['node', 'bench', ...words, '--help']);
  } catch (error) {
    if (!(error instanceof CommanderError) || error.exitCode !== 0) throw error;
  }
  return lines.join('\n');
}

const commands = allCommands(buildProgram(contextTo([])));

test('every command says what it does, every option too, and every verb has an example', async () => {
  assert.ok(commands.length >= 7);
  for (const command of commands) {
    const words: string[] = [];
    for (let at: typeof command | null = command; at?.parent; at = at.parent) words.unshift(at.name());
    assert.ok(command.description(), `bench ${words.join(' ')} has no description`);
    for (const option of command.options)
      assert.ok(option.description, `${words.join(' ')} ${option.flags} has no help`);
    const help = await helpOf(words);
    if (command.commands.length === 0)
      assert.match(help, /Examples?:/, `bench ${words.join(' ')} --help has no example`);
  }
});

test('every option is used in some test', () => {
  const tests = readdirSync(join(packageRoot(), 'tests'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') || file === 'run.ts')
    .map((file) => readFileSync(join(packageRoot(), 'tests', file), 'utf8'))
    .join('\n');
  const untested = commands.flatMap((command) =>
    command.options
      .filter((option) => ![option.long, option.short].some((flag) => flag && tests.includes(`'${flag}`)))
      .map((option) => `${command.name()} ${option.flags}`),
  );
  assert.equal(untested, []);
});

test('a mistyped verb is told with the nearest one', async () => {
  const lines: string[] = [];
  try {
    await buildProgram(contextTo(lines)).parseAsync(['node', 'bench', 'rnu']);
    assert.unreachable('the verb was accepted');
  } catch (error) {
    assert.instance(error, CommanderError);
  }
  assert.match(lines.join('\n'), /unknown command 'rnu'[\s\S]*Did you mean run\?/);
});

test.run();
