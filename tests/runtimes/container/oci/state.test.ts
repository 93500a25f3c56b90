import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { StateRoot, type ContainerState } from '../../../../runtimes/container/oci/state.ts';
import { publicState, statusOf } from '../../../../runtimes/container/oci/status.ts';
import { suite } from '../../../suite.ts';
import { refusal } from '../../../workloads/refusal.ts';

const test = suite('what is kept of a container');
let folder: string;
test.beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tare-oci-state-'));
});
test.afterEach(() => rmSync(folder, { recursive: true, force: true }));

function state(id: string): ContainerState {
  return {
    schema: 'tare.oci-state/1',
    ociVersion: '1.2.0',
    id,
    bundle: '/bundle',
    rootfs: '/bundle/rootfs',
    pid: 42,
    startTime: '1000',
    created: '2026-01-01T00:00:00.000Z',
    cgroupPath: `tare-oci/${id}`,
    namespaces: 0x20000,
    annotations: { a: 'b' },
  };
}

test('a state is written, read and listed', () => {
  const root = new StateRoot(join(folder, 'not', 'there', 'yet'));
  assert.equal(root.list(), []);
  for (const id of ['web', 'db']) {
    root.claim(id);
    root.write(state(id));
  }
  assert.equal(root.read('web'), state('web'));
  assert.equal(
    root.list().map(({ id }) => id),
    ['db', 'web'],
  );
  root.remove('web');
  assert.equal(
    root.list().map(({ id }) => id),
    ['db'],
  );
});

test('an id is claimed once, and unknown ones are said in the words containerd looks for', () => {
  const root = new StateRoot(folder);
  root.claim('web');
  assert.is(refusal(() => root.claim('web')).message, 'container with given ID already exists: web');
  assert.is(refusal(() => root.read('nix')).message, 'container "nix" does not exist');
});

test('an id never names a folder elsewhere', () => {
  const root = new StateRoot(folder);
  for (const id of ['', '.', '..', '../x', 'a/b', 'a b', 'a\0b', 'ä', 'x'.repeat(1025)]) {
    assert.is(refusal(() => root.claim(id)).code, 'oci-id', id);
    assert.is(refusal(() => root.read(id)).code, 'oci-id', id);
    assert.is(refusal(() => root.remove(id)).code, 'oci-id', id);
  }
});

test('a container that is being made, or whose state is broken, is not listed', () => {
  const root = new StateRoot(folder);
  root.claim('half');
  root.claim('broken');
  writeFileSync(join(folder, 'broken', 'state.json'), '{"schema":"tare.oci-state/1"}');
  assert.equal(root.list(), []);
});

test('the status is what the kernel says, not what was written', () => {
  const alive = { startTime: '1000', startFifoExists: false, frozen: false };
  const of = (change: object, pid = 42) => statusOf({ pid, startTime: '1000' }, { ...alive, ...change });
  assert.is(of({}), 'running');
  assert.is(of({ startFifoExists: true }), 'created');
  assert.is(of({ frozen: true }), 'paused');
  assert.is(of({ startTime: undefined, frozen: true }), 'stopped');
  assert.is(of({ startTime: '2000' }), 'stopped', 'the number is another process’s now');
  assert.is(of({}, 0), 'creating');
});

test('the printed state has the specification’s keys, and no pid when nothing runs', () => {
  const printed = publicState(state('web'), 'running');
  for (const key of ['ociVersion', 'id', 'status', 'pid', 'bundle', 'annotations'])
    assert.ok(key in printed, key);
  assert.is(printed['pid'], 42);
  assert.is(publicState(state('web'), 'stopped')['pid'], 0);
});

test.run();
