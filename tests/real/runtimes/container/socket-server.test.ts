import { execa } from 'execa';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { packagePath } from '../../../../results/package-root.ts';
import { suite } from '../../../suite.ts';
import { cliRig, openWorld, until, type CliRig, type World } from './cli-rig.ts';
import { toolchainTarball } from './toolchain.ts';

const test = suite('the socket server of examples/, by the commands of its README');
const README = readFileSync(packagePath('examples/socket-server/README.md'), 'utf8');
let world: World;
let rig: CliRig;
let folder: string;

test.before(async () => {
  world = await openWorld();
  rig = await cliRig(world.host);
  folder = mkdtempSync('/var/tmp/tare-socket-server-');
});

test.after(async () => {
  await rig.bench('rm', '-f', 'hello');
  await image('rm', 'socket-server', 'gcc-base');
  await execa('make', ['-C', packagePath('examples/socket-server'), 'clean'], { reject: false });
  rmSync(folder, { recursive: true, force: true });
  await rig.end();
  await world.close();
});

/** `bench image …` by the same bundle. */
async function image(...argv: string[]): Promise<string> {
  const [program, rest] = rig.commandLine();
  const words = [...rest.slice(0, -1), 'image', ...argv];
  return String((await execa(program, words, { cwd: packagePath(), timeout: 120_000 })).stdout);
}

/** A command of the README, without its comment; it must stand there. */
function written(command: string): string {
  const line = README.split('\n').find((each) => each.trim().replace(/\s+#.*$/, '') === command);
  assert.ok(line, `the README has: ${command}`);
  return command;
}

test('built, run with -p 8080:8080, answered by its client and over HTTP, stopped at once', async () => {
  // The compiler of this machine stands in for the imported base, which takes a minute to make from packages.
  await image('import', await toolchainTarball(folder), 'gcc-base');
  const words = (command: string): string[] => written(command).split(' ').slice(2);
  await image(...words('bench image build -t socket-server examples/socket-server'));
  assert.match(await image('ls'), /socket-server\s+latest\s+\S+\s.*\b(9\.\d+|1\d(\.\d+)?)kB/);
  await rig.out(...words('bench container run -d --rm --name hello -p 8080:8080 socket-server'));
  const here = `cd ${packagePath()} && `;
  await world.onHost(here + written('make -C examples/socket-server client'));
  const ask = written('examples/socket-server/client 127.0.0.1 8080 "hello there"');
  await until(async () => (await world.onHost(here + ask)).trim() === 'HELLO THERE');
  const http = written('curl http://127.0.0.1:8080/').replace(
    'curl',
    'curl -s -o /dev/null -w "%{http_code}"',
  );
  assert.is(await world.onHost(http), '200');
  const client = join(packagePath(), 'examples/socket-server/client');
  assert.is(
    (await world.inWorld(`${client} ${world.hostAddress} 8080 "from outside"`)).trim(),
    'FROM OUTSIDE',
  );
  const begun = performance.now();
  await rig.out(...words('bench container stop hello'));
  assert.ok(performance.now() - begun < 8000, 'it listens for SIGTERM: the grace of 10 s is not needed');
  await rig.out('ps');
  assert.match(String((await rig.bench('inspect', 'hello')).stderr), /there is no container/, '--rm');
});

test.run();
