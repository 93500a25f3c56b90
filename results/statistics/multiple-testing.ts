/**
 * Holm's step-down adjustment (Holm 1979): adjusted pᵢ ≤ α keeps the chance of any false rejection at α, whatever the
 * dependence between the tests. Same order as given; NaN counts as 1.
 */
export function holm(pValues: readonly number[]): number[] {
  const m = pValues.length;
  const adjusted = new Array<number>(m).fill(1);
  let floor = 0;
  ascending(pValues).forEach((index, rank) => {
    floor = Math.max(floor, Math.min(1, (m - rank) * known(pValues[index])));
    adjusted[index] = floor;
  });
  return adjusted;
}

/**
 * Benjamini–Hochberg q-values (1995): the false discovery rate at which each would be reported. Orders reports; it does
 * not gate.
 */
export function benjaminiHochberg(pValues: readonly number[]): number[] {
  const m = pValues.length;
  const adjusted = new Array<number>(m).fill(1);
  let ceiling = 1;
  const order = ascending(pValues);
  for (let rank = m - 1; rank >= 0; rank--) {
    const index = order[rank] as number;
    ceiling = Math.min(ceiling, (m / (rank + 1)) * known(pValues[index]));
    adjusted[index] = ceiling;
  }
  return adjusted;
}

function ascending(pValues: readonly number[]): number[] {
  return pValues.map((_, i) => i).sort((a, b) => known(pValues[a]) - known(pValues[b]) || a - b);
}

function known(p: number | undefined): number {
  return p === undefined || Number.isNaN(p) ? 1 : p;
}
