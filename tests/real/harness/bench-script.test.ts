import { execa } from 'execa';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { neededPackages } from '../../../harness/setup/missing-packages.ts';
import { packagePath } from '../../../results/package-root.ts';
import { suite } from '../../suite.ts';
import { workFolder } from './bench-process.ts';

const test = suite('the bench script');

/** A folder of stand-ins that comes first in PATH: a dpkg that knows no package, an apt-get that writes down its words. */
function strangeMachine(): { path: string; log: string; remove(): void } {
  const folder = workFolder();
  const log = join(folder.path, 'apt.log');
  const program = (name: string, body: string): void => {
    writeFileSync(join(folder.path, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(folder.path, name), 0o755);
  };
  program('dpkg-query', 'exit 1');
  program('apt-get', `echo "$*" >> ${log}`);
  chmodSync(folder.path, 0o755);
  return { path: folder.path, log, remove: folder.remove };
}

const NO_MATRIX = ['run', '--matrix', 'no-such-matrix'];

test('as root it names the missing packages, then installs exactly those, then hands over', async () => {
  const machine = strangeMachine();
  try {
    const done = await execa(packagePath('bench'), NO_MATRIX, {
      reject: false,
      env: { PATH: `${machine.path}:${process.env.PATH}` },
    });
    const names = Object.keys(neededPackages('run')).join(' ');
    assert.match(String(done.stderr), `installing system packages: ${names}`);
    assert.equal(readFileSync(machine.log, 'utf8').trim().split('\n'), [
      'update -qq',
      `install -y -qq --no-install-recommends ${names}`,
    ]);
    assert.match(String(done.stderr), /no built-in matrix is called "no-such-matrix"/);
    assert.is(done.exitCode, 2);
  } finally {
    machine.remove();
  }
});

test('not as root it says exactly what to install, installs nothing, and runs what it can', async () => {
  const machine = strangeMachine();
  try {
    const done = await execa(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', packagePath('bench'), ...NO_MATRIX],
      {
        reject: false,
        cwd: machine.path,
        env: { PATH: `${machine.path}:${process.env.PATH}`, HOME: machine.path },
      },
    );
    const names = Object.keys(neededPackages('run')).join(' ');
    assert.match(String(done.stderr), `as root: apt-get install -y --no-install-recommends ${names}`);
    assert.throws(() => readFileSync(machine.log), /ENOENT/);
    assert.match(String(done.stderr), /no built-in matrix is called "no-such-matrix"/);
  } finally {
    machine.remove();
  }
});

test('setup --for tests says what it made ready', async () => {
  const done = await execa(packagePath('bench'), ['setup', '--for', 'tests', '--json'], { reject: false });
  assert.is(done.exitCode, 0, String(done.stderr));
  const made = JSON.parse(String(done.stdout)) as {
    launcher: string;
    image: { rootfs: string };
    missing: string[];
  };
  assert.ok(existsSync(made.launcher));
  assert.ok(existsSync(join(made.image.rootfs, 'usr/bin/sysbench')));
  assert.equal(made.missing, []);
});

test('doctor says what this machine can do, and ends with 0 when every runtime can be used', async () => {
  const done = await execa(packagePath('bench'), ['doctor', '--json'], { reject: false });
  const { findings } = JSON.parse(String(done.stdout)) as {
    findings: { what: string; state: string; says: string; remedy: string | null }[];
  };
  for (const what of [
    'packages',
    'guest image',
    'runtime native',
    'runtime container',
    'runtime qemu',
    'KVM',
  ]) {
    const finding = findings.find((one) => one.what === what);
    assert.ok(finding?.says, `doctor says nothing of ${what}`);
    if (finding.state !== 'good') assert.ok(finding.remedy, `${what} has no remedy`);
  }
  assert.is(done.exitCode, findings.some((finding) => finding.state === 'missing') ? 5 : 0);
});

test('asking for help installs nothing', async () => {
  const machine = strangeMachine();
  try {
    const done = await execa(packagePath('bench'), ['run', '--help'], {
      reject: false,
      env: { PATH: `${machine.path}:${process.env.PATH}` },
    });
    assert.is(done.exitCode, 0, String(done.stderr));
    assert.match(String(done.stdout), /--resume <run>/);
    assert.throws(() => readFileSync(machine.log), /ENOENT/);
  } finally {
    machine.remove();
  }
});

test('the packed npm package runs without the script and without the sources', async () => {
  const folder = workFolder();
  try {
    await execa('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder.path], {
      cwd: packagePath(),
    });
    await execa('sh', ['-c', 'tar -xzf *.tgz'], { cwd: folder.path });
    const packed = join(folder.path, 'package', 'dist', 'bench.mjs');
    const listed = await execa('node', [packed, 'list', '--json'], { cwd: folder.path });
    const kinds = JSON.parse(String(listed.stdout)) as Record<string, { name: string }[]>;
    assert.ok(kinds.runtimes?.some(({ name }) => name === 'container'));
    assert.ok(kinds.matrices?.some(({ name }) => name === 'quick'));
    const planned = await execa('node', [packed, 'plan', '--matrix', 'quick', '--json'], {
      cwd: folder.path,
    });
    assert.is((JSON.parse(String(planned.stdout)) as { cells: unknown[] }).cells.length, 16);
  } finally {
    folder.remove();
  }
});

test.run();
