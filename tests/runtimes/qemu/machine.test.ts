import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { BenchError } from '../../../results/bench-error.ts';
import { bootTimeoutMs } from '../../../runtimes/qemu/start-cold.ts';
import { aioReason } from '../../../runtimes/qemu/disks/check-disk-host.ts';
import { checkMemory } from '../../../runtimes/qemu/machine/check-memory.ts';
import { vhostThreads } from '../../../runtimes/qemu/machine/pinning.ts';
import { cpuModel, threadsShown } from '../../../runtimes/qemu/machine/spec.ts';
import { qemuOptionsSchema, type QemuOptions } from '../../../runtimes/qemu/options.ts';
import { startsSaved } from '../../../runtimes/qemu/qemu-runtime.ts';
import { suite } from '../../suite.ts';

const test = suite('the machine of a VM: policy');
const options = (given: Record<string, unknown> = {}): QemuOptions => qemuOptionsSchema.parse(given);

test('threads of a core are told in a way that the guest can see, and only where there are any', () => {
  const topology = (threads: number): QemuOptions => options({ topology: { threads } });
  assert.is(cpuModel(topology(1), 'tcg'), 'max');
  assert.is(cpuModel(topology(2), 'tcg'), 'max,vendor=GenuineIntel');
  assert.is(
    cpuModel(options({ cpu: 'EPYC', topology: { threads: 2 } }), 'tcg'),
    'EPYC',
    'a model by name stays',
  );
  assert.match(cpuModel(topology(2), 'kvm'), /^host,topoext=/);
  assert.is(threadsShown('kvm', true), 'topoext=on');
});

test('huge pages that are not there are refused with the number that would do', () => {
  const refusal = (memoryMiB: number, free: number): BenchError | undefined => {
    try {
      checkMemory({ hugepages: true }, memoryMiB, free);
      return undefined;
    } catch (error) {
      return error as BenchError;
    }
  };
  assert.match(refusal(512, 255)?.hint ?? '', /vm\.nr_hugepages=256/);
  assert.is(refusal(512, 256), undefined);
  assert.is(refusal(511, 4096)?.code, 'vm-no-hugepages');
  checkMemory({ hugepages: false }, 511, 0);
});

test('huge pages are never silently left out: such a guest boots', () => {
  assert.is(startsSaved(options({ hugepages: true }), 'tcg'), false);
  assert.is(qemuOptionsSchema.safeParse({ hugepages: true, start: 'saved' }).success, false);
});

test('vhost’s threads are found where the kernel makes them processes of their own', async () => {
  const proc = await mkdtemp(join(tmpdir(), 'tare-proc-'));
  try {
    const names = { '7': 'vhost-42', '8': 'vhost-421', '9': 'qemu-system-x86', self: 'vhost-42' };
    for (const [pid, name] of Object.entries(names)) {
      await mkdir(join(proc, pid));
      await writeFile(join(proc, pid, 'comm'), `${name}\n`);
    }
    await mkdir(join(proc, '10'));
    assert.equal(vhostThreads(42, proc), [7]);
  } finally {
    await rm(proc, { recursive: true });
  }
});

test('a boot’s deadline leaves the trial time to say what it saw', () => {
  const own = bootTimeoutMs({ system: null });
  assert.is(bootTimeoutMs({ system: null }, 1e9), own);
  assert.is(bootTimeoutMs({ system: null }, 10_000), 8_000);
  assert.ok(bootTimeoutMs({ system: null }, 1) > 0);
});

test('QEMU’s words about an aio engine, as a reason', () => {
  assert.match(
    aioReason('x: aio=io_uring was specified, but is not supported in this build.'),
    /built without/,
  );
  assert.match(aioReason('Unable to use linux io_uring: Operation not permitted'), /does not allow/);
  assert.match(aioReason('Function not implemented'), /kernel does not have it/);
  assert.is(aioReason('first\nsomething new'), 'something new');
});

test.run();
