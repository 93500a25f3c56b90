import { quantile, type Contender } from './rig.ts';

/** One of each in turn, so that what the machine does meanwhile meets all alike. Milliseconds by name. */
export async function inTurn(contenders: Contender[], rounds: number): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  const once = async ({ ready, run }: Contender): Promise<number> => {
    await ready?.();
    const begun = process.hrtime.bigint();
    await run();
    return Number(process.hrtime.bigint() - begun) / 1e6;
  };
  for (const each of contenders) await once(each); // unmeasured: caches warm, lazy code loaded
  for (let round = 0; round < rounds; round++)
    for (const each of contenders) times.get(each.name)?.push(await once(each));
  return times;
}

export function printTable(times: Map<string, number[]>, rounds: number): void {
  console.log(`\nstart to exit of /bin/true, ms, median of ${rounds} in turn (quartiles)`);
  for (const [name, list] of times) {
    const [low, middle, high] = [0.25, 0.5, 0.75].map((q) => quantile(list, q).toFixed(1));
    console.log(`  ${name.padEnd(34)} ${String(middle).padStart(7)}  (${low} – ${high})`);
  }
}

/** The bars, each as a ratio of two medians of this run. */
export function printBars(times: Map<string, number[]>): void {
  const median = (name: string): number => quantile(times.get(name) ?? [], 0.5);
  const bar = (words: string, over: string, under: string, limit: number): void => {
    const ratio = median(over) / median(under);
    if (Number.isFinite(ratio))
      console.log(`  ${ratio <= limit ? 'ok  ' : 'OVER'} ${words}: ${ratio.toFixed(2)} (bar ${limit})`);
  };
  console.log('');
  bar('ours / C floor', 'ours', 'C floor', 1.3);
  bar('ours with cgroup / crun', 'ours + cgroup', 'crun + cgroup', 0.5);
  bar('ours with cgroup, launcher waiting / crun', 'ours + cgroup, launcher waiting', 'crun + cgroup', 0.5);
  bar('ours with cgroup / runc', 'ours + cgroup', 'runc + cgroup', 0.4);
  bar('ours with veth / with cgroup', 'ours + cgroup + veth', 'ours + cgroup', 1.2);
  bar('ours exec / crun exec', 'ours exec', 'crun exec', 1);
  const attach = median('ours + cgroup') - median('ours');
  console.log(`  cgroup made, joined, limited and removed: ${attach.toFixed(1)} ms`);
}
