import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Op } from '../../../../../runtimes/launch/ops.ts';
import { suite } from '../../../../suite.ts';
import { openRig, type Rig } from '../rig.ts';
import { boxesOf, fails } from './box.ts';

/** Names that lead elsewhere: each test fails when the guard it names is taken out. */
const test = suite('container security: paths');
let rig: Rig;
const { alone, box, says } = boxesOf(() => rig);
test.before(async () => {
  rig = await openRig();
});
test.after(() => rig.close());

test('a working directory by descriptor is refused (CVE-2024-21626)', async () => {
  for (const fd of [3, 5, 7, 9])
    assert.match(
      await fails(box({ cwd: `/proc/self/fd/${fd}` })),
      /working directory|No such file|magic|levels/,
    );
  // The guard alone: a descriptor of the host's root that was left open on purpose.
  const message = await fails(
    alone(
      { op: 'open', slot: 1, path: '/var', flags: 0o200000, mode: 0 },
      { op: 'dup', slot: 1, fd: 200 },
      {
        op: 'bind',
        source: rig.image.rootfs,
        target: rig.image.rootfs,
        recursive: 1,
        set: 1,
        clear: 0,
        follow: 1,
      },
      { op: 'root', path: rig.image.rootfs },
      { op: 'bind', source: '/proc', target: '/proc', recursive: 0, set: 0, clear: 0, follow: 0 },
      { op: 'pivot-root' },
      { op: 'chdir', path: '/proc/self/fd/200' },
    ),
  );
  assert.match(message, /outside the root/);
});

test('a mount on a symbolic link out of the root stays inside (CVE-2021-30465)', async () => {
  const canary = join(rig.scratchDir, 'canary');
  const top = join(rig.scratchDir, 'top-link');
  const source = join(rig.scratchDir, 'volume');
  for (const folder of [canary, top, source]) mkdirSync(folder);
  writeFileSync(join(source, 'marked'), '');
  symlinkSync(canary, join(top, 'out'));
  symlinkSync('../../../../../../../../..', join(top, 'up'));
  const mounts = ['/out', `/up${canary}`].map((destination) => ({
    destination,
    type: 'bind',
    source,
    options: ['rbind'],
  }));
  assert.is(await says({ top, mounts, script: `ls ${canary}` }), 'marked');
  assert.equal(readdirSync(canary), []);
});

test('a mount destination that changes while it is used stays inside, 10,000 times (CVE-2024-45310)', async () => {
  const canary = join(rig.scratchDir, 'race-canary');
  const root = join(rig.scratchDir, 'race-root');
  // The link's target exists inside as well, so that following it there is a success.
  for (const folder of [canary, join(root, 'vol/dir'), join(root, canary)])
    mkdirSync(folder, { recursive: true });
  symlinkSync(canary, join(root, 'vol/link'));
  const script = 'my ($a, $b) = @ARGV; while (1) { syscall(316, -100, $a, -100, $b, 2) == 0 or die $! }';
  const racer = spawn('perl', ['-e', script, join(root, 'vol/dir'), join(root, 'vol/link')], {
    stdio: 'ignore',
  });
  try {
    for (let batch = 0; batch < 4; batch++) {
      const tries: Op[] = Array.from({ length: 2500 }, (_, index) => [
        { op: 'mkdir', path: `/vol/dir/d${batch}-${index}`, mode: 0o755, follow: 1 } as const,
        { op: 'mkdir', path: '/vol/dir/same', mode: 0o755, follow: 1 } as const,
      ]).flat();
      await alone({ op: 'root', path: root }, ...tries).catch((error: Error) => {
        // A component that vanished between two looks is an honest refusal.
        assert.match(error.message, /No such file|File exists/);
      });
    }
    assert.is(racer.exitCode, null);
  } finally {
    racer.kill('SIGKILL');
  }
  assert.equal(readdirSync(canary), []);
  assert.ok(readdirSync(join(root, canary)).length > 0, 'the race was never on');
});

test('masking refuses a /dev/null that is not the null device (CVE-2025-31133)', async () => {
  const fake = join(rig.scratchDir, 'fake-null');
  writeFileSync(fake, 'secret');
  const root = join(rig.scratchDir, 'mask-root');
  mkdirSync(root);
  writeFileSync(join(root, 'victim'), '');
  const message = await fails(
    alone(
      { op: 'bind', source: fake, target: '/dev/null', recursive: 0, set: 0, clear: 0, follow: 0 },
      { op: 'root', path: root },
      { op: 'mask', path: '/victim' },
    ),
  );
  assert.match(message, /masking \/victim: .*not the null device/);
});

test('a terminal is refused from a /dev/pts that is not a devpts (CVE-2025-52565)', async () => {
  const root = join(rig.scratchDir, 'pts-root');
  mkdirSync(join(root, 'dev/pts'), { recursive: true });
  writeFileSync(join(root, 'dev/pts/ptmx'), '');
  const pty: Op = { op: 'pty', masterSlot: 1, slaveSlot: 2, rows: 0, columns: 0 };
  assert.match(await fails(alone({ op: 'root', path: root }, pty)), /not a devpts/);
});

test('a kernel parameter is written to a real /proc only (CVE-2019-19921, CVE-2025-52881)', async () => {
  const root = join(rig.scratchDir, 'proc-root');
  mkdirSync(join(root, 'proc/sys/net'), { recursive: true });
  writeFileSync(join(root, 'proc/sys/net/x'), 'before');
  const write: Op = { op: 'write-proc', path: '/proc/sys/net/x', text: '1' };
  assert.match(await fails(alone({ op: 'root', path: root }, write)), /not on a proc file system/);
  assert.is(readFileSync(join(root, 'proc/sys/net/x'), 'utf8'), 'before');
  symlinkSync('/proc', join(root, 'link'));
  assert.match(
    await fails(alone({ op: 'root', path: root }, { ...write, path: '/link/sys/net/x' })),
    /levels of symbolic links/,
  );
});

for (const name of ['dev', 'proc', 'sys']) {
  test(`an image whose /${name} is a symbolic link is refused, the host untouched (CVE-2026-41579)`, async () => {
    const top = join(rig.scratchDir, `top-${name}`);
    mkdirSync(top);
    symlinkSync('/etc', join(top, name));
    const before = readdirSync('/etc').length;
    assert.match(
      await fails(box({ top })),
      new RegExp(`/${name}.*(levels of symbolic links|Not a directory)`),
    );
    assert.is(readdirSync('/etc').length, before);
  });
}

test.run();
