import { execa } from 'execa';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { machinePaths } from '../../harness/run/paths.ts';
import { hostLimits } from '../../harness/host/limits.ts';
import type { Resources } from '../../results/record/plan.ts';
import type { Image, RuntimeContext } from '../../runtimes/contract.ts';
import { ensureImage } from '../../runtimes/image/ensure-image.ts';
import { ensureDataTemplate, makeDataDisk } from '../../runtimes/qemu/disks/data-disk.ts';
import { ensureRootDisk } from '../../runtimes/qemu/disks/root-disk.ts';
import { qemuOptionsSchema } from '../../runtimes/qemu/options.ts';
import { qemuRuntime } from '../../runtimes/qemu/qemu-runtime.ts';
import { registerOwner, releaseOwner } from '../../runtimes/sweep/owner.ts';
import { inTurn, printRatios, printStarts, type Contender } from './vm/start-table.ts';
import { busyboxBoot, distributionBoot } from './vm/stock.ts';

/**
 * `npm run bench:vm [rounds]`: start of a VM until its first command could run, medians, each contender once per round in
 * turn. First machines and disk formats, cold and from a saved state, beside two stock configurations; then what each
 * option of the network and of the disk adds to a cold boot and to a start from a saved state. All emulated, so that
 * they compare.
 */
const ROUNDS = Number(process.argv[2] ?? 5);
const MEMORY_MIB = 256;
/** Small, so that the rows which write the whole disk ahead do not make this take hours. */
const OPTION_DISK_MIB = 256;

/** Rows of the second part: what differs from the defaults, and whether a cold boot is measured with it too. */
const OPTIONS: [string, Record<string, unknown>, 'cold too' | 'saved only'][] = [
  ['default: tap, qcow2, virtio-blk, cache none', {}, 'cold too'],
  ['network: bridge', { network: 'bridge' }, 'cold too'],
  ['network: passt', { network: 'passt' }, 'cold too'],
  ['network: user', { network: 'user' }, 'cold too'],
  ['mtu: 9000', { mtu: 9000 }, 'cold too'],
  ['format: raw', { format: 'raw' }, 'cold too'],
  ['preallocation: metadata', { preallocation: 'metadata' }, 'saved only'],
  ['preallocation: falloc', { preallocation: 'falloc' }, 'cold too'],
  ['preallocation: full', { preallocation: 'full' }, 'cold too'],
  ['format: raw, preallocation: full', { format: 'raw', preallocation: 'full' }, 'saved only'],
  ['state: written', { state: 'written' }, 'cold too'],
  ['state: overlay', { state: 'overlay' }, 'cold too'],
  ['clusterKiB: 2048', { clusterKiB: 2048 }, 'saved only'],
  ['lazyRefcounts: true', { lazyRefcounts: true }, 'saved only'],
  ['cache: writeback', { cache: 'writeback' }, 'saved only'],
  ['cache: writethrough', { cache: 'writethrough' }, 'cold too'],
  ['cache: directsync', { cache: 'directsync' }, 'saved only'],
  ['cache: unsafe', { cache: 'unsafe' }, 'saved only'],
  ['aio: native', { aio: 'native' }, 'cold too'],
  ['aio: io_uring', { aio: 'io_uring' }, 'cold too'],
  ['discard: unmap', { discard: 'unmap' }, 'saved only'],
  ['bus: virtio-scsi', { bus: 'virtio-scsi' }, 'cold too'],
  ['iothread: true', { iothread: true }, 'cold too'],
];

async function main(): Promise<void> {
  const { cacheDir, scratchRoot } = machinePaths();
  await mkdir(scratchRoot, { recursive: true });
  const scratchDir = await mkdtemp(join(scratchRoot, 'tare-benchvm-'));
  const owner = basename(scratchDir)
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, '');
  const cpus = hostLimits().cpus;
  const resources: Resources = {
    cpus: 1,
    memoryMiB: MEMORY_MIB,
    cpuset: cpus.slice(-1),
    housekeeping: cpus.slice(0, -1),
  };
  await registerOwner(owner, scratchDir);
  try {
    const image = await ensureImage(cacheDir, (line) => console.error(line));
    const context: RuntimeContext = {
      owner,
      resources,
      cacheDir,
      scratchDir,
      signal: new AbortController().signal,
      log: () => undefined,
    };
    await diskTable(image, scratchDir);
    await startTable(image, context);
    await optionTables(image, context);
  } finally {
    await rm(scratchDir, { recursive: true, force: true });
    await releaseOwner(owner);
  }
}

async function startTable(image: Image, context: RuntimeContext): Promise<void> {
  const { cacheDir, scratchDir } = context;
  const request = { image, cacheDir, scratchDir, memoryMiB: MEMORY_MIB };
  const made = (name: string, options: Record<string, unknown>): Promise<Contender> =>
    ours(name, options, image, context);
  const contenders = [
    await distributionBoot(request),
    await busyboxBoot(request),
    await made('cold boot, pc', { start: 'cold' }),
    await made('cold boot, q35', { start: 'cold', machine: 'q35' }),
    await made('cold boot, microvm', { start: 'cold', machine: 'microvm' }),
    await made('saved state, pc, qcow2', { start: 'saved' }),
    await made('saved state, pc, raw', { start: 'saved', format: 'raw' }),
    await made('saved state, microvm, qcow2', { start: 'saved', machine: 'microvm' }),
    await made('saved state, microvm, raw', { start: 'saved', machine: 'microvm', format: 'raw' }),
  ];
  printStarts(
    `Start until the first command could run, ms, medians of ${ROUNDS} (emulated, ${MEMORY_MIB} MiB)`,
    await inTurn(contenders, ROUNDS),
  );
}

async function optionTables(image: Image, context: RuntimeContext): Promise<void> {
  const over: string[] = [];
  for (const start of ['cold', 'saved'] as const) {
    const contenders: Contender[] = [];
    for (const [name, options, when] of OPTIONS)
      if (start === 'saved' || when === 'cold too')
        contenders.push(await ours(name, { diskMiB: OPTION_DISK_MIB, start, ...options }, image, context));
    const what = start === 'cold' ? 'a cold boot' : 'a start from a saved state';
    const title = `What an option adds to ${what}, until all is put right, medians of ${ROUNDS} (emulated, pc)`;
    const names = printRatios(title, await inTurn(contenders, ROUNDS));
    over.push(...names.map((name) => `${name} (${start})`));
  }
  console.log(
    over.length === 0
      ? '\nNo option adds more than 10 %.'
      : `\nMore than 10 % is added by: ${over.join(', ')}.`,
  );
}

/** Times of one start by our runtime, ms: until the agent answered, and until network, clock and data disk were right too. */
async function ours(
  name: string,
  options: Record<string, unknown>,
  image: Image,
  context: RuntimeContext,
): Promise<Contender> {
  const parsed = qemuOptionsSchema.parse({ accel: 'tcg', ...options });
  const prepared = await qemuRuntime.prepare(image, parsed, context);
  return {
    name,
    async run() {
      const vm = await prepared.start('bench', context.resources);
      try {
        const facts = vm.facts();
        const total = Number(facts.startTotalMs);
        const agent =
          facts.startAgentMs === undefined
            ? total
            : total - Number(facts.startPutRightMs) + Number(facts.startAgentMs);
        const { memoryPssBytes } = await vm.usage();
        return { agent, total, pss: (memoryPssBytes ?? 0) / 2 ** 20 };
      } finally {
        await vm.destroy();
        await prepared.restock?.();
      }
    },
  };
}

/** Making the disks from the root filesystem in an empty cache, and one trial's data disk. */
async function diskTable(image: Image, scratchDir: string): Promise<void> {
  const cold = join(scratchDir, 'cold-cache');
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const begun = performance.now();
    await work();
    return performance.now() - begun;
  };
  console.log('Disks, ms');
  let root = '';
  const rootMs = await timed(async () => (root = await ensureRootDisk(image, cold)));
  console.log(`${rootMs.toFixed(0).padStart(14)}  root disk (ext4, raw) from the image's tree`);
  const asQcow2 = join(scratchDir, 'root.qcow2');
  const convertMs = await timed(() =>
    execa('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', root, asQcow2]),
  );
  console.log(`${convertMs.toFixed(0).padStart(14)}  the same converted to qcow2`);
  for (const format of ['qcow2', 'raw'] as const) {
    const options = qemuOptionsSchema.parse({ format });
    const template = await ensureDataTemplate(options, cold);
    const to = join(scratchDir, `data.${format}`);
    const ms = await timed(() => makeDataDisk(template, to));
    const kib = ((await stat(to)).blocks * 512) / 1024;
    console.log(
      `${ms.toFixed(0).padStart(14)}  a trial's data disk, ${format}, 4 GiB (${kib.toFixed(0)} KiB allocated)`,
    );
  }
}

await main();
