import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { claimScratch } from '../../../harness/run/claim.ts';
import { builtInMatrices, findMatrix } from '../../../harness/run/find-matrix.ts';
import { findRun } from '../../../harness/run/find-run.ts';
import { machinePaths } from '../../../harness/run/paths.ts';
import { prepareArms, refuseIfNothingRuns } from '../../../harness/run/prepare-arms.ts';
import { repeatCommand } from '../../../harness/run/run-matrix.ts';
import { BenchError } from '../../../results/bench-error.ts';
import type { Runtime } from '../../../runtimes/contract.ts';
import { fakeRuntime } from '../../fakes/fake-runtime.ts';
import { suite } from '../../suite.ts';

const test = suite('before a run');

const absent = (id: string): Runtime => ({
  ...fakeRuntime(id, []),
  probe: () => Promise.resolve({ available: false, reason: `${id} needs root`, remedy: 'sudo bench' }),
});
const arm = (id: string) => ({ id, runtime: id, options: {} });
const context = () => ({
  owner: 'tare-fake',
  cacheDir: '/nowhere',
  scratchDir: '/nowhere',
  resources: { cpus: 1, memoryMiB: 512, cpuset: [1], housekeeping: [0] },
  signal: new AbortController().signal,
  log: () => undefined,
});

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'nothing was thrown',
    (error: unknown) => (error instanceof BenchError ? error.code : String(error)),
  );
}

test('one arm that cannot be used is an error of its own; the others are prepared', async () => {
  const catalog = { runtimes: [fakeRuntime('a', []), absent('b')], workloads: [] };
  const prepared = await prepareArms([arm('a'), arm('b'), arm('c')], catalog, null, context());
  assert.not.instance(prepared.get('a'), Error);
  assert.match(String(prepared.get('b')), /b: b needs root/);
  assert.match(String(prepared.get('c')), /no runtime "c"/);
  assert.is(await codeOf(refuseIfNothingRuns([arm('a'), arm('b')], catalog)), 'nothing was thrown');
});

test('a matrix of which nothing can run is refused before anything is made', async () => {
  const catalog = { runtimes: [absent('a'), absent('b')], workloads: [] };
  const refused = refuseIfNothingRuns([arm('a'), arm('b')], catalog);
  assert.is(await codeOf(refused), 'runtimes-unavailable');
});

test('a failed image fails the arms that need it with the reason', async () => {
  const needing: Runtime = { ...fakeRuntime('a', []), needsImage: true };
  const broken = new BenchError('image-build-failed', 'mmdebstrap failed: no space left');
  const prepared = await prepareArms([arm('a')], { runtimes: [needing], workloads: [] }, broken, context());
  assert.is(prepared.get('a'), broken);
});

test('a scratch folder that cannot be made is told with what to do', async () => {
  assert.is(await codeOf(claimScratch('/dev/null/scratch')), 'scratch-unwritable');
});

test('without a word the matrix is bench.matrix.yaml here, else quick; a word is a path or a built-in', async () => {
  assert.match(findMatrix(undefined), /matrices\/quick\.yaml$/);
  assert.match(findMatrix(true), /matrices\/quick\.yaml$/);
  assert.match(findMatrix('homework'), /matrices\/homework\.yaml$/);
  assert.is(await codeOf(Promise.resolve().then(() => findMatrix('homewrok'))), 'matrix-not-found');
  for (const name of ['quick', 'homework']) assert.ok(builtInMatrices().includes(name));
});

test('a run is named by its folder, its id or latest; anything else is told', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'tare-runs-'));
  try {
    assert.is(await codeOf(findRun(empty, 'latest')), 'not-a-run');
    assert.is(await codeOf(findRun(empty, '2026-nothing')), 'not-a-run');
  } finally {
    rmSync(empty, { recursive: true, force: true });
  }
});

test('the command that repeats a run names a built-in matrix by name, a user’s by file, and rounds only when they were asked for', () => {
  const quick = { path: findMatrix('quick'), name: 'quick' };
  assert.is(repeatCommand(quick, 'abc'), 'bench run --matrix quick --seed abc');
  assert.is(
    repeatCommand({ path: '/x/my.yaml', name: 'mine' }, '7', 3),
    'bench run --matrix my.yaml --seed 7 --rounds 3',
  );
});

test('the cache is root’s own under /var, the user’s under home, or where TARE_CACHE says', () => {
  assert.is(machinePaths({}, 0).cacheDir, '/var/cache/tare');
  assert.is(machinePaths({ HOME: '/home/u' }, 1000).cacheDir, '/home/u/.cache/tare');
  assert.is(machinePaths({ XDG_CACHE_HOME: '/c' }, 1000).cacheDir, '/c/tare');
  assert.is(machinePaths({ TARE_CACHE: '/big/disk' }, 0).cacheDir, '/big/disk');
});

test.run();
