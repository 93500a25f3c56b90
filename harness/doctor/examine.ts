import { statfs } from 'node:fs/promises';
import { packageVersion } from '../../results/package-root.ts';
import { losses } from '../../runtimes/container/rootless/abilities.ts';
import { ownDelegation } from '../../runtimes/container/rootless/cgroup-place.ts';
import { hostPrivilege } from '../../runtimes/container/rootless/privilege.ts';
import { findImage } from '../../runtimes/image/ensure-image.ts';
import { kvmVerdict } from '../../runtimes/qemu/kvm-verdict.ts';
import type { Catalog } from '../catalog.ts';
import { cgroupLayout } from '../host/cgroup-layout.ts';
import { hostLimits } from '../host/limits.ts';
import { quietWarnings } from '../host/quiet.ts';
import { readText } from '../host/read-text.ts';
import type { Paths } from '../run/paths.ts';
import { installHint, missingPackages, neededPackages } from '../setup/missing-packages.ts';

/** One thing `bench doctor` looked at. */
export interface Finding {
  what: string;
  /** good; limited: works, but a number will carry a caveat; missing: something cannot be used. */
  state: 'good' | 'limited' | 'missing';
  says: string;
  /** The command that mends it, where there is one. */
  remedy: string | null;
}

/** What a run needs on disk: image, disks and a trial's growth. */
const NEEDED_GIB = 4;

/** Looks at everything a run depends on. Changes nothing but the caches (the KVM probe boots a guest and keeps its verdict). */
export async function examine(catalog: Catalog, paths: Paths, signal: AbortSignal): Promise<Finding[]> {
  const findings: Finding[] = [
    {
      what: 'tare',
      state: 'good',
      says: `${packageVersion()} on Node.js ${process.versions.node}`,
      remedy: null,
    },
    privilege(),
    cpus(hostLimits().cpus),
    cgroups(),
    await packages(),
    await diskSpace(paths.cacheDir),
    await guestImage(paths.cacheDir),
  ];
  for (const runtime of catalog.runtimes) {
    const probe = await runtime.probe();
    findings.push(
      probe.available
        ? {
            what: `runtime ${runtime.id}`,
            state: 'good',
            says: probe.notes.join('; ') || runtime.summary,
            remedy: null,
          }
        : { what: `runtime ${runtime.id}`, state: 'missing', says: probe.reason, remedy: probe.remedy },
    );
  }
  findings.push(await accelerator(paths.cacheDir, signal));
  const noise = await quietWarnings(hostLimits().cpus);
  findings.push({
    what: 'quiet',
    state: noise.length > 0 ? 'limited' : 'good',
    says: noise.join('; ') || 'nothing else is using the CPUs',
    remedy:
      noise.length > 0 ? 'end other work before measuring; trials carry their own evidence either way' : null,
  });
  return findings;
}

/** An ordinary user measures natively and in containers; what he lacks is told line by line. VMs need root. */
function privilege(): Finding {
  const own = hostPrivilege();
  if (own.kind === 'root') return { what: 'privilege', state: 'good', says: 'root', remedy: null };
  const refusal = own.kind === 'user' ? own.refusal : null;
  return {
    what: 'privilege',
    state: 'limited',
    says: refusal
      ? `not root, and ${refusal.reason}`
      : ['not root', ...losses(own, ownDelegation()).notes].join('; '),
    remedy: refusal?.remedy ?? 'run bench as root for limits by cgroup and for virtual machines',
  };
}

function cpus(usable: readonly number[]): Finding {
  return usable.length > 1
    ? {
        what: 'CPUs',
        state: 'good',
        says: `${usable.length} usable; one or more kept free for the harness`,
        remedy: null,
      }
    : {
        what: 'CPUs',
        state: 'limited',
        says: 'one usable CPU: the harness and network peers share it with what is measured',
        remedy: 'measure on a machine with two or more CPUs',
      };
}

function cgroups(): Finding {
  const layout = cgroupLayout(readText('/proc/self/mounts') ?? '');
  const says = `cgroup ${layout.layout}${layout.favordynmods ? ', favordynmods on (numbers are not comparable with it off)' : ''}`;
  return layout.layout === 'none'
    ? {
        what: 'cgroups',
        state: 'missing',
        says: 'no cgroup hierarchy is mounted',
        remedy: 'mount -t cgroup2 none /sys/fs/cgroup',
      }
    : { what: 'cgroups', state: layout.favordynmods ? 'limited' : 'good', says, remedy: null };
}

async function packages(): Promise<Finding> {
  const missing = await missingPackages('run');
  const needed = neededPackages('run');
  return missing.length === 0
    ? {
        what: 'packages',
        state: 'good',
        says: `all ${Object.keys(needed).length} system packages are here`,
        remedy: null,
      }
    : {
        what: 'packages',
        state: 'missing',
        says: missing.map((name) => `${name} (${needed[name]})`).join(', '),
        remedy: installHint(missing),
      };
}

async function diskSpace(cacheDir: string): Promise<Finding> {
  const parent = await statfs(cacheDir).catch(() => statfs('/'));
  const gib = (parent.bavail * parent.bsize) / 2 ** 30;
  return {
    what: 'disk',
    state: gib < NEEDED_GIB ? 'missing' : 'good',
    says: `${gib.toFixed(0)} GiB free for ${cacheDir}`,
    remedy: gib < NEEDED_GIB ? `free ${NEEDED_GIB} GiB, or point TARE_CACHE at another disk` : null,
  };
}

async function guestImage(cacheDir: string): Promise<Finding> {
  const image = await findImage(cacheDir);
  return image
    ? {
        what: 'guest image',
        state: 'good',
        says: `Debian ${image.suite}, kernel ${image.kernelRelease}, ${image.digest.slice(0, 12)}`,
        remedy: null,
      }
    : {
        what: 'guest image',
        state: 'limited',
        says: 'not made yet (a first run makes it)',
        remedy: './bench setup',
      };
}

async function accelerator(cacheDir: string, signal: AbortSignal): Promise<Finding> {
  const image = await findImage(cacheDir);
  if (!image) {
    return {
      what: 'KVM',
      state: 'limited',
      says: 'not probed: the guest image is needed to boot a guest',
      remedy: './bench setup',
    };
  }
  const verdict = await kvmVerdict(image, cacheDir, signal);
  return verdict.usable
    ? { what: 'KVM', state: 'good', says: verdict.reason, remedy: null }
    : {
        what: 'KVM',
        state: 'limited',
        says: `cannot be used, VMs are EMULATED (TCG): ${verdict.reason}`,
        remedy:
          'measure VMs on hardware, or on a cloud machine with nested virtualisation, for numbers that are not emulation',
      };
}
