import { BenchError } from '../../../results/bench-error.ts';

/** What is known when a guest did not do what it should. */
export interface Symptoms {
  /** What was being waited for: 'boot', 'run a command'. */
  during: string;
  console: string;
  /** QEMU's own words on stderr. */
  emulatorWords: string;
  /** How QEMU ended; null while it runs. */
  exit: { exitCode: number | null; signal: string | null } | null;
  /** The error that was noticed first, if it says more. */
  cause?: unknown;
}

/** One failure by name, from everything that is known; the console's last words stand in the message. */
export function diagnose(symptoms: Symptoms): BenchError {
  const { console: words, emulatorWords, exit, cause } = symptoms;
  const fail = (code: string, what: string, hint?: string): BenchError =>
    new BenchError(code, withLastWords(what, words, emulatorWords), { hint, cause });

  const own = /tare-guest: cannot (.*)/.exec(words)?.[1];
  const panic = /Kernel panic - not syncing: (.*)/.exec(words)?.[1];
  if (/KVM internal error/.test(emulatorWords))
    return fail(
      'vm-kvm-error',
      `KVM gave up on the guest: ${firstLine(emulatorWords, /KVM internal error/)}`,
    );
  if (/Cannot allocate memory|cannot set up guest memory/.test(emulatorWords))
    return fail('vm-no-memory', 'the host has not enough memory for the guest', 'make memoryMiB smaller');
  if (/No space left on device/.test(emulatorWords))
    return fail('vm-disk-full', "the host's disk is full", 'free some space, or make diskMiB smaller');
  if (/could not configure .*tap|Device or resource busy|TUNSETIFF/.test(emulatorWords))
    return fail(
      'vm-network-taken',
      `the network device is taken: ${firstLine(emulatorWords, /tap|TUNSETIFF|busy/)}`,
    );
  if (
    /[Ii]mage is corrupt|not in (qcow2|raw) format|[Mm]arking image as corrupt|marked corrupt|Image is not in/.test(
      emulatorWords,
    )
  )
    return fail(
      'vm-disk-corrupt',
      `a disk image is damaged: ${firstLine(emulatorWords, /orrupt|format|dirty/)}`,
    );
  if (own) return fail('vm-guest-setup', `the guest could not ${own}`);
  if (panic) return fail('vm-kernel-panic', `the guest's kernel panicked: ${panic}`);
  if (exit?.signal) return fail('vm-killed', `QEMU was killed by ${exit.signal} ${symptoms.during}`);
  if (exit && exit.exitCode !== 0)
    return fail('vm-emulator-failed', `QEMU ended with exit code ${exit.exitCode} ${symptoms.during}`);
  if (exit) return fail('vm-ended', `the guest shut down by itself ${symptoms.during}`);
  if (cause instanceof BenchError) return fail(cause.code, cause.message, cause.hint);
  return fail('vm-hang', `the guest did not answer ${symptoms.during}`);
}

function firstLine(text: string, pattern: RegExp): string {
  return (
    text
      .split('\n')
      .find((line) => pattern.test(line))
      ?.trim() ?? ''
  );
}

function withLastWords(what: string, console: string, emulator: string): string {
  const tail = (text: string, lines: number): string => text.trim().split('\n').slice(-lines).join('\n');
  return [
    what,
    ...(emulator.trim() ? [`QEMU said:\n${tail(emulator, 8)}`] : []),
    console.trim() ? `the console's last words:\n${tail(console, 40)}` : 'the console said nothing',
  ].join('\n');
}
