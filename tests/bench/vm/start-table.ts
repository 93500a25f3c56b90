/** One way to start a VM. */
export interface Contender {
  name: string;
  /** One start; times in ms, memory in MiB. */
  run(): Promise<Record<string, number>>;
}

/** Name → what each round saw, in the order of the rounds. */
export type Rounds = Map<string, Record<string, number>[]>;

/** Each contender once per round, so that a disturbance hits all. */
export async function inTurn(contenders: Contender[], rounds: number): Promise<Rounds> {
  const seen: Rounds = new Map();
  for (let round = 0; round < rounds; round++)
    for (const { name, run } of contenders) seen.set(name, [...(seen.get(name) ?? []), await run()]);
  return seen;
}

/** Medians of each contender's starts. */
export function printStarts(title: string, seen: Rounds): void {
  console.log(`\n${title}`);
  console.log(`${'agent answers'.padStart(14)}${'all put right'.padStart(15)}${'PSS MiB'.padStart(10)}`);
  for (const [name, times] of seen) {
    const column = (key: string): string => {
      const value = median(times.map((each) => each[key] ?? Number.NaN));
      return Number.isNaN(value) ? '–' : value.toFixed(0);
    };
    console.log(
      `${column('agent').padStart(14)}${column('total').padStart(15)}${column('pss').padStart(10)}  ${name}`,
    );
  }
}

/** The bar of the project: no network or disk option adds more than this to a start. */
const BAR = 1.1;

/** Median times and the median over rounds of each row's ratio to the first row of the same round. */
export function printRatios(title: string, seen: Rounds): string[] {
  const [reference] = seen.values();
  const over: string[] = [];
  console.log(`\n${title}`);
  console.log(`${'ms'.padStart(8)}${'× default'.padStart(11)}`);
  for (const [name, times] of seen) {
    const ratio = median(
      times.map((each, round) => (each.total ?? Number.NaN) / (reference?.[round]?.total ?? Number.NaN)),
    );
    const mark = ratio > BAR ? `  over ${BAR}` : '';
    if (mark) over.push(name);
    console.log(
      `${median(times.map((each) => each.total ?? Number.NaN))
        .toFixed(0)
        .padStart(8)}${ratio.toFixed(3).padStart(11)}  ${name}${mark}`,
    );
  }
  return over;
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
