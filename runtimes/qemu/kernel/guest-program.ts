import { packagePath } from '../../../results/package-root.ts';
import { compileC } from '../../compile/compile-c.ts';
import { runTool } from '../run-tool.ts';

let measured: Promise<number> | undefined;

/** The guest's first process (guest/*.c), static, so that it runs in an initramfs that holds nothing else. */
export function ensureGuestProgram(cacheDir: string, signal?: AbortSignal): Promise<string> {
  const folder = packagePath('runtimes', 'qemu', 'guest');
  return compileC(cacheDir, { name: 'tare-guest', folder }, signal);
}

/** Frequency of the host's time stamp counter, kHz; an emulated guest's is the same. Measured once per process. */
export function hostTscKhz(guestProgram: string): Promise<number> {
  measured ??= runTool([guestProgram, 'tsc']).then(Number);
  return measured;
}
