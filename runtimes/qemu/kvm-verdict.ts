import { constants, mkdtemp, open, readFile, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import type { Image } from '../contract.ts';
import { diesWithUs, startPlan } from '../launch/launch.ts';
import { ensureLauncher } from '../launch/ensure-launcher.ts';
import { classifyKvm, type KvmFinding } from './accelerator/classify.ts';
import { consoleTail } from './control/console.ts';
import { digestOf } from '../compile/cached-file.ts';
import { KVM_PROBE_MEMORY_MIB, KVM_PROBE_TIMEOUT_MS } from './defaults.ts';
import { ensureBootFiles, type BootFiles } from './kernel/boot-files.ts';
import { kernelOfImage, type KernelSource } from './kernel/kernel-source.ts';
import { kernelAppend } from './machine/command-line.ts';
import { findEmulator, type EmulatorProgram } from './machine/emulator-program.ts';

/** The build of QEMU and the kernel that KVM is believed, or not, for. */
export interface ProbeSubject {
  emulator: EmulatorProgram;
  kernel: KernelSource;
}

const PROBE_MACHINE = 'pc';
const cachedSchema = z.object({ key: z.string(), finding: z.custom<KvmFinding>() });

/**
 * Whether KVM can be believed on this host: a guest was booted on it, with a deadline, and a process in that guest said
 * where it ran. Opening the device, or starting QEMU, proves nothing (RUNTIME.md, "Accelerator trap"). The verdict is
 * kept for this boot of the host, this QEMU and this kernel, each pair its own; `fresh` asks again.
 *
 * @param on which QEMU and kernel; without it the system's, and the image's own.
 */
export async function kvmVerdict(
  image: Image,
  cacheDir: string,
  signal?: AbortSignal,
  fresh = false,
  on?: ProbeSubject,
): Promise<KvmFinding> {
  const openError = await openKvm();
  if (openError !== null)
    return classifyKvm({ openError, emulatorWords: '', console: '', timedOut: false, deadlineMs: 0 });
  const emulator = on?.emulator ?? (await findEmulator({ machine: PROBE_MACHINE, accel: 'kvm' }));
  const kernel = on?.kernel ?? (await kernelOfImage(image));
  const key = digestOf(await bootId(), kernel.part.sha256, emulator.part.sha256, emulator.part.version ?? '');
  const file = join(
    cacheDir,
    'qemu',
    `kvm-verdict-${digestOf(emulator.part.sha256, kernel.part.sha256)}.json`,
  );
  const cached = fresh ? undefined : await readCached(file, key);
  if (cached) return cached;
  const boot = await ensureBootFiles(
    kernel,
    { transport: 'pci', scsi: false, balloon: false },
    cacheDir,
    signal,
  );
  const finding = await bootOnKvm(emulator, boot, cacheDir, signal);
  await mkdir(join(cacheDir, 'qemu'), { recursive: true });
  await writeFile(file, JSON.stringify({ key, finding }, null, 2) + '\n');
  return finding;
}

async function bootOnKvm(
  emulator: EmulatorProgram,
  boot: BootFiles,
  cacheDir: string,
  signal?: AbortSignal,
): Promise<KvmFinding> {
  const folder = await mkdtemp(join(tmpdir(), 'tare-kvm-'));
  const console = join(folder, 'console');
  try {
    const launched = await startPlan({
      launcher: await ensureLauncher(cacheDir),
      plan: [
        diesWithUs(),
        { op: 'session' },
        {
          op: 'exec',
          argv: probeArgv(emulator, boot, console),
          env: ['PATH=/usr/bin:/bin', 'LC_ALL=C'],
          search: 1,
        },
      ],
      timeoutMs: KVM_PROBE_TIMEOUT_MS,
      signal,
    });
    // After an internal error QEMU stays, stopped: its words are enough, there is nothing to wait for.
    const watch = setInterval(() => {
      if (/KVM internal error|emulation failure/.test(launched.stderr())) void launched.stop();
    }, 50);
    const exit = await launched.exited.finally(() => clearInterval(watch));
    return classifyKvm({
      openError: null,
      emulatorWords: exit.stderr,
      console: await consoleTail(console),
      timedOut: exit.timedOut,
      deadlineMs: KVM_PROBE_TIMEOUT_MS,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The machine that trials use, with nothing attached: exactly one accelerator is asked for, so nothing falls back. */
function probeArgv(emulator: EmulatorProgram, boot: BootFiles, console: string): string[] {
  return [
    emulator.path,
    ...emulator.firmware.flatMap((folder) => ['-L', folder]),
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
    ...['-machine', `${PROBE_MACHINE},usb=off,vmport=off,hpet=off`, '-accel', 'kvm', '-cpu', 'host'],
    ...['-m', String(KVM_PROBE_MEMORY_MIB)],
    ...['-kernel', boot.kernel, '-initrd', boot.initramfs],
    ...['-append', kernelAppend({ requests: ['probe'] })],
    ...['-serial', `file:${console}`],
  ];
}

async function openKvm(): Promise<string | null> {
  try {
    const file = await open('/dev/kvm', constants.O_RDWR);
    await file.close();
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

async function bootId(): Promise<string> {
  return readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => 'unknown');
}

async function readCached(file: string, key: string): Promise<KvmFinding | undefined> {
  try {
    const parsed = cachedSchema.safeParse(JSON.parse(await readFile(file, 'utf8')));
    return parsed.success && parsed.data.key === key ? parsed.data.finding : undefined;
  } catch {
    return undefined;
  }
}
