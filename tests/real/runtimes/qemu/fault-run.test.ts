import { execa } from 'execa';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { readRun } from '../../../../results/store/read-run.ts';
import { serverPorts } from '../../../../workloads/defaults.ts';
import { suite } from '../../../suite.ts';
import { bench, hostState, workFolder } from '../../harness/bench-process.ts';

/** A run whose VMs are broken from outside, one trial after the other: each says so by name, and the matrix goes on. */
const test = suite('a matrix with broken virtual machines (emulated)');

/** What is done to the VM of each trial, in order. The first and the last are left alone. */
const FATES = ['none', 'port taken', 'killed', 'stands still', 'none'] as const;
const LIMIT_S = 15;

const MATRIX = `
baseline: native
runtimes:
  native:
  vm: { runtime: qemu, options: { accel: tcg, machine: microvm, start: cold, diskMiB: 64 } }
workloads: { network: { workload: iperf3, options: { seconds: 1 } } }
policy: { maxSteal: 1, maxForeignCpu: 10, maxRunQueue: 1000, maxThermalEvents: 1000000, maxThrottled: 10 }
trials: { rounds: ${FATES.length}, spare: 0, timeout: ${LIMIT_S} }
`;

const RUN_TAG = /^tare-[0-9a-f]{8}/;
const namespaces = (): string[] => readdirSync('/run/netns').filter((name) => RUN_TAG.test(name));

/** The next namespace of a VM that nobody has seen yet. */
async function nextVm(seen: Set<string>, going: () => boolean): Promise<string> {
  while (going()) {
    const found = namespaces().find((name) => !seen.has(name));
    if (found !== undefined) {
      seen.add(found);
      return found;
    }
    await sleep(10);
  }
  throw new Error('the run ended before its next VM');
}

/** The QEMU of a run, by the cgroup that carries the run's tag. */
async function qemuOf(namespace: string, going: () => boolean): Promise<number> {
  const tag = RUN_TAG.exec(namespace)?.[0] ?? '';
  while (going()) {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        if (!readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('qemu-system')) continue;
        if (readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(tag)) return Number(pid);
      } catch {
        // It ended while we looked.
      }
    }
    await sleep(10);
  }
  throw new Error('the run ended before its QEMU was seen');
}

test('a port that is taken, a QEMU killed, one that stands still: named, within the limit, and all others complete', async () => {
  const folder = workFolder();
  const before = hostState();
  const seen = new Set(namespaces());
  const held: { kill(): boolean }[] = [];
  try {
    const running = bench(folder.path, ['run', '--matrix', folder.matrix(MATRIX), '--quiet']);
    let ended = false;
    void running.finally(() => (ended = true));
    const going = (): boolean => !ended;
    for (const fate of FATES) {
      const vm = await nextVm(seen, going);
      if (fate === 'port taken') {
        const listen = `require('net').createServer().listen(${serverPorts.iperf3}, '0.0.0.0')`;
        const holder = execa('ip', ['netns', 'exec', vm, 'node', '-e', listen], { reject: false });
        held.push({ kill: () => holder.kill('SIGKILL') });
      }
      if (fate === 'killed') process.kill(await qemuOf(vm, going), 'SIGKILL');
      if (fate === 'stands still') {
        const pid = await qemuOf(vm, going);
        // While it boots: nothing has answered yet.
        await sleep(300);
        process.kill(pid, 'SIGSTOP');
      }
    }
    const done = await running;
    for (const each of held) each.kill();
    const [run = ''] = readdirSync(join(folder.path, 'results', 'runs'));
    const { trials } = await readRun(join(folder.path, 'results', 'runs', run));
    const words = trials.map(({ arm, outcome }) => [
      arm,
      outcome.status,
      'code' in outcome ? outcome.code : '',
    ]);
    assert.equal(
      words.filter(([arm]) => arm === 'vm'),
      [
        ['vm', 'completed', ''],
        ['vm', 'failed', 'server-not-ready'],
        ['vm', 'failed', 'vm-killed'],
        ['vm', 'failed', 'vm-agent-timeout'],
        ['vm', 'completed', ''],
      ],
      String(done.stderr),
    );
    assert.is(
      words.filter(([arm, status]) => arm === 'native' && status === 'completed').length,
      FATES.length,
    );
    const vmTrials = trials.filter(({ arm }) => arm === 'vm');
    const messageOf = (index: number): string => {
      const outcome = vmTrials[index]?.outcome;
      return outcome && 'message' in outcome ? outcome.message : '';
    };
    assert.match(messageOf(1), /[Aa]ddress (already )?in use/);
    assert.match(messageOf(2), /SIGKILL/);
    assert.match(messageOf(3), /did not answer/);
    for (const index of [2, 3])
      assert.match(messageOf(index), /the console/, 'with the console’s last words');
    const longest = Math.max(...vmTrials.map(({ stepsMs }) => stepsMs.start ?? 0));
    assert.ok(longest < LIMIT_S * 1000, `the one that stood still was given up after ${longest} ms`);
    assert.equal(hostState(), before);
  } finally {
    for (const each of held) each.kill();
    folder.remove();
  }
});

test.run();
