import { execa } from 'execa';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../../../../suite.ts';
import { openRig, type Rig } from '../rig.ts';
import { boxesOf } from './box.ts';

/** What a process inside may do: each test fails when the guard it names is taken out. */
const test = suite('container security: confinement');
let rig: Rig;
const { says } = boxesOf(() => rig);
test.before(async () => {
  rig = await openRig();
});
test.after(() => rig.close());

test('capabilities inside are exactly those granted; no_new_privs and the filter hold', async () => {
  const status = await says({
    script: 'grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status | tr "\\t\\n" "= "',
  });
  const set = '00000000a80425fb';
  const none = '0000000000000000';
  assert.is(
    status,
    `CapInh:=${none} CapPrm:=${set} CapEff:=${set} CapBnd:=${set} CapAmb:=${none} NoNewPrivs:=1 Seccomp:=2`,
  );
  const user = await says({
    user: { uid: 1000, gid: 1000, additionalGids: [1001] },
    script: 'id -u; id -G; grep -E "^Cap(Prm|Eff)" /proc/self/status | tr "\\t\\n" "= "',
  });
  assert.is(user, `1000\n1000 1001\nCapPrm:=${none} CapEff:=${none}`);
});

/** Calls by number on x86-64, so that no library stands between; prints 0 or the errno. */
const call = (...numbers: (number | string)[]): string =>
  `perl -e '$! = 0; @a = (${numbers.join(', ')}); $r = syscall(shift @a, @a); print $r == -1 ? $! + 0 : 0'`;

const EPERM = '1';

test('the filter refuses new namespaces, mounts, keyrings, tracing and modules', async () => {
  if (process.arch !== 'x64') return;
  const calls: Record<string, string> = {
    'unshare(user)': call(272, 0x10000000),
    'clone(user)': call(56, 0x10000000 + 17, 0, 0, 0, 0),
    mount: call(165, '"none"', '"/mnt"', '"tmpfs"', 0, 0),
    keyctl: call(250, 0, 0),
    bpf: call(321, 0, 0, 0),
    io_uring_setup: call(425, 1, 0),
  };
  for (const [name, script] of Object.entries(calls)) assert.is(await says({ script }), EPERM, name);
  // Without the filter the first one goes through: it is the filter that refuses.
  assert.is(await says({ script: call(272, 0x10000000), seccomp: null }), '0');
});

test('masked files read empty, kernel parameters and /sys cannot be written, mounts cannot be undone', async () => {
  const script = `
    wc -c < /proc/interrupts; wc -c < /proc/timer_list; ls /proc/acpi | wc -l
    echo x > /proc/sys/kernel/hostname; echo x > /proc/irq/default_smp_affinity; touch /proc/acpi/x
    ${call(166, '"/proc/interrupts"', 2)}`;
  const said = await says({ script, seccomp: null });
  assert.match(said, /^0\n0\n0\n1/, said);
  assert.is(said.match(/Read-only file system/g)?.length, 3, said);
});

test('a read-only root cannot be written, its volumes can', async () => {
  const source = join(rig.scratchDir, 'rw-volume');
  mkdirSync(source);
  const said = await says({
    readonlyRoot: true,
    mounts: [{ destination: '/data', type: 'bind', source, options: ['rbind'] }],
    script: 'touch /usr/x; touch /data/y && ls /data',
  });
  assert.match(said, /Read-only file system/);
  assert.equal(readdirSync(source), ['y']);
});

test('a setuid program on a nosuid volume gives nothing, and no_new_privs takes it everywhere', async () => {
  const source = join(rig.scratchDir, 'suid');
  mkdirSync(source);
  await execa('cp', ['/usr/bin/id', source]);
  await execa('chmod', ['4755', join(source, 'id')]);
  const run = (options: string[], noNewPrivileges: boolean): Promise<string> =>
    says({
      user: { uid: 1000, gid: 1000 },
      noNewPrivileges,
      seccomp: null,
      mounts: [{ destination: '/mnt', type: 'bind', source, options }],
      script: '/mnt/id -u',
    });
  assert.is(await run(['bind'], false), '0');
  assert.is(await run(['bind', 'nosuid'], false), '1000');
  assert.is(await run(['bind'], true), '1000');
});

test('a device of the host can be named but not opened', async () => {
  const script =
    'mknod /disk b 254 0 && head -c1 /disk; mknod /fuse c 10 229 && head -c1 /fuse; head -c1 /dev/zero | wc -c';
  const said = await says({ script, limits: { memoryMiB: 256 } });
  assert.is(said.match(/Operation not permitted/g)?.length, 2, said);
  assert.match(said, /^1$/m);
});

test.run();
