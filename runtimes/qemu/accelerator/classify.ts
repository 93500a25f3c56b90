/** What a guest booted on KVM did, or why none could be. */
export interface ProbeOutcome {
  /** errno name of opening /dev/kvm, null when it opened. */
  openError: string | null;
  /** QEMU's words on stderr. */
  emulatorWords: string;
  console: string;
  /** Ended by our deadline. */
  timedOut: boolean;
  deadlineMs: number;
}

export interface KvmFinding {
  usable: boolean;
  kind:
    | 'works'
    | 'no-device'
    | 'no-permission'
    | 'cannot-open'
    | 'msr'
    | 'emulation-failure'
    | 'internal-error'
    | 'kvm-refused'
    | 'guest-panic'
    | 'not-kvm'
    | 'hang'
    | 'died';
  /** One sentence for a person. */
  reason: string;
}

/** The probe's answer, from what was seen. KVM is believed only when a process in the guest said that it ran on it. */
export function classifyKvm(outcome: ProbeOutcome): KvmFinding {
  const { openError, emulatorWords: words, console, timedOut, deadlineMs } = outcome;
  const broken = (kind: KvmFinding['kind'], reason: string): KvmFinding => ({ usable: false, kind, reason });
  if (openError === 'ENOENT' || openError === 'ENODEV' || openError === 'ENXIO')
    return broken(
      'no-device',
      'this host has no /dev/kvm (no hardware virtualisation, or not passed through)',
    );
  if (openError === 'EACCES' || openError === 'EPERM')
    return broken('no-permission', 'this user may not open /dev/kvm');
  if (openError !== null) return broken('cannot-open', `/dev/kvm cannot be opened: ${openError}`);

  const signature = /tare-guest: alive under (.*)/.exec(console)?.[1]?.trim();
  if (signature?.startsWith('KVM'))
    return { usable: true, kind: 'works', reason: 'a guest booted on KVM and ran a process' };
  if (signature !== undefined)
    return broken(
      'not-kvm',
      `a guest asked to run on KVM says it ran under ${signature || 'something nameless'}`,
    );
  const msr = /failed to set MSR (0x[0-9a-f]+)|error: failed to (?:get|set) MSR (0x[0-9a-f]+)/.exec(words);
  if (msr)
    return broken('msr', `KVM does not let QEMU set the CPU's register (MSR) ${msr[1] ?? msr[2] ?? ''}`);
  if (/emulation failure/.test(words))
    return broken(
      'emulation-failure',
      'KVM gives up on the guest kernel: it emulates an instruction that it does not know (emulation failure)',
    );
  const suberror = /KVM internal error\.? ?(Suberror: \d+)?/.exec(words);
  if (suberror)
    return broken('internal-error', `KVM gives up on the guest (internal error ${suberror[1] ?? ''})`.trim());
  if (/Could not access KVM|failed to initialize|ioctl\(KVM_CREATE_VM\)|KVM_[A-Z_]+.*failed/.test(words))
    return broken('kvm-refused', `QEMU cannot use KVM: ${lastLine(words)}`);
  const panic = /Kernel panic - not syncing: (.*)/.exec(console)?.[1];
  if (panic) return broken('guest-panic', `the guest kernel panics on KVM: ${panic}`);
  if (timedOut)
    return broken(
      'hang',
      `a guest on KVM did not start a process within ${deadlineMs / 1000} s (${console.trim() ? 'it hung while booting' : 'it printed nothing'})`,
    );
  return broken(
    'died',
    `QEMU with KVM ended before the guest started a process: ${lastLine(words) || 'it said nothing'}`,
  );
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
