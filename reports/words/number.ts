/** U+2212: a hyphen is too short to be seen beside a digit. */
const MINUS = '\u2212';
/** U+00A0: a number and its unit stay on one line. */
export const NBSP = '\u00a0';
/** U+202F: groups of three digits, as the SI brochure asks (5.4.4). */
const THIN = '\u202f';

/** A number with a fixed count of decimals, a true minus sign and groups of three digits. Never '−0'. */
export function fixed(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return 'not a number';
  const text = Math.abs(value).toFixed(decimals);
  const [whole = '0', fraction] = text.split('.');
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, THIN) : whole;
  const sign = value < 0 && Number(text) !== 0 ? MINUS : '';
  return sign + grouped + (fraction === undefined ? '' : `.${fraction}`);
}

/** Three significant digits, the precision a reader can use; very large and small ones as powers of ten. */
export function significant(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return 'not a number';
  if (value === 0) return '0';
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  if (magnitude >= 9 || magnitude < -4) {
    const [mantissa = '', exponent = ''] = value.toExponential(digits - 1).split('e');
    return `${mantissa.replace('-', MINUS)}${NBSP}×${NBSP}10${superscript(Number(exponent))}`;
  }
  const rounded = Number(value.toPrecision(digits));
  return fixed(rounded, Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(rounded)))));
}

const SUPERSCRIPT = '⁰¹²³⁴⁵⁶⁷⁸⁹';
function superscript(value: number): string {
  return (
    (value < 0 ? '⁻' : '') + [...String(Math.abs(value))].map((digit) => SUPERSCRIPT[Number(digit)]).join('')
  );
}

/** A value with its unit. */
export function quantity(value: number, unit: string): string {
  return `${significant(value)}${NBSP}${unit}`;
}

/** Bytes in binary units (IEC 80000-13). */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let scaled = value;
  let unit = 0;
  while (Math.abs(scaled) >= 1024 && unit < units.length - 1) {
    scaled /= 1024;
    unit++;
  }
  return `${unit === 0 ? fixed(scaled, 0) : significant(scaled)}${NBSP}${units[unit]!}`;
}

/** A duration given in milliseconds, in the unit a reader would choose; `whole` for estimates, in seconds at the finest. */
export function duration(ms: number, whole = false): string {
  if (Math.abs(ms) < 1000 && !whole) return `${significant(ms)}${NBSP}ms`;
  if (Math.abs(ms) < 120_000) return `${whole ? fixed(ms / 1000, 0) : significant(ms / 1000)}${NBSP}s`;
  const minutes = Math.floor(ms / 60_000);
  const seconds = Math.floor((ms % 60_000) / 1000);
  if (minutes < 120) return `${minutes}${NBSP}min${seconds === 0 ? '' : ` ${seconds}${NBSP}s`}`;
  return `${Math.floor(minutes / 60)}${NBSP}h ${minutes % 60}${NBSP}min`;
}

/** A share as a percentage. */
export function percent(share: number, decimals = 1): string {
  return `${fixed(share * 100, decimals)}${NBSP}%`;
}

/** '3 rounds', '1 round'. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${fixed(n, 0)}${NBSP}${n === 1 ? one : many}`;
}
