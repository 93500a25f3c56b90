import { execa } from 'execa';
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { ensureLauncher } from '../../../runtimes/launch/ensure-launcher.ts';
import { startPlan } from '../../../runtimes/launch/launch.ts';
import { sealedLauncher } from '../../../runtimes/launch/sealed-launcher.ts';
import { suite } from '../../suite.ts';

const test = suite('a launcher sealed in memory');
const folder = mkdtempSync(join(tmpdir(), 'tare-sealed-test-'));
let launcher = '';
test.before(async () => {
  launcher = await ensureLauncher(folder);
});
test.after(() => rmSync(folder, { recursive: true }));

test('one copy serves all starts, is called by its name and cannot be written', async () => {
  const sealed = await sealedLauncher(launcher);
  assert.match(sealed, /^\/proc\/self\/fd\/\d+$/);
  assert.is(await sealedLauncher(launcher), sealed);
  assert.equal(readFileSync(sealed), readFileSync(launcher));
  const clone = { op: 'clone', flags: 0, parentOps: 0, cgroupSlot: -1 } as const;
  const launched = await startPlan({
    launcher: sealed,
    plan: [clone, { op: 'exec', argv: ['sleep', '30'], env: ['PATH=/usr/bin:/bin'], search: 1 }],
  });
  try {
    const exe = `/proc/${launched.launcherPid}/exe`;
    assert.is(readFileSync(`/proc/${launched.launcherPid}/comm`, 'utf8'), 'tare-launch\n');
    // The very copy: had it sealed itself once more, it would run from another file.
    const inode = (path: string): Promise<string> =>
      execa('stat', ['-Lc', '%d:%i', path]).then((said) => said.stdout);
    assert.is(await inode(exe), await inode(`/proc/${process.pid}/fd/${sealed.split('/').at(-1)}`));
    assert.match(readlinkSync(exe), /memfd:tare-launch/);
    const attack = await execa('sh', ['-c', `: >> ${exe}; : > ${exe}`], { reject: false });
    assert.match(attack.stderr, /Text file busy|Operation not permitted/);
    assert.equal(readFileSync(sealed), readFileSync(launcher));
  } finally {
    await launched.stop();
  }
  // Executed by nobody now, so that nothing but the seals stands in the way.
  const copy = `/proc/${process.pid}/fd/${sealed.split('/').at(-1)}`;
  const late = await execa('sh', ['-c', `echo x >> ${copy}; : > ${copy}`], { reject: false });
  assert.match(late.stderr, /echo: .*error[\s\S]*Operation not permitted/);
  assert.equal(readFileSync(sealed), readFileSync(launcher));
});

test('a program that knows nothing of it is used as it is', async () => {
  assert.is(await sealedLauncher('/bin/true'), '/bin/true');
  assert.is(await sealedLauncher('/no/such/launcher'), '/no/such/launcher');
});

test.run();
