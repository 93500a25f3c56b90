import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readEtc } from '../../../../runtimes/container/user.ts';
import { suite } from '../../../suite.ts';

const test = suite('accounts of an image');

let folder = '';
test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'tare-etc-'));
  layer('lower', (etc) => writeFileSync(join(etc, 'passwd'), 'lower'));
  mkdirSync(join(folder, 'secret'));
  writeFileSync(join(folder, 'secret', 'passwd'), 'a file of the host');
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

test('the topmost layer that has the file says', () => {
  const upper = layer('upper', (etc) => writeFileSync(join(etc, 'passwd'), 'upper'));
  const without = layer('without', () => undefined);
  const bare = join(folder, 'bare');
  mkdirSync(bare);
  assert.is(readEtc([join(folder, 'lower'), upper, without, bare], 'passwd'), 'upper');
  assert.is(readEtc([join(folder, 'lower'), without], 'passwd'), 'lower');
  assert.is(readEtc([join(folder, 'lower')], 'group'), '');
});

test('a link to a file of the host, or to a folder of it, is not followed', () => {
  const file = layer('linked-file', (etc) =>
    symlinkSync(join(folder, 'secret', 'passwd'), join(etc, 'passwd')),
  );
  const whole = join(folder, 'linked-etc');
  mkdirSync(whole);
  symlinkSync(join(folder, 'secret'), join(whole, 'etc'));
  assert.is(readEtc([file], 'passwd'), '');
  assert.is(readEtc([whole], 'passwd'), '');
});

test('a pipe is not waited for', () => {
  const pipe = layer('pipe', (etc) => execFileSync('mkfifo', [join(etc, 'passwd')]));
  assert.is(readEtc([pipe], 'passwd'), '');
});

function layer(name: string, fill: (etc: string) => unknown): string {
  const etc = join(folder, name, 'etc');
  mkdirSync(etc, { recursive: true });
  fill(etc);
  return join(folder, name);
}

test.run();
