import { chmodSync, copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { BenchError } from '../../../results/bench-error.ts';
import { packagePath } from '../../../results/package-root.ts';
import { compileC } from '../../../runtimes/compile/compile-c.ts';
import { armLauncher } from '../../../runtimes/launch/arm-launcher.ts';
import { ensureLauncher } from '../../../runtimes/launch/ensure-launcher.ts';
import type { LaunchPlan } from '../../../runtimes/launch/ops.ts';
import { suite } from '../../suite.ts';

const test = suite('the launcher of an arm');
const folder = mkdtempSync(join(tmpdir(), 'tare-arm-launcher-'));
test.after(() => rmSync(folder, { recursive: true }));

const plan: LaunchPlan = [{ op: 'session' }, { op: 'exec', argv: ['true'], env: [], search: 1 }];

async function refusal(path: string, plans: LaunchPlan[] = [plan]): Promise<BenchError> {
  try {
    await armLauncher(path, plans, folder);
  } catch (error) {
    if (error instanceof BenchError) return error;
    throw error;
  }
  throw new Error(`${path} was believed`);
}

/** Our own launcher with one line of its sources changed. */
async function otherBuild(name: string, file: string, from: string, to: string): Promise<string> {
  const sources = join(folder, name);
  cpSync(packagePath('runtimes', 'launch', 'c'), sources, { recursive: true });
  const text = readFileSync(join(sources, file), 'utf8');
  assert.ok(text.includes(from), `${file} no longer holds ${from}`);
  writeFileSync(join(sources, file), text.replace(from, to));
  return compileC(folder, { name, folder: sources, flags: ['-Wpedantic', '-Wl,-z,norelro'] });
}

test('ours is used when none is named; the same bytes elsewhere are the same part, named', async () => {
  const ours = await armLauncher(undefined, [plan], folder);
  assert.is(ours.part.chosen, false);
  const copy = join(folder, 'copy');
  copyFileSync(await ensureLauncher(folder), copy);
  const { part } = await armLauncher(copy, [plan], folder);
  assert.equal(part, { ...ours.part, path: copy, chosen: true });
});

test('a launcher that reads another plan format is refused', async () => {
  const other = await otherBuild('other-format', 'plan.c', "'P', 'L', 'N', '1'", "'P', 'L', 'N', '2'");
  const error = await refusal(other);
  assert.is(error.code, 'launcher-version');
  assert.match(error.message, /plans of another format .*not a launch plan of this version/);
});

test('one that means something else by an operation is refused only for plans that use it', async () => {
  const ours = await ensureLauncher(folder);
  const other = join(folder, 'other-operation');
  const table = `${ours} --operations | sed 's/^3 session/3 seance/'`;
  writeFileSync(other, `#!/bin/sh\ncase $1 in --operations) ${table};; *) exec ${ours} "$@";; esac\n`);
  chmodSync(other, 0o755);
  const error = await refusal(other);
  assert.is(error.code, 'launcher-version');
  assert.match(error.message, /it has no "session"/);
  const { part } = await armLauncher(other, [plan.slice(1)], folder);
  assert.is(part.chosen, true);
});

test('what is no launcher is refused by what it is', async () => {
  const write = (name: string, bytes: string | Buffer, mode = 0o755): string => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    chmodSync(path, mode);
    return path;
  };
  assert.is((await refusal(join(folder, 'nothing'))).code, 'arm-file-missing');
  assert.is((await refusal(folder)).code, 'arm-file-missing');
  assert.is((await refusal(write('plain', 'text', 0o644))).code, 'arm-file-not-executable');
  assert.is((await refusal(write('text', 'text'))).code, 'arm-file-not-executable');
  const elf = Buffer.alloc(64);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  elf.writeUInt16LE(process.arch === 'arm64' ? 62 : 183, 18);
  const foreign = await refusal(write('foreign', elf));
  assert.is(foreign.code, 'arm-file-architecture');
  assert.match(foreign.message, process.arch === 'arm64' ? /for x64/ : /for arm64/);
  assert.is((await refusal('/bin/cat')).code, 'launcher-not-ours');
  assert.is((await refusal(write('script', '#!/bin/sh\nexit 0\n'))).code, 'launcher-not-ours');
});

test.run();
