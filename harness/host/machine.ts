import { createHash } from 'node:crypto';
import systeminformation from 'systeminformation';
import type { Machine } from '../../results/record/host.ts';
import { cgroupLayout } from './cgroup-layout.ts';
import { diskOfPath, type DiskOfPath } from './disk-of-path.ts';
import { readText, type ReadText } from './read-text.ts';

type Facts = Machine['system'];

/** What systeminformation finds by spawning; the rest is read from /proc and /sys. */
export interface SpawnedFacts {
  cpu: { manufacturer: string; brand: string; physicalCores: number; cache: Record<string, number | ''> };
  os: { distro: string; release: string };
  hypervisor: string;
}

/**
 * The facts that must be equal for two runs' numbers to be comparable. Left out on purpose: what a run may change or what
 * changes by itself (load, disk fill), and what would name the person's machine (host name, serial numbers).
 */
const MUST_MATCH = [
  'cpuModel',
  'cpuFamilyModelStepping',
  'cpuMicrocode',
  'cpuCores',
  'cpuThreads',
  'cacheL1dKiB',
  'cacheL2KiB',
  'cacheL3KiB',
  'memoryGiB',
  'kernel',
  'architecture',
  'distribution',
  'hypervisor',
  'governor',
  'turbo',
  'smt',
  'transparentHugepages',
  'cgroup',
  'favordynmods',
  'swapMiB',
  'clocksource',
  'mitigations',
  'diskDevice',
  'diskKind',
  'filesystem',
] as const;

/** The machine now, with the disk under `path` (where instances keep their data). Spawns: never call it in a timed window. */
export async function readMachine(path: string): Promise<Machine> {
  const [cpu, os, system] = await Promise.all([
    systeminformation.cpu(),
    systeminformation.osInfo(),
    systeminformation.system(),
  ]);
  const spawned: SpawnedFacts = {
    cpu: { ...cpu, cache: { ...cpu.cache } },
    os,
    hypervisor: system.virtual ? system.virtualHost || 'unknown hypervisor' : 'none',
  };
  const facts = machineFacts(readText, spawned, diskOfPath(path));
  return {
    takenAt: new Date().toISOString(),
    fingerprint: fingerprintOf(facts),
    system: facts,
    load1: Number.parseFloat(readText('/proc/loadavg') ?? '') || 0,
  };
}

/** sha256 over the facts that must match, by name, so that the order in which they were read does not matter. */
export function fingerprintOf(facts: Facts): string {
  const chosen = MUST_MATCH.map((name) => [name, facts[name] ?? null]);
  return createHash('sha256').update(JSON.stringify(chosen)).digest('hex');
}

/** The facts that must match and do not, in words: what 'not comparable' is about. */
export function fingerprintDifferences(a: Facts, b: Facts): string[] {
  return MUST_MATCH.filter((name) => (a[name] ?? null) !== (b[name] ?? null)).map(
    (name) => `${name}: ${String(a[name] ?? 'unknown')} / ${String(b[name] ?? 'unknown')}`,
  );
}

/** All facts, flat and printable. Null is 'not readable here', which is itself compared. */
export function machineFacts(read: ReadText, spawned: SpawnedFacts, disk: DiskOfPath): Facts {
  const cpuinfo = read('/proc/cpuinfo') ?? '';
  const field = (name: string) => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(cpuinfo)?.[1]?.trim() ?? null;
  const meminfo = read('/proc/meminfo') ?? '';
  const kib = (name: string) =>
    Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(meminfo)?.[1] ?? Number.NaN);
  const cpu0 = '/sys/devices/system/cpu/cpu0/cpufreq';
  const cacheKiB = (bytes: number | '' | undefined) => (bytes ? Math.round(bytes / 1024) : null);
  const { layout, favordynmods } = cgroupLayout(read('/proc/self/mounts') ?? '');
  const kernel = read('/proc/sys/kernel/osrelease');
  return {
    cpuModel: field('model name') ?? ([spawned.cpu.manufacturer, spawned.cpu.brand].join(' ').trim() || null),
    cpuFamilyModelStepping: [field('cpu family'), field('model'), field('stepping')].join('/'),
    cpuMicrocode: field('microcode'),
    cpuCores: spawned.cpu.physicalCores || null,
    cpuThreads: cpuinfo.match(/^processor\s*:/gm)?.length ?? null,
    cacheL1dKiB: cacheKiB(spawned.cpu.cache['l1d']),
    cacheL2KiB: cacheKiB(spawned.cpu.cache['l2']),
    cacheL3KiB: cacheKiB(spawned.cpu.cache['l3']),
    // In whole GiB: the kernel's own share of it changes from boot to boot.
    memoryGiB: finite(Math.round(kib('MemTotal') / 1024 ** 2)),
    memoryMiB: finite(Math.round(kib('MemTotal') / 1024)),
    swapMiB: finite(Math.round(kib('SwapTotal') / 1024)),
    kernel,
    architecture: process.arch,
    distribution: `${spawned.os.distro} ${spawned.os.release}`.trim(),
    hypervisor: spawned.hypervisor,
    governor: read(`${cpu0}/scaling_governor`),
    turbo: turbo(read),
    smt: read('/sys/devices/system/cpu/smt/control'),
    transparentHugepages:
      /\[(\w+)\]/.exec(read('/sys/kernel/mm/transparent_hugepage/enabled') ?? '')?.[1] ?? null,
    cgroup: layout,
    favordynmods,
    clocksource: read('/sys/devices/system/clocksource/clocksource0/current_clocksource'),
    mitigations: mitigations(read),
    diskDevice: disk.device,
    diskKind: disk.kind,
    filesystem: disk.filesystem,
    node: process.version,
  };
}

/** Intel's driver says no_turbo, all others boost; null where the kernel does not say (a guest, for one). */
function turbo(read: ReadText): string | null {
  const noTurbo = read('/sys/devices/system/cpu/intel_pstate/no_turbo');
  if (noTurbo !== null) return noTurbo === '1' ? 'off' : 'on';
  const boost = read('/sys/devices/system/cpu/cpufreq/boost');
  return boost === null ? null : boost === '1' ? 'on' : 'off';
}

/** The flaws that are mitigated at a cost, and those left open; 'Not affected' costs nothing and is left out. */
const FLAWS = [
  'gather_data_sampling',
  'indirect_target_selection',
  'itlb_multihit',
  'l1tf',
  'mds',
  'meltdown',
  'mmio_stale_data',
  'reg_file_data_sampling',
  'retbleed',
  'spec_rstack_overflow',
  'spec_store_bypass',
  'spectre_v1',
  'spectre_v2',
  'srbds',
  'tsa',
  'tsx_async_abort',
  'vmscape',
];

function mitigations(read: ReadText): string {
  const told = FLAWS.flatMap((flaw) => {
    const state = read(`/sys/devices/system/cpu/vulnerabilities/${flaw}`);
    return state === null || state === 'Not affected' ? [] : [`${flaw}: ${state}`];
  });
  return told.join(' | ') || 'none reported';
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
