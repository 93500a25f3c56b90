import * as assert from 'uvu/assert';
import { inParallel } from '../../../../runtimes/container/images/registry/in-parallel.ts';
import { suite } from '../../../suite.ts';

const test = suite('transfers side by side');

test('every item is worked on once, and no more at a time than was asked', async () => {
  const seen: number[] = [];
  let now = 0;
  let most = 0;
  await inParallel([1, 2, 3, 4, 5], 2, async (item) => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(item);
    now--;
  });
  assert.equal(seen.sort(), [1, 2, 3, 4, 5]);
  assert.is(most, 2);
});

test('a failure is thrown when what was under way has ended, and nothing new is begun after it', async () => {
  const log: string[] = [];
  let finish = (): void => undefined;
  const slow = new Promise<void>((resolve) => (finish = resolve));
  const all = inParallel(['slow', 'bad', 'never'], 2, async (item) => {
    log.push(`begin ${item}`);
    if (item === 'bad') throw new Error('broken');
    await slow;
    log.push(`end ${item}`);
  });
  const thrown = all.then(
    () => log.push('no failure'),
    (error: unknown) => log.push(String(error)),
  );
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(log, ['begin slow', 'begin bad']);
  finish();
  await thrown;
  assert.equal(log, ['begin slow', 'begin bad', 'end slow', 'Error: broken']);
});

test.run();
