import { BenchError } from '../../../results/bench-error.ts';
import type { Image } from '../../contract.ts';
import { kvmVerdict, type ProbeSubject } from '../kvm-verdict.ts';
import type { KvmFinding } from './classify.ts';

export interface Accelerator {
  asked: 'auto' | 'kvm' | 'tcg';
  got: 'kvm' | 'tcg';
  reason: string;
}

/** The accelerator for a run. Asked for by name, KVM that does not work is an error: nothing falls back in silence. */
export async function chooseAccelerator(
  asked: Accelerator['asked'],
  image: Image,
  cacheDir: string,
  signal?: AbortSignal,
  on?: ProbeSubject,
): Promise<Accelerator> {
  if (asked === 'tcg') return { asked, got: 'tcg', reason: 'asked for' };
  return decide(asked, await kvmVerdict(image, cacheDir, signal, false, on));
}

/** The decision alone. @throws BenchError `kvm-unusable`. */
export function decide(asked: 'auto' | 'kvm', finding: KvmFinding): Accelerator {
  if (finding.usable) return { asked, got: 'kvm', reason: finding.reason };
  if (asked === 'kvm')
    throw new BenchError('kvm-unusable', `KVM was asked for and cannot be used: ${finding.reason}`, {
      hint: "accel: auto falls back to emulation and says so; 'bench doctor' shows the probe's answer",
    });
  return { asked, got: 'tcg', reason: `KVM cannot be used: ${finding.reason}` };
}
