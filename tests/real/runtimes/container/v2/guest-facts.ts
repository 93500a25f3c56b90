import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createCgroup,
  listCgroups,
  removeEmptyParent,
  type Cgroup,
} from '../../../../../runtimes/cgroup/cgroup.ts';
import { DEFAULT_DEVICE_RULES, DENY_ALL } from '../../../../../runtimes/cgroup/device-rules.ts';
import { hierarchies, hostLayout, layoutName } from '../../../../../runtimes/cgroup/layout.ts';
import { containerRuntime } from '../../../../../runtimes/container/container-runtime.ts';
import { readStats } from '../../../../../runtimes/container/oci/stats.ts';
import { processStartTime } from '../../../../../runtimes/sweep/owner.ts';
import { OWNER, planBox, runBox, SCRATCH, withBox } from './guest-box.ts';

/** What is to be found out in the guest; the host's test judges it. Every value comes from the product's code or the kernel. */
export type Facts = Record<string, unknown>;

const read = (cgroup: Cgroup, file: string): string =>
  readFileSync(join(cgroup.folders[0] ?? '', file), 'utf8').trim();
/** The root disk: a device of the guest that a container must not open. */
const DISK = ((): { major: number; minor: number } => {
  const { rdev } = statSync('/dev/vda');
  return { major: (rdev >> 8) & 0xfff, minor: rdev & 0xff };
})();
const BUSY = 'end=$(($(date +%s%N) + 1500000000)); while [ $(date +%s%N) -lt $end ]; do :; done';
const openDisk = `mknod /disk b ${DISK.major} ${DISK.minor} && head -c4 /disk | wc -c; head -c2 /dev/zero | wc -c`;

export function factsOf(launcher: string): Record<string, () => Promise<unknown>> {
  return {
    layout: () => Promise.resolve({ name: layoutName(hostLayout()), mounts: hierarchies(hostLayout()) }),

    limits: async () => {
      const cgroup = createCgroup(OWNER, 'limits', {
        cpuset: [1],
        memoryMiB: 64,
        memoryReservationBytes: 16 << 20,
        pids: 33,
        cpus: 0.5,
        cpuShares: 512,
        deviceLimits: [{ kind: 'wbps', ...DISK, rate: 1 << 20 }],
        unified: { 'memory.high': String(48 << 20) },
      });
      try {
        const files = [
          'cpuset.cpus',
          'cpuset.cpus.effective',
          'memory.max',
          'memory.low',
          'memory.high',
          'pids.max',
          'cpu.max',
          'cpu.weight',
          'io.max',
        ];
        const seen: Facts = Object.fromEntries(files.map((file) => [file, read(cgroup, file)]));
        cgroup.setLimits({ memoryMiB: 96, pids: -1 });
        return {
          ...seen,
          later: [read(cgroup, 'memory.max'), read(cgroup, 'pids.max')],
          notes: cgroup.notes,
        };
      } finally {
        await cgroup.destroy();
      }
    },

    /** Born into its cgroup: nothing in the plan moves it there, and both sides see it there. */
    birth: () =>
      withBox(
        { launcher, script: 'cat /proc/self/cgroup; nproc; sleep 30', limits: { cpuset: [1] } },
        async ({ cgroup, plan }, running) => {
          while (!running.stdout().includes('\n1\n')) await sleep(20);
          return {
            moves: plan.filter(({ op }) => op === 'join-cgroup' || op === 'attach-child').length,
            outside: readFileSync(`/proc/${running.pid}/cgroup`, 'utf8').trim(),
            inside: running.stdout(),
            path: cgroup.path,
            pids: cgroup.pids().includes(running.pid),
            parentPids: cgroup.pids().includes(running.launcherPid),
          };
        },
      ),

    throttle: async () => {
      const { seen } = await runBox({ launcher, script: BUSY, limits: { cpus: 0.2 } }, (cgroup) => ({
        throttledMs: cgroup.throttledMs(),
        cpuMs: cgroup.cpuMs(),
      }));
      return seen;
    },

    stats: async () => {
      const script = `${BUSY}; dd if=/dev/zero of=/written bs=1M count=8 oflag=direct 2>/dev/null; dd if=/written of=/dev/null bs=1M iflag=direct 2>/dev/null`;
      const { seen } = await runBox({ launcher, script, limits: { memoryMiB: 128, pids: 50 } }, (cgroup) => ({
        cost: cgroup.cost(null),
        stats: readStats(cgroup),
      }));
      return seen;
    },

    oom: async () => {
      const { said, seen } = await runBox(
        { launcher, script: `perl -e '$x = "a" x (200 << 20)'; echo "after: $?"`, limits: { memoryMiB: 48 } },
        (cgroup) => cgroup.oomKills(),
      );
      return { said, kills: seen };
    },

    forkBomb: async () => {
      const script = 'i=0; while [ $i -lt 40 ]; do sleep 5 & i=$((i+1)); done; echo never';
      const { said, seen } = await runBox({ launcher, script, limits: { pids: 12 } }, (cgroup) =>
        read(cgroup, 'pids.events'),
      );
      return { said, events: seen };
    },

    freeze: () =>
      withBox({ launcher, script: 'while :; do :; done' }, async ({ cgroup }) => {
        await cgroup.freeze(true);
        const before = cgroup.cpuMs();
        await sleep(400);
        const frozen = cgroup.cpuMs() - before;
        const state = read(cgroup, 'cgroup.events');
        await cgroup.freeze(false);
        await sleep(400);
        return { frozen, thawed: cgroup.cpuMs() - before - frozen, state };
      }),

    /** A frozen container is killed and removed all the same. */
    killFrozen: async () => {
      const folder = await withBox({ launcher, script: 'while :; do :; done' }, async ({ cgroup }) => {
        await cgroup.freeze(true);
        await cgroup.killAll();
        return cgroup.folders[0] ?? '';
      });
      return { left: existsSync(folder) };
    },

    devices: async () => {
      const rules = [DENY_ALL, ...DEFAULT_DEVICE_RULES];
      const run = async (devices: Parameters<typeof runBox>[0]['devices']): Promise<string> =>
        (await runBox({ launcher, script: openDisk, limits: {}, devices }, () => null)).said;
      return {
        without: await run(null),
        denied: await run(rules),
        allowed: await run([...rules, { allow: true, type: 'b', ...DISK, access: 'r' }]),
        onlyWrite: await run([...rules, { allow: true, type: 'b', ...DISK, access: 'w' }]),
        otherMinor: await run([
          ...rules,
          { allow: true, type: 'b', major: DISK.major, minor: DISK.minor + 1, access: 'rwm' },
        ]),
      };
    },

    /** The arm itself: start, exec, pause, cost, out of memory, destroy. */
    arm: async () => {
      const scratchDir = join(SCRATCH, 'arm');
      mkdirSync(scratchDir, { recursive: true });
      const resources = { cpus: 1, memoryMiB: 96, cpuset: [1], housekeeping: [0] };
      const image = {
        digest: '0'.repeat(64),
        rootfs: '/',
        kernelRelease: '',
        suite: 'bookworm',
        packages: {},
      };
      const context = {
        owner: OWNER,
        cacheDir: '/opt/tare/cache',
        scratchDir,
        resources,
        signal: new AbortController().signal,
        log: () => undefined,
      };
      const prepared = await containerRuntime.prepare(image, {}, context);
      const box = await prepared.start('arm', resources);
      const sh = async (script: string): Promise<string> => {
        const { stdout, stderr } = await box.exec(['sh', '-c', script], { timeoutMs: 60_000 });
        return (stdout + stderr).trim();
      };
      try {
        const inside = await sh('cat /proc/self/cgroup; nproc; ip -4 -o addr show eth0 | wc -l');
        const device = await sh(openDisk);
        await box.pause?.();
        await box.resume?.();
        const hog = await box.exec(['perl', '-e', '$x = "a" x (300 << 20)'], { timeoutMs: 60_000 });
        return {
          facts: box.facts(),
          inside,
          device,
          hog: hog.signal,
          words: await box.lastWords(),
          cost: await box.usage(),
          throttledMs: await box.throttledMs(),
        };
      } finally {
        await box.destroy();
      }
    },

    /** After all of the above: nothing of ours is left in the hierarchy, no process either. */
    left: async () => {
      const box = planBox({ launcher, script: 'true' });
      const during = listCgroups().length;
      await box.cgroup.destroy();
      const after = listCgroups();
      removeEmptyParent();
      const names = readdirSync('/sys/fs/cgroup', { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name);
      return { during, after, names, self: processStartTime(process.pid) !== undefined };
    },
  };
}

/** Every fact by name, or the error that stood in its way. */
export async function findOut(launcher: string, file: string): Promise<void> {
  const found: Facts = {};
  for (const [name, fact] of Object.entries(factsOf(launcher))) {
    try {
      found[name] = await fact();
    } catch (error) {
      found[name] = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    writeFileSync(file, JSON.stringify(found));
  }
}
