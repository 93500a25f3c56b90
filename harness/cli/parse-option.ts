import { BenchError } from '../../results/bench-error.ts';

/** A parser for an option that takes a whole number within bounds. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new BenchError('usage-number', `"${text}" is no whole number from ${min} to ${max}`, {
        hint: 'bench <command> --help shows the options with examples',
      });
    }
    return value;
  };
}
