import { BenchError } from '../../../results/bench-error.ts';
import type { QemuOptions } from '../options.ts';

/** A process beside QEMU that ends with its starter can't carry the network of a machine that goes on. */
export function requireLastingNetwork({ network }: Pick<QemuOptions, 'network'>): void {
  if (network !== 'passt') return;
  throw new BenchError(
    'vm-detached-network',
    'a detached machine cannot have network: passt, which would end with this command',
    {
      hint: 'without --detach, or -o network=tap',
    },
  );
}
