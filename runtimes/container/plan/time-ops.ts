import { BenchError } from '../../../results/bench-error.ts';
import { CLONE } from '../../launch/constants.ts';
import type { Op } from '../../launch/ops.ts';
import type { OciSpec } from '../spec/oci-spec.ts';

/** The clocks that a time namespace shifts (time_namespaces(7)). */
const CLOCKS = ['monotonic', 'boottime'];

/**
 * A new time namespace, for before the clone: the process that makes it stays outside, its children are born in it, and
 * the offsets can be written only until then. Pure.
 *
 * @throws BenchError `spec-time` for offsets without a namespace of one's own, of another clock, or not a time.
 */
export function timeOps(spec: OciSpec): Op[] {
  const made = (spec.linux?.namespaces ?? []).some(({ type, path }) => type === 'time' && !path);
  const offsets = Object.entries(spec.linux?.timeOffsets ?? {});
  if (offsets.length > 0 && !made)
    throw new BenchError('spec-time', 'linux.timeOffsets needs a new time namespace', {
      hint: 'add { "type": "time" } to linux.namespaces',
    });
  if (!made) return [];
  const text = offsets.map(([clock, { secs, nanosecs }]) => line(clock, secs ?? 0, nanosecs ?? 0)).join('');
  return [
    { op: 'unshare', flags: CLONE.NEWTIME },
    ...(text === '' ? [] : [{ op: 'write-file', path: '/proc/self/timens_offsets', text } as const]),
  ];
}

function line(clock: string, secs: number, nanosecs: number): string {
  if (!CLOCKS.includes(clock))
    throw new BenchError('spec-time', `linux.timeOffsets: there is no clock '${clock}'`, {
      hint: `one of ${CLOCKS.join(', ')}`,
    });
  if (!Number.isSafeInteger(secs) || !Number.isInteger(nanosecs) || nanosecs < 0 || nanosecs > 999_999_999)
    throw new BenchError(
      'spec-time',
      `linux.timeOffsets.${clock} is not a time: ${secs} s and ${nanosecs} ns`,
    );
  return `${clock} ${secs} ${nanosecs}\n`;
}
