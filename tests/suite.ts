import { suite as uvuSuite } from 'uvu';
import { writeSync } from 'node:fs';

/**
 * uvu exits 0 when a file registered nothing, forgot `.run()`, or threw in a hook. This wrapper counts what was
 * registered and what really ran, and says so on exit in a line that tests/run.ts reads and judges.
 */
const count = { registered: 0, ran: 0, passed: 0, skipped: [] as string[] };
process.on('exit', () => writeSync(1, `\n##tare ${JSON.stringify(count)}\n`));

export interface Suite {
  (name: string, test: () => void | Promise<void>): void;
  /** Skips one test and says why; the reason is printed and counted. */
  skipBecause(reason: string, name: string, test: () => void | Promise<void>): void;
  before(hook: () => void | Promise<void>): void;
  after(hook: () => void | Promise<void>): void;
  beforeEach(hook: () => void | Promise<void>): void;
  afterEach(hook: () => void | Promise<void>): void;
  run(): void;
}

/** A suite of named behaviours; call `.run()` once at the end of the file. */
export function suite(title: string): Suite {
  const inner = uvuSuite(title);
  const add = (name: string, test: () => void | Promise<void>): void => {
    count.registered++;
    inner(name, async () => {
      count.ran++;
      await test();
      count.passed++;
    });
  };
  return Object.assign(add, {
    skipBecause(reason: string, name: string) {
      count.skipped.push(`${title}: ${name} (${reason})`);
    },
    before: inner.before,
    after: inner.after,
    beforeEach: inner.before.each,
    afterEach: inner.after.each,
    run: inner.run,
  });
}
