/**
 * Works on items, so many at once. After a failure nothing new is begun, and the failure is thrown only when all that was
 * under way has ended: nobody goes on writing behind the caller's back.
 */
export async function inParallel<Item>(
  items: readonly Item[],
  width: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    while (waiting.length > 0 && failures.length === 0) {
      const [item] = waiting.splice(0, 1) as [Item];
      await work(item).catch((failure: unknown) => failures.push(failure));
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  if (failures.length > 0) throw failures[0];
}
