import * as assert from 'uvu/assert';
import { decide } from '../../../runtimes/qemu/accelerator/choose.ts';
import { classifyKvm, type ProbeOutcome } from '../../../runtimes/qemu/accelerator/classify.ts';
import { printable } from '../../../runtimes/qemu/control/console.ts';
import { diagnose, type Symptoms } from '../../../runtimes/qemu/control/diagnose.ts';
import { creationOptions } from '../../../runtimes/qemu/disks/data-disk.ts';
import { commandLine, kernelAppend, type MachineSpec } from '../../../runtimes/qemu/machine/command-line.ts';
import { diskFailure } from '../../../runtimes/qemu/machine/emulator.ts';
import { parseCpuList, pinPlan } from '../../../runtimes/qemu/machine/pinning.ts';
import { labelOf, qemuOptionsSchema } from '../../../runtimes/qemu/options.ts';
import { caveatsOf, startsSaved } from '../../../runtimes/qemu/qemu-runtime.ts';
import { suite } from '../../suite.ts';

const test = suite('policy of virtual machines');
const options = (given: Record<string, unknown> = {}): ReturnType<typeof qemuOptionsSchema.parse> =>
  qemuOptionsSchema.parse(given);

const QUIET: ProbeOutcome = {
  openError: null,
  emulatorWords: '',
  console: '',
  timedOut: false,
  deadlineMs: 6000,
};
const KVM_CASES: [string, Partial<ProbeOutcome>][] = [
  ['works', { console: 'tare-guest: alive under KVMKVMKVM\n' }],
  ['not-kvm', { console: 'tare-guest: alive under TCGTCGTCGTCG' }],
  ['no-device', { openError: 'ENOENT' }],
  ['no-permission', { openError: 'EACCES' }],
  ['cannot-open', { openError: 'EBUSY' }],
  [
    'msr',
    {
      emulatorWords:
        "error: failed to set MSR 0x10a to 0x0\nqemu-system-x86_64: kvm_buf_set_msrs: Assertion `ret == cpu->kvm_msr_buf->nmsrs' failed.",
    },
  ],
  ['emulation-failure', { emulatorWords: 'KVM internal error. Suberror: 1\nemulation failure\nRAX=0' }],
  ['internal-error', { emulatorWords: 'KVM internal error. Suberror: 3\nextra data[0]: 0x80000b0e' }],
  ['kvm-refused', { emulatorWords: 'qemu: failed to initialize kvm: Device or resource busy' }],
  ['guest-panic', { console: 'Kernel panic - not syncing: Fatal exception', timedOut: true }],
  ['hang', { timedOut: true }],
  ['died', { emulatorWords: 'qemu-system-x86_64: something new' }],
];

test('the KVM probe names what it saw; only a process that ran on KVM makes it usable', () => {
  for (const [kind, seen] of KVM_CASES) {
    const finding = classifyKvm({ ...QUIET, ...seen });
    assert.is(finding.kind, kind);
    assert.is(finding.usable, kind === 'works');
    assert.ok(finding.reason.length > 10);
  }
});

test('auto falls back with the reason, kvm by name never falls back', () => {
  const broken = classifyKvm({ ...QUIET, timedOut: true });
  const fallen = decide('auto', broken);
  assert.is(fallen.got, 'tcg');
  assert.ok(fallen.reason.includes(broken.reason));
  assert.throws(() => decide('kvm', broken), /cannot be used/);
  assert.is(decide('kvm', classifyKvm({ ...QUIET, console: 'tare-guest: alive under KVM' })).got, 'kvm');
});

const SYMPTOMS: Symptoms = { during: 'while it booted', console: '', emulatorWords: '', exit: null };
const DIAGNOSES: [string, Partial<Symptoms>][] = [
  ['vm-kernel-panic', { console: '[ 1.0] Kernel panic - not syncing: VFS: no root' }],
  ['vm-guest-setup', { console: 'tare-guest: cannot mount=/dev/vdb,/data: No such device' }],
  ['vm-kvm-error', { emulatorWords: 'KVM internal error. Suberror: 1' }],
  ['vm-no-memory', { emulatorWords: "cannot set up guest memory 'pc.ram': Cannot allocate memory" }],
  ['vm-network-taken', { emulatorWords: 'could not configure /dev/net/tun (tap0): Device or resource busy' }],
  [
    'vm-disk-corrupt',
    { emulatorWords: 'qcow2: Marking image as corrupt: L2 table', console: 'tare-guest: cannot mount' },
  ],
  ['vm-disk-full', { emulatorWords: 'write failed: No space left on device' }],
  ['vm-killed', { exit: { exitCode: null, signal: 'SIGKILL' } }],
  ['vm-emulator-failed', { exit: { exitCode: 1, signal: null } }],
  ['vm-ended', { exit: { exitCode: 0, signal: null } }],
  ['vm-hang', {}],
];

test('every failure has one name, and the last words stand in it', () => {
  for (const [code, seen] of DIAGNOSES) {
    const error = diagnose({ ...SYMPTOMS, ...seen });
    assert.is(error.code, code);
    if (seen.console) assert.ok(error.message.includes(seen.console));
  }
});

test('block errors that QEMU reports are failures by name', () => {
  assert.is(diskFailure({ name: 'BLOCK_IMAGE_CORRUPTED', data: { msg: 'x' } })?.code, 'vm-disk-corrupt');
  assert.is(diskFailure({ name: 'BLOCK_IO_ERROR', data: { nospace: true } })?.code, 'vm-disk-full');
  assert.is(diskFailure({ name: 'BLOCK_IO_ERROR', data: { reason: 'EIO' } })?.code, 'vm-disk-error');
  assert.is(diskFailure({ name: 'STOP', data: {} }), undefined);
});

test('terminal control sequences do not reach a log', () => {
  assert.is(printable('\u001b[2J\u001b[01;01Hboot\r\nok\u0000'), 'boot\nok');
});

test('vCPUs one to one on the measured CPUs, the rest of the emulator off them', () => {
  assert.equal(pinPlan([11, 12], [10, 11, 12, 13], [2, 3], [0, 1]), [
    { tid: 11, cpus: [2] },
    { tid: 12, cpus: [3] },
    { tid: 10, cpus: [0, 1] },
    { tid: 13, cpus: [0, 1] },
  ]);
  assert.equal(pinPlan([11], [10, 11], [0], [])[1], { tid: 10, cpus: [0] }, 'no CPU to spare: shared');
  assert.equal(parseCpuList('0-2,5\n'), [0, 1, 2, 5]);
});

test('options that contradict each other are refused with the reason', () => {
  const wrong: Record<string, unknown>[] = [
    { format: 'raw', preallocation: 'metadata' },
    { format: 'raw', state: 'overlay' },
    { format: 'raw', lazyRefcounts: true },
    { aio: 'native', cache: 'writeback' },
    { clusterKiB: 65 },
    { unknown: 1 },
    { cpu: 'host; rm' },
  ];
  for (const given of wrong)
    assert.is(qemuOptionsSchema.safeParse(given).success, false, JSON.stringify(given));
});

test('a label says what differs from the defaults and no more', () => {
  assert.is(labelOf(options()), 'VM, qcow2');
  assert.is(
    labelOf(options({ format: 'raw', cache: 'writeback', network: 'user', start: 'cold' })),
    'VM, raw, cache writeback, slirp, cold boot',
  );
});

test('emulation, host caches, slirp and a saved state are said beside every number', () => {
  assert.equal(caveatsOf(options(), 'kvm'), []);
  assert.equal(caveatsOf(options({ cache: 'unsafe', network: 'user' }), 'tcg'), [
    'emulated (TCG)',
    'disk cached by the host (cache=unsafe)',
    'flushes ignored',
    'slirp network',
    'continues a saved state: its start-up time holds no boot',
  ]);
  assert.equal(caveatsOf(options({ start: 'cold' }), 'tcg'), ['emulated (TCG)']);
});

test('auto continues a saved state when emulated and boots under KVM', () => {
  assert.is(startsSaved(options(), 'tcg'), true);
  assert.is(startsSaved(options(), 'kvm'), false);
  assert.is(startsSaved(options({ start: 'cold' }), 'tcg'), false);
});

test('qemu-img’s creation options', () => {
  assert.equal(creationOptions(options({ format: 'raw' })), []);
  assert.equal(creationOptions(options({ preallocation: 'falloc', clusterKiB: 128, lazyRefcounts: true })), [
    'preallocation=falloc',
    'cluster_size=128k',
    'compat=1.1',
    'lazy_refcounts=on',
  ]);
});

function spec(given: Record<string, unknown> = {}): MachineSpec {
  return {
    emulator: { path: '/opt/qemu-system-x86_64', firmware: [] },
    accel: 'tcg',
    cpu: 'max',
    options: options(given),
    cpus: 1,
    memoryMiB: 512,
    boot: { kind: 'direct', kernel: '/k', initramfs: '/i', append: 'quiet' },
    rootDisk: '/root.qcow2',
    dataDisk: '/data,1.raw',
    sockets: { monitor: '/m', agent: '/a', guest: '/g', console: '/c' },
    network: { kind: 'tap', tapName: 'tap0', vhost: false, queues: 1 },
    mac: '52:54:00:00:00:01',
    memoryFile: null,
    incoming: false,
  };
}

test('exactly one accelerator is asked for, so that nothing can fall back', () => {
  const words = commandLine(spec());
  assert.is(words.filter((word) => word === '-accel').length, 1);
  assert.not.match(words.join(' '), /kvm:tcg|accel=/);
  assert.ok(words.includes('-no-reboot'));
});

test('the data disk has the format, cache and aio asked for, and its own words for its bus', () => {
  const text = commandLine(spec({ format: 'raw', cache: 'directsync', aio: 'native', iothread: true })).join(
    ' ',
  );
  assert.match(text, /file=\/data,,1\.raw,if=none,id=data,format=raw,cache=directsync,aio=native/);
  assert.match(text, /virtio-blk-pci,drive=data,iothread=io0/);
  const scsi = commandLine(spec({ bus: 'virtio-scsi', machine: 'microvm' })).join(' ');
  assert.match(scsi, /virtio-scsi-device,id=scsi0 -device scsi-hd,bus=scsi0\.0,drive=data/);
  assert.not.match(scsi, /-pci/);
});

test('what only some kernels are told: the counter’s frequency, requests to the first process', () => {
  assert.match(
    kernelAppend({ requests: ['mount=/dev/vdb,/data'], tscKhz: 2_600_000 }),
    /tsc_early_khz=2600000 .*tare\.mount=\/dev\/vdb,\/data$/,
  );
  assert.not.match(kernelAppend({ requests: [] }), /tsc_early_khz|undefined/);
});

test.run();
