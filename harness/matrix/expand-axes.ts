/** One combination of axis values: the suffix of its id and the options it sets. */
export interface Combination {
  suffix: string;
  options: Record<string, unknown>;
}

/** Every combination of the axes' values, first axis slowest; one empty combination when there are no axes. */
export function combinations(axes: Record<string, (string | number | boolean)[]> | undefined): Combination[] {
  let all: Combination[] = [{ suffix: '', options: {} }];
  for (const [option, values] of Object.entries(axes ?? {})) {
    all = all.flatMap(({ suffix, options }) =>
      values.map((value) => ({
        suffix: `${suffix}-${String(value)
          .toLowerCase()
          .replace(/[^a-z0-9.]+/g, '-')}`,
        options: { ...options, [option]: value },
      })),
    );
  }
  return all;
}
