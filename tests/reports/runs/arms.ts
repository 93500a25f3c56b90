import type { Arm } from '../../../results/record/plan.ts';
import type { Inside } from '../../../results/record/trial.ts';

/** An arm with the behaviour the fixture gives it. */
export interface FixtureArm {
  arm: Arm;
  startMs: number;
  destroyMs: number;
  /** Host memory of the idle box, bytes. */
  idlePssBytes: number;
  idleDiskBytes: number | null;
  facts: Record<string, string | number | boolean>;
  inside: Pick<
    Inside,
    'virtualization' | 'kernel' | 'clocksource' | 'cpuModel' | 'memTotalMiB' | 'memoryLimitMiB'
  >;
  cpuFlagCount: number;
}

const MIB = 2 ** 20;
const hostInside = {
  kernel: '6.18.0',
  clocksource: 'kvm-clock',
  cpuModel: 'Intel Xeon Processor (Skylake, IBRS)',
  memTotalMiB: 24_105,
  memoryLimitMiB: 512,
};
const guestInside = {
  virtualization: 'tcg',
  kernel: '6.1.0-40-cloud-amd64',
  clocksource: 'tsc',
  cpuModel: 'QEMU TCG CPU version 2.5+',
  memTotalMiB: 468,
  memoryLimitMiB: null,
};
const boot = {
  startPlaceMs: 16,
  startProcessMs: 190,
  startKernelMs: 1540,
  startModulesMs: 600,
  startRootMs: 32,
  startTotalMs: 3090,
};

export const fixtureArms: FixtureArm[] = [
  {
    arm: { id: 'native', label: 'Native', runtime: 'native', options: {}, caveats: [], emulated: false },
    startMs: 14,
    destroyMs: 6,
    idlePssBytes: 0.4 * MIB,
    idleDiskBytes: null,
    facts: { networkPath: 'loopback' },
    inside: { ...hostInside, virtualization: 'none' },
    cpuFlagCount: 112,
  },
  {
    arm: {
      id: 'container',
      label: 'Container',
      runtime: 'container',
      options: {},
      caveats: [],
      emulated: false,
    },
    startMs: 23,
    destroyMs: 31,
    idlePssBytes: 0.9 * MIB,
    idleDiskBytes: 20_480,
    facts: { networkPath: 'veth' },
    inside: { ...hostInside, virtualization: 'none' },
    cpuFlagCount: 112,
  },
  {
    arm: {
      id: 'vm-qcow2',
      label: 'VM, qcow2',
      runtime: 'qemu',
      options: { disk: 'qcow2', accel: 'auto' },
      caveats: ['emulated (TCG): KVM does not run a stock kernel here'],
      emulated: true,
    },
    startMs: 3120,
    destroyMs: 84,
    idlePssBytes: 187 * MIB,
    idleDiskBytes: 1.2 * MIB,
    facts: { accelerator: 'tcg', disk: 'qcow2', networkPath: 'virtio-net + tap', ...boot },
    inside: guestInside,
    cpuFlagCount: 71,
  },
  {
    arm: {
      id: 'vm-raw',
      label: 'VM, raw disk',
      runtime: 'qemu',
      options: { disk: 'raw', accel: 'auto' },
      caveats: ['emulated (TCG): KVM does not run a stock kernel here'],
      emulated: true,
    },
    startMs: 3080,
    destroyMs: 79,
    idlePssBytes: 185 * MIB,
    idleDiskBytes: 620 * MIB,
    facts: { accelerator: 'tcg', disk: 'raw', networkPath: 'virtio-net + tap', ...boot },
    inside: guestInside,
    cpuFlagCount: 71,
  },
];
