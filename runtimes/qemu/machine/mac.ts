import { createHash } from 'node:crypto';

/** A locally administered address that depends on the guest's own address alone. */
export function macOf(address: string): string {
  const bytes = createHash('sha256').update(address).digest();
  return ['52:54:00', ...[0, 1, 2].map((index) => (bytes[index] ?? 0).toString(16).padStart(2, '0'))].join(
    ':',
  );
}
