import type { LimitWrite } from './limits.ts';

/** One rule about devices, as OCI writes them; absent numbers mean any, an absent type means both kinds. */
export interface DeviceRule {
  allow: boolean;
  type?: string | null;
  major?: number | null;
  minor?: number | null;
  /** Of r, w, m (make a node). */
  access?: string | null;
}

/** What every container may use whatever else is said: nodes may be made, and the harmless ones and terminals opened. */
export const DEFAULT_DEVICE_RULES: readonly DeviceRule[] = [
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...(
    [
      [1, 3],
      [1, 5],
      [1, 7],
      [1, 8],
      [1, 9],
      [5, 0],
      [5, 1],
      [5, 2],
    ] as const
  ).map(([major, minor]) => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 136, access: 'rwm' },
];

export const DENY_ALL: DeviceRule = { allow: false, type: 'a', access: 'rwm' };

/** Rules as writes to the v1 devices controller, in order. */
export function deviceWrites(rules: readonly DeviceRule[]): LimitWrite[] {
  return rules.flatMap((rule): LimitWrite[] => {
    const file = rule.allow ? 'devices.allow' : 'devices.deny';
    const part = (value: number | null | undefined): string =>
      value === null || value === undefined || value < 0 ? '*' : String(value);
    const write = (value: string): LimitWrite => ({ controller: 'devices', file, value, optional: false });
    const numbers = `${part(rule.major)}:${part(rule.minor)} ${rule.access || 'rwm'}`;
    const any = rule.type === null || rule.type === undefined || rule.type === 'a' || rule.type === '';
    if (any && numbers === '*:* rwm') return [write('a')];
    return any ? [write(`c ${numbers}`), write(`b ${numbers}`)] : [write(`${rule.type} ${numbers}`)];
  });
}
