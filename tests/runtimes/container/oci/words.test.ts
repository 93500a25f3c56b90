import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { signalNumber } from '../../../../runtimes/container/oci/control.ts';
import { gated } from '../../../../runtimes/container/oci/exec.ts';
import { features } from '../../../../runtimes/container/oci/features.ts';
import { hookState, runHooks } from '../../../../runtimes/container/oci/hooks.ts';
import { logLine, writeLog } from '../../../../runtimes/container/oci/log-file.ts';
import { parseMountOptions } from '../../../../runtimes/container/plan/mount-options.ts';
import type { LaunchPlan } from '../../../../runtimes/launch/ops.ts';
import { suite } from '../../../suite.ts';
import { refusal } from '../../../workloads/refusal.ts';

const test = suite('words between the runtime and its callers');

test('signals by name and number', () => {
  assert.equal(['TERM', 'SIGKILL', 'sigint', '9', '0'].map(signalNumber), [15, 9, 2, 9, 0]);
  for (const wrong of ['', 'NOPE', '65', '-9', '9x'])
    assert.is(refusal(() => signalNumber(wrong)).code, 'oci-signal', wrong);
});

test('a log line is what logrus would have written', () => {
  const time = '2026-01-01T00:00:00.000Z';
  assert.equal(JSON.parse(logLine('json', 'error', 'no "such"\nthing', time)), {
    level: 'error',
    msg: 'no "such"\nthing',
    time,
  });
  assert.is(logLine('text', 'warning', 'a "b"', time), `time="${time}" level=warning msg="a \\"b\\""\n`);
});

test('the log is added to; one that cannot be written hides nothing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tare-oci-log-'));
  const path = join(folder, 'log');
  writeLog({ path, format: 'json' }, 'error', 'one');
  writeLog({ path, format: 'json' }, 'error', 'two');
  assert.is(readFileSync(path, 'utf8').split('\n').length, 3);
  writeLog({ path: join(folder, 'no', 'such', 'folder'), format: 'json' }, 'error', 'three');
  writeLog({ path: undefined, format: 'json' }, 'error', 'four');
  rmSync(folder, { recursive: true });
});

test('hooks are told the state; the pid is a number even where only the launcher will know it', () => {
  const state = { ociVersion: '1.2.0', id: 'web', bundle: '/b', annotations: { k: '@PID@' } };
  const told = hookState(state, 'creating', '@PID@').replace('"pid":@PID@', '"pid":77');
  assert.equal(JSON.parse(told), { ...state, status: 'creating', pid: 77 });
  assert.equal(JSON.parse(hookState(state, 'running', 5)), { ...state, status: 'running', pid: 5 });
});

test('hooks get their arguments, their environment and nothing else; a failure does not stop the next', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tare-oci-hooks-'));
  const out = join(folder, 'out');
  const script = join(folder, 'hook');
  writeFileSync(script, `#!/bin/sh\necho "$1 $KIND \${HOME-none} $(cat)" >> ${out}\nexit "$2"\n`, {
    mode: 0o755,
  });
  const hook = (word: string, code: string) => ({
    path: script,
    args: ['hook', word, code],
    env: ['KIND=x=y'],
  });
  const failures = await runHooks(
    [hook('one', '3'), { path: join(folder, 'missing') }, hook('two', '0')],
    '{"pid":1}',
  );
  assert.is(readFileSync(out, 'utf8'), 'one x=y none {"pid":1}\ntwo x=y none {"pid":1}\n');
  assert.is(failures.length, 2);
  assert.match(failures[0]!, script);
  assert.equal(await runHooks(null, ''), []);
  rmSync(folder, { recursive: true });
});

test('a gate is put before the program, opened before any namespace is entered, and kept open until then', () => {
  const plan: LaunchPlan = [
    { op: 'keyring', name: '' },
    { op: 'join-cgroup', directory: '/x' },
    { op: 'close-fds', from: 3, keepSlot: -1 },
    { op: 'exec', argv: ['true'], env: [], search: 1 },
  ];
  assert.equal(gated(plan, '/run/gate'), [
    { op: 'keyring', name: '' },
    { op: 'open', slot: 20, path: '/run/gate', flags: 2, mode: 0 },
    { op: 'join-cgroup', directory: '/x' },
    { op: 'close-fds', from: 3, keepSlot: 20 },
    { op: 'report', words: 'created' },
    { op: 'gate', slot: 20 },
    { op: 'exec', argv: ['true'], env: [], search: 1 },
  ]);
  assert.is(refusal(() => gated(plan.slice(0, 2), '/run/gate')).code, 'oci-plan');
});

test('every mount option that is said to be known is acted on, and not handed to a file system', () => {
  const { mountOptions } = features() as { mountOptions: string[] };
  assert.ok(mountOptions.length > 30);
  for (const option of mountOptions) assert.is(parseMountOptions([option]).data, '', option);
});

test.run();
