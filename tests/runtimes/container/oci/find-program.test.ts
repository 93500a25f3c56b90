import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { findProgram, resolveBeneath } from '../../../../runtimes/container/oci/find-program.ts';
import { suite } from '../../../suite.ts';
import { refusal } from '../../../workloads/refusal.ts';

const test = suite('looking for a program beneath a root');
let root: string;
test.beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tare-oci-root-'));
  for (const name of ['usr/bin', 'work', 'etc']) mkdirSync(join(root, name), { recursive: true });
  symlinkSync('usr/bin', join(root, 'bin'));
  writeFileSync(join(root, 'usr/bin/tool'), '', { mode: 0o755 });
  writeFileSync(join(root, 'work/script'), '', { mode: 0o755 });
  writeFileSync(join(root, 'etc/data'), '', { mode: 0o644 });
});
test.afterEach(() => rmSync(root, { recursive: true, force: true }));

const look = (name: string, env?: string[]) =>
  findProgram(root, { args: [name], cwd: '/work', env, user: { uid: 0, gid: 0 } });

test('along the PATH of its own environment, by absolute path, and from its working directory', () => {
  look('tool', ['PATH=/nowhere:/bin']);
  look('tool'); // the default PATH
  look('/bin/tool');
  look('./script');
  look('script', ['PATH=']); // an empty entry is the working directory
});

test('what is not there is said in the words that become exit code 127', () => {
  assert.is(refusal(() => look('nix')).message, 'exec: "nix": executable file not found in $PATH');
  assert.is(
    refusal(() => look('tool', ['PATH=/etc'])).message,
    'exec: "tool": executable file not found in $PATH',
  );
  assert.is(refusal(() => look('/nix')).message, 'exec: "/nix": stat /nix: no such file or directory');
});

test('what cannot be executed is permission denied', () => {
  assert.match(refusal(() => look('/etc/data')).message, 'permission denied');
  assert.match(refusal(() => look('/usr/bin')).message, 'permission denied');
});

test('links are followed as the inside would: never to the host', () => {
  symlinkSync('/etc/data', join(root, 'absolute'));
  symlinkSync('../../../../../../../../etc/data', join(root, 'work/above'));
  symlinkSync('loop', join(root, 'loop'));
  assert.is(resolveBeneath(root, '/absolute'), join(root, 'etc/data'));
  assert.is(resolveBeneath(root, '/work/above'), join(root, 'etc/data'));
  assert.is(resolveBeneath(root, '/../../work/./script'), join(root, 'work/script'));
  assert.is(resolveBeneath(root, '/loop'), null);
  // /etc/passwd is on the host and not in this root.
  assert.is(resolveBeneath(root, '/etc/passwd'), null);
  symlinkSync('/etc/passwd', join(root, 'usr/bin/passwd'));
  assert.match(refusal(() => look('passwd')).message, 'not found');
});

test('a program that lost its permission is seen as such', () => {
  chmodSync(join(root, 'usr/bin/tool'), 0o644);
  assert.match(refusal(() => look('tool')).message, 'permission denied');
});

test.run();
