/** What a boot is told from: times since it was asked for (ms), and the guest's own, since its kernel began (µs). */
export interface BootTimes {
  placeMs: number;
  /** QEMU was executed, and its monitor answered. */
  executedMs: number;
  processMs: number;
  /** The guest kernel's clock began; undefined when the guest never said what its clock showed. */
  kernelBeganMs: number | undefined;
  agentMs: number;
  totalMs: number;
  /** From guest/boot.c: init, modules, root; from guest/join.c: userspace, joined. */
  phases: Readonly<Record<string, number>>;
}

/**
 * Where the start went, ms, in order and without overlap; what they leave of the total is the way to the first command.
 * Firmware is what lies between QEMU's monitor and the kernel's first tick: nothing in a direct boot, SeaBIOS or UEFI and
 * the boot loader else. A system that has no systemd does not say when its userspace began: its kernel's time holds both.
 */
export function bootPhases(times: BootTimes): Record<string, number> {
  const { placeMs, executedMs, processMs, kernelBeganMs, phases } = times;
  const joined = phases.joined !== undefined;
  const inside: Record<string, number> = joined
    ? {
        startKernelMs: (phases.userspace ?? phases.joined ?? 0) / 1000,
        ...(phases.userspace === undefined
          ? {}
          : { startUserspaceMs: ((phases.joined ?? 0) - phases.userspace) / 1000 }),
      }
    : {
        startKernelMs: (phases.init ?? 0) / 1000,
        startModulesMs: ((phases.modules ?? 0) - (phases.init ?? 0)) / 1000,
        startRootMs: ((phases.root ?? 0) - (phases.modules ?? 0)) / 1000,
      };
  return {
    startPlaceMs: placeMs,
    startProcessMs: processMs - executedMs,
    ...(kernelBeganMs === undefined ? {} : { startFirmwareMs: Math.max(0, kernelBeganMs - processMs) }),
    ...inside,
    startTotalMs: times.totalMs,
  };
}
