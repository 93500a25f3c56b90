import * as assert from 'uvu/assert';
import { readText } from '../../../harness/host/read-text.ts';
import { judgeQuiet, lookAround, parseProcessStat, type BusyLook } from '../../../harness/host/quiet.ts';
import { readTools } from '../../../harness/host/tools.ts';
import { parseCpuTimes } from '../../../harness/host/cpu-times.ts';
import { suite } from '../../suite.ts';

const test = suite('is the machine quiet');

function look(atMs: number, load1: number, steal: number, processes: [number, string, number][]): BusyLook {
  return {
    atMs,
    load1,
    cpus: parseCpuTimes(`cpu0 0 0 0 0 0 0 0 ${steal}\ncpu1 0 0 0 0 0 0 0 0`),
    processes: new Map(processes.map(([pid, name, cpuMs]) => [pid, { name, cpuMs }])),
  };
}

test('a still machine gives no warning', () => {
  const still = [[1, 'init', 500] as [number, string, number]];
  assert.equal(judgeQuiet(look(0, 0.1, 0, still), look(500, 0.1, 0, still), [0], 9), []);
});

test('load, steal and busy processes are each said in words; our own work is not', () => {
  const before = look(0, 1, 0, [
    [1, 'init', 0],
    [7, 'Web Content', 1000],
    [9, 'node', 0],
  ]);
  const after = look(500, 1, 10, [
    [1, 'init', 10],
    [7, 'Web Content', 1250],
    [8, 'cc1', 400],
    [9, 'node', 300],
  ]);
  assert.equal(judgeQuiet(before, after, [0], 9), [
    'the machine is not quiet: load 1.00 on 2 CPUs',
    'the hypervisor took 20 % of the measured CPUs (steal) while nothing ran',
    'busy now: cc1 (pid 8, 80 % of a CPU), Web Content (pid 7, 50 % of a CPU)',
  ]);
});

test('only the busiest three are named', () => {
  const many = [1, 2, 3, 4, 5].map((pid): [number, string, number] => [pid, `p${pid}`, pid * 50]);
  const [warning] = judgeQuiet(look(0, 0, 0, []), look(500, 0, 0, many), [0], 99);
  assert.match(warning!, 'p5 (pid 5, 50 % of a CPU), p4');
  assert.match(warning!, /and 2 more$/);
});

test('a process name with spaces and brackets does not shift the fields', () => {
  const stat = '42 (a) b (c) S 1 42 42 0 -1 4194304 100 0 0 0 12 34 0 0 20 0 1 0 100 1000 10';
  assert.equal(parseProcessStat(stat), { name: 'a) b (c', cpuMs: 460 });
  assert.is(parseProcessStat(''), null);
  assert.is(parseProcessStat('42 (gone'), null);
});

test('this machine can be looked at, and this process is in the look', () => {
  const now = lookAround(readText);
  assert.ok(now.cpus.size >= 1);
  assert.ok(now.processes.get(process.pid)!.cpuMs > 0);
});

test('versions of tools that are here; nothing of those that are not', async () => {
  const tools = await readTools();
  assert.is(tools['node'], process.version.slice(1));
  for (const version of Object.values(tools)) assert.match(version, /^\d/);
});

test.run();
