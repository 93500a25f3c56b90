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

/** A share between 0 and 1, written as a number (0.01) or in per cent (1%). */
export function shareOf(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(text.trim());
  const value = match ? Number(match[1]) / (match[2] ? 100 : 1) : NaN;
  if (!(value > 0 && value < 1)) {
    throw new BenchError('usage-share', `"${text}" is no share between 0 and 1, such as 0.01 or 1%`, {
      hint: 'bench <command> --help shows the options with examples',
    });
  }
  return value;
}

/** Costs by level, written as `round=0.5,start=8,iteration=1`: whichever unit, but one for all. */
export function costsOf(text: string): ReadonlyMap<string, number> {
  return new Map(
    text.split(',').map((pair) => {
      const [, name, value] = /^\s*([^=\s]+)\s*=\s*(\d+(?:\.\d+)?)\s*$/.exec(pair) ?? [];
      if (name === undefined || value === undefined)
        throw new BenchError('usage-costs', `"${pair}" is no cost of a level`, {
          hint: 'write --cost round=0.5,start=8,iteration=1',
        });
      return [name, Number(value)] as const;
    }),
  );
}
