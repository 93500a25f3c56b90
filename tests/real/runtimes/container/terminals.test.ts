import { execa } from 'execa';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { suite } from '../../../suite.ts';
import { cliRig, IMAGE, until, type CliRig } from './cli-rig.ts';

const test = suite('terminals of containers');
let rig: CliRig;
const none = ['--network', 'none'];

test.before(async () => {
  rig = await cliRig();
});
test.after(() => rig.end());

/** A command on a real terminal of 33 × 99 (script(1) makes it), typed at and looked at by the test. */
function onTerminal(...argv: string[]) {
  const [program, rest] = rig.commandLine(...argv);
  const quoted = [program, ...rest].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const child = execa('script', ['-qec', `stty rows 33 cols 99; tty; exec ${quoted}`, '/dev/null'], {
    reject: false,
    timeout: 40_000,
  });
  let seen = '';
  child.stdout.on('data', (chunk) => (seen += String(chunk)));
  const shown = (what: RegExp): Promise<void> => until(() => Promise.resolve(what.test(seen)));
  return {
    type: (text: string) => child.stdin.write(text),
    shown,
    seen: () => seen,
    /** The terminal's own device, to change its size as a window does. */
    device: () => /(\/dev\/pts\/\d+)/.exec(seen)?.[1] ?? '',
    ended: child,
  };
}

test('run -it: a shell with a terminal of our size, job control, resizes, and its exit code', async () => {
  const screen = onTerminal('run', '--rm', '-it', ...none, IMAGE, 'sh', '-c', 'stty size; tty; exec sh');
  await screen.shown(/33 99/);
  await screen.shown(/\/dev\/pts\/0/);
  await execa('stty', ['-F', screen.device(), 'rows', '40', 'cols', '120']);
  await sleep(300);
  screen.type('stty size; sleep 100\n');
  await screen.shown(/40 120/);
  await sleep(200);
  screen.type('\x03');
  await sleep(200);
  screen.type('echo still-$((40+2)); exit 7\n');
  await screen.shown(/still-42/);
  assert.is((await screen.ended).exitCode, 7);
});

test('exec -it: a terminal of the container’s own devpts, resizes, exit code, and nothing left in its folder', async () => {
  const box = await rig.detached('exec', 'sleep 300', ...none);
  const screen = onTerminal('exec', '-it', '-e', 'WORD=hello', '-w', '/usr', box, 'sh');
  screen.type('stty size; tty; pwd; echo $WORD-$((1+1))\n');
  await screen.shown(/33 99\r+\n\/dev\/pts\/\d\r+\n\/usr\r+\nhello-2/);
  await execa('stty', ['-F', screen.device(), 'rows', '41', 'cols', '121']);
  await sleep(300);
  screen.type('stty size; exit 9\n');
  await screen.shown(/41 121/);
  assert.is((await screen.ended).exitCode, 9);
  const state = await rig.out('inspect', '-f', '{{.stateFolder}}', box);
  assert.equal(
    readdirSync(state).filter((name) => name.startsWith('exec-')),
    [],
  );
});

test('exec -u NAME: as the container has its users now, with their groups and without privilege', async () => {
  const box = await rig.detached('users', 'sleep 300', ...none);
  await rig.out(
    'exec',
    box,
    'sh',
    '-c',
    'echo app:x:777:778::/home/app:/bin/sh >> /etc/passwd; echo extra:x:779:app >> /etc/group',
  );
  const script = 'id -u; id -G; grep CapEff /proc/self/status';
  assert.is(
    await rig.out('exec', '-u', 'app', box, 'sh', '-c', script),
    '777\n778 779\nCapEff:\t0000000000000000',
  );
  assert.match(
    String((await rig.bench('exec', '-u', 'nobody-here', box, 'id')).stderr),
    /user 'nobody-here' cannot be used/,
  );
  assert.match(await rig.out('exec', '--privileged', box, 'grep', 'Seccomp:', '/proc/self/status'), /0$/);
  assert.match(await rig.out('exec', box, 'grep', 'Seccomp:', '/proc/self/status'), /2$/);
});

test('exec: a passwd that is a link to the host’s is not followed', async () => {
  const box = await rig.detached('evil', 'sleep 300', ...none);
  await rig.out('exec', box, 'sh', '-c', 'rm /etc/passwd; ln -s /proc/1/root/etc/passwd /etc/passwd');
  const [user = ''] = (/^([a-z][a-z-]*):x:[1-9]/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? []).slice(1);
  assert.match(String((await rig.bench('exec', '-u', user, box, 'id')).stderr), /cannot be used/);
});

test('attach: output, input, detach keys; the program goes on', async () => {
  const box = rig.name('attach');
  await rig.detached('attach', 'while read line; do echo "got $line"; done', ...none, '-it');
  const screen = onTerminal('attach', '--detach-keys', 'ctrl-x,d', box);
  await screen.shown(/pts/);
  await sleep(700);
  screen.type('one\n');
  await screen.shown(/got one/);
  screen.type('\x18d');
  assert.is((await screen.ended).exitCode, 0);
  assert.is(await rig.out('inspect', '-f', '{{.status}}', box), 'running');
  const watcher = rig.benchWith({ timeout: 20_000 }, 'attach', '--no-stdin', box);
  await sleep(700);
  await rig.out('kill', box);
  assert.is((await watcher).exitCode, 137);
});

test('input without a terminal is handed on to its end, by run -i and exec -i', async () => {
  const big = 'x'.repeat(300_000);
  const counted = await rig.benchWith({ input: big }, 'run', '--rm', '-i', ...none, IMAGE, 'wc', '-c');
  assert.is(counted.stdout, '300000');
  const box = await rig.detached('input', 'sleep 300', ...none);
  assert.is((await rig.benchWith({ input: big }, 'exec', '-i', box, 'wc', '-c')).stdout, '300000');
  assert.is(
    (await rig.benchWith({ input: big }, 'exec', box, 'wc', '-c')).stdout,
    '0',
    'without -i there is none',
  );
});

test.run();
