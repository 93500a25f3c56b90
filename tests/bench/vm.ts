import { execa, type ResultPromise } from 'execa';
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

/**
 * `npm run bench:vm [rounds]`: start of a VM until its first command could run, cold and from a saved state, by machine,
 * disk and network, medians, each contender once per round in turn; beside them the stock way (the distribution's kernel
 * with an initramfs of every virtio module, decompressing itself, until a shell). All emulated, so that they compare.
 */
const ROUNDS = Number(process.argv[2] ?? 5);
const MEMORY_MIB = 256;
const STOCK_TIMEOUT_MS = 60_000;

interface Contender {
  name: string;
  /** One start; times in ms, memory in MiB. */
  run(): Promise<Record<string, number>>;
}

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
    const contenders = [
      stock(image, scratchDir),
      await ours('cold boot, pc', { start: 'cold' }, image, context),
      await ours('cold boot, q35', { start: 'cold', machine: 'q35' }, image, context),
      await ours('cold boot, microvm', { start: 'cold', machine: 'microvm' }, image, context),
      await ours('saved state, pc, qcow2', { start: 'saved' }, image, context),
      await ours('saved state, pc, raw', { start: 'saved', format: 'raw' }, image, context),
      await ours('saved state, microvm, qcow2', { start: 'saved', machine: 'microvm' }, image, context),
      await ours(
        'saved state, microvm, raw',
        { start: 'saved', machine: 'microvm', format: 'raw' },
        image,
        context,
      ),
      await ours(
        'saved state, pc, scsi + iothread',
        { start: 'saved', bus: 'virtio-scsi', iothread: true },
        image,
        context,
      ),
      await ours('saved state, pc, slirp', { start: 'saved', network: 'user' }, image, context),
    ];
    await startTable(contenders);
  } finally {
    await rm(scratchDir, { recursive: true, force: true });
    await releaseOwner(owner);
  }
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
      }
    },
  };
}

/** What a student types: the distribution's kernel as it is packed, its own modules loaded by modprobe, a shell at the end. */
function stock(image: Image, scratchDir: string): Contender {
  return {
    name: 'stock: pc, vmlinuz, modprobe in a busybox initramfs, shell',
    async run() {
      const folder = await mkdtemp(join(scratchDir, 'stock-'));
      try {
        const initramfs = join(folder, 'initramfs');
        await execa('sh', ['-ec', STOCK_INITRAMFS, 'sh', image.rootfs, image.kernelRelease, initramfs]);
        const begun = performance.now();
        const qemu = execa(
          'qemu-system-x86_64',
          [
            ...[
              '-machine',
              'pc',
              '-accel',
              'tcg',
              '-m',
              String(MEMORY_MIB),
              '-display',
              'none',
              '-no-reboot',
            ],
            ...[
              '-kernel',
              join(image.rootfs, 'boot', `vmlinuz-${image.kernelRelease}`),
              '-initrd',
              initramfs,
            ],
            ...['-append', 'console=ttyS0', '-serial', 'stdio', '-monitor', 'none'],
          ],
          { timeout: STOCK_TIMEOUT_MS, reject: false },
        );
        await shellSays(qemu, 'READY-FOR-COMMANDS');
        const total = performance.now() - begun;
        qemu.kill('SIGKILL');
        await qemu;
        return { agent: total, total, pss: Number.NaN };
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

const STOCK_INITRAMFS = `
tree=$(mktemp -d); trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/bin" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/lib/modules/$2"
cp "$1/bin/busybox" "$tree/bin/busybox"; for each in sh modprobe mount echo; do ln -s busybox "$tree/bin/$each"; done
cp "$1/lib/modules/$2/modules.dep" "$tree/lib/modules/$2/"
for part in drivers/virtio drivers/block drivers/net drivers/char net/core drivers/scsi; do
  mkdir -p "$tree/lib/modules/$2/kernel/$part"; cp -r "$1/lib/modules/$2/kernel/$part/." "$tree/lib/modules/$2/kernel/$part/" 2>/dev/null || true
done
printf '#!/bin/sh\\nmount -t proc proc /proc\\nmount -t sysfs sys /sys\\nmount -t devtmpfs dev /dev\\nfor m in virtio_pci virtio_blk virtio_net virtio_console; do modprobe $m; done\\necho READY-FOR-COMMANDS\\nexec sh\\n' > "$tree/init"
chmod +x "$tree/init"
(cd "$tree"; find . | cpio -o -H newc --quiet | gzip -1 > "$3")
`;

function shellSays(qemu: ResultPromise, words: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    qemu.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.includes(words)) resolve();
    });
    void qemu.then(() => reject(new Error(`the stock VM ended before its shell: ${text.slice(-400)}`)));
  });
}

/** Each contender once per round, so that a disturbance hits all. */
async function startTable(contenders: Contender[]): Promise<void> {
  const seen = new Map<string, Record<string, number>[]>();
  for (let round = 0; round < ROUNDS; round++)
    for (const { name, run } of contenders) seen.set(name, [...(seen.get(name) ?? []), await run()]);
  console.log(
    `\nStart until the first command could run, ms, medians of ${ROUNDS} (emulated, ${MEMORY_MIB} MiB)`,
  );
  console.log(`${'agent answers'.padStart(14)}${'all put right'.padStart(15)}${'PSS MiB'.padStart(10)}`);
  for (const [name, times] of seen) {
    const column = (key: string): string => {
      const value = median(times.map((each) => each[key] ?? Number.NaN));
      return Number.isNaN(value) ? '–' : value.toFixed(0);
    };
    console.log(
      `${column('agent').padStart(14)}${column('total').padStart(15)}${column('pss').padStart(10)}  ${name}`,
    );
  }
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

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

await main();
