/** What the inside can tell about the machine it believes to be on. */
export interface VirtualizationHints {
  /** systemd-detect-virt --vm, or '' where there is none. */
  detected: string;
  cpuModel: string;
  flags: readonly string[];
  /** The available clock sources, separated by spaces. */
  clocksources: string;
  /** DMI system vendor and product, or ''. */
  vendor: string;
  product: string;
  /** /sys/hypervisor/type, or ''. */
  hypervisor: string;
}

/**
 * 'none', 'kvm', 'tcg', 'xen' … from whatever is readable. systemd calls QEMU without an accelerator 'qemu'; in Tare's words
 * that is 'tcg', and it is never called KVM (DESIGN, fairness 8). Without systemd the signs are, in this order: the CPU's
 * name (QEMU's emulated models name themselves), the paravirtual clock that only that hypervisor offers, DMI, and last the
 * CPUID hypervisor bit, which says 'some hypervisor' and no more.
 */
export function virtualizationOf(hints: VirtualizationHints): string {
  if (/\bTCG\b/.test(hints.cpuModel)) return 'tcg';
  if (hints.detected === 'qemu') return 'tcg';
  if (hints.detected !== '') return hints.detected;
  const clocks = hints.clocksources.split(/\s+/);
  if (clocks.includes('kvm-clock')) return 'kvm';
  if (clocks.some((clock) => clock.startsWith('hyperv_clocksource'))) return 'microsoft';
  if (hints.hypervisor !== '') return hints.hypervisor;
  const bit = hints.flags.includes('hypervisor');
  const qemu = hints.vendor === 'QEMU' || /QEMU Virtual CPU/.test(hints.cpuModel);
  if (qemu) return 'tcg'; // QEMU with KVM offers kvm-clock, which was looked for above
  if (/VMware/.test(hints.vendor)) return 'vmware';
  if (/innotek|VirtualBox/.test(hints.vendor + hints.product)) return 'oracle';
  return bit ? 'unknown hypervisor' : 'none';
}
