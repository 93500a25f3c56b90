/** The kernel's CPU list format: '0-2,5' → [0, 1, 2, 5]; '' → []. Null when it is something else. */
export function parseCpuList(text: string): number[] | null {
  if (text.trim() === '') return [];
  const cpus: number[] = [];
  for (const part of text.trim().split(',')) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part);
    if (!match) return null;
    const from = Number(match[1]);
    const to = Number(match[2] ?? match[1]);
    if (to < from) return null;
    for (let cpu = from; cpu <= to; cpu++) cpus.push(cpu);
  }
  return cpus;
}
