import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { BenchError } from '../../../results/bench-error.ts';
import { commandLine, type MachineSpec } from '../../../runtimes/qemu/machine/command-line.ts';
import { findEmulator } from '../../../runtimes/qemu/machine/emulator-program.ts';
import { qemuOptionsSchema, resolvePaths, labelOf } from '../../../runtimes/qemu/options.ts';
import { suite } from '../../suite.ts';

const test = suite('the emulator of an arm');
const folder = mkdtempSync(join(tmpdir(), 'tare-emulator-'));
test.after(() => rmSync(folder, { recursive: true }));

/** A program that answers as QEMU does, as far as it is told to. */
function fake(name: string, answers: Record<string, string>): string {
  const cases = Object.entries(answers).map(([words, script]) => `'${words}') ${script};;`);
  const path = join(folder, name);
  writeFileSync(
    path,
    `#!/bin/sh\ncase "$*" in\n${cases.join('\n')}\n*) echo "odd: $*" >&2; exit 1;;\nesac\n`,
  );
  chmodSync(path, 0o755);
  return path;
}
const share = join(folder, 'share');
mkdirSync(share);
writeFileSync(join(share, 'bios-256k.bin'), '');
const whole = {
  '--version': 'echo "QEMU emulator version 9.1.0 (mine)"',
  '-machine help': 'echo "Supported machines are:"; echo "pc   Standard PC"; echo "q35  Q35"',
  '-accel help': 'echo "Accelerators supported:"; echo tcg',
  '-M none -accel tcg -nodefaults -display none -monitor stdio': 'cat > /dev/null',
  '-L help': `echo ${share}`,
};

async function refusal(emulator: string, machine: 'pc' | 'microvm' = 'pc', accel: 'auto' | 'kvm' = 'auto') {
  try {
    await findEmulator({ emulator, machine, accel });
  } catch (error) {
    if (error instanceof BenchError) return error;
    throw error;
  }
  throw new Error(`${emulator} was believed`);
}

test('a build that is named is asked what it is, and executed', async () => {
  const path = fake('whole', whole);
  const emulator = await findEmulator({ emulator: path, machine: 'q35', accel: 'auto' });
  assert.equal(emulator.firmware, []);
  assert.is(emulator.part.version, 'QEMU 9.1.0 (mine)');
  assert.is(emulator.part.chosen, true);
  assert.match(emulator.part.sha256, /^[0-9a-f]{64}$/);
});

test('what it lacks is said before anything is started on it', async () => {
  assert.match(
    (await refusal(fake('other', { ...whole, '--version': 'echo bash 5' }))).message,
    /not say that it is a QEMU/,
  );
  assert.match((await refusal(fake('small', whole), 'microvm')).message, /no machine "microvm"/);
  assert.match((await refusal(fake('soft', whole), 'pc', 'kvm')).message, /built without KVM/);
  const apart = {
    ...whole,
    '-M none -accel tcg -nodefaults -display none -monitor stdio': 'echo "no module" >&2; exit 1',
  };
  const error = await refusal(fake('apart', apart));
  assert.is(error.code, 'vm-emulator-unusable');
  assert.match(error.message, /no module/);
  assert.match(error.hint ?? '', /its own tree/);
});

test('a build without firmware gets the system’s, by -L in front of everything', async () => {
  const { path, firmware } = await findEmulator({
    ...{ emulator: fake('bare', { ...whole, '-L help': 'echo /nonexistent' }), machine: 'pc', accel: 'auto' },
  });
  assert.ok(firmware.length > 0);
  const spec: MachineSpec = {
    ...{ emulator: { path, firmware }, accel: 'tcg', cpu: 'max', options: qemuOptionsSchema.parse({}) },
    ...{ cpus: 1, memoryMiB: 64, boot: { kind: 'direct', kernel: '/k', initramfs: null, append: '' } },
    ...{
      rootDisk: '/r',
      dataDisk: null,
      sockets: { monitor: '/m', agent: '/a', guest: '/g', console: '/c' },
    },
    ...{ network: null, mac: '52:54:00:00:00:01', memoryFile: null, incoming: false },
  };
  assert.equal(commandLine(spec).slice(0, 3), [path, '-L', firmware[0]]);
});

test('file names are relative to the matrix; the label says which they are; modules alone are a mistake', () => {
  const options = qemuOptionsSchema.parse({
    emulator: 'new/qemu-system-x86_64',
    kernel: '../k/bzImage',
    image: 'debian:12',
  });
  const resolved = resolvePaths(options, '/m/x');
  assert.is(resolved.emulator, '/m/x/new/qemu-system-x86_64');
  assert.is(resolved.kernel, '/m/k/bzImage');
  assert.is(resolved.image, 'debian:12');
  assert.match(
    labelOf(resolved),
    /^VM, qcow2, QEMU new\/qemu-system-x86_64, kernel k\/bzImage, image debian:12$/,
  );
  const alone = qemuOptionsSchema.safeParse({ modules: '/lib/modules/6.1' });
  assert.match(alone.error?.issues[0]?.message ?? '', /kernel is missing/);
});

test.run();
