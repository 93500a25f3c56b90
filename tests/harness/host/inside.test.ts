import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as assert from 'uvu/assert';
import { INSIDE_SCRIPT } from '../../../harness/host/inside-script.ts';
import {
  inspectInside,
  parseInside,
  readInsideClock,
  type InspectableBox,
} from '../../../harness/host/inside.ts';
import { insideSchema } from '../../../results/record/trial.ts';
import { suite } from '../../suite.ts';
import { refusal, refusalOf } from '../../workloads/refusal.ts';

const test = suite('what the inside sees');
const hash = 'f'.repeat(64);
const answer = [
  'nproc=1',
  'memTotalKiB=480000',
  'cpuModel=QEMU TCG CPU version 2.5+',
  'cpuFlags=sse2 fpu  hypervisor',
  'clocksource=tsc',
  'clocksources=tsc hpet acpi_pm',
  'vendor=QEMU',
  'product=Standard PC',
  'hypervisor=',
  'detected=',
  'kernel=6.1.0-41-cloud-amd64',
  'memoryLimit=max',
  `tool=sysbench ${hash}`,
  'end=',
  '',
].join('\n');

/** This very machine, as a box: the script is run for real, as any box would run it. */
const host: InspectableBox = {
  exec: (argv) =>
    new Promise((resolve) => {
      execFile(argv[0]!, argv.slice(1), (error, stdout, stderr) =>
        resolve({
          exitCode: error ? (typeof error.code === 'number' ? error.code : null) : 0,
          stdout,
          stderr,
          timedOut: false,
        }),
      );
    }),
};

function box(
  result: Partial<Awaited<ReturnType<InspectableBox['exec']>>>,
): InspectableBox & { argv: string[][] } {
  const argv: string[][] = [];
  return {
    argv,
    exec: (command) => {
      argv.push(command);
      return Promise.resolve({ exitCode: 0, stdout: '', stderr: '', timedOut: false, ...result });
    },
  };
}

test('an answer becomes facts', async () => {
  const asked = box({ stdout: answer });
  assert.equal(await inspectInside(asked, ['sysbench']), {
    nproc: 1,
    memTotalMiB: 468.75,
    cpuModel: 'QEMU TCG CPU version 2.5+',
    cpuFlagsHash: createHash('sha256').update('fpu\nhypervisor\nsse2').digest('hex'),
    cpuFlagCount: 3,
    clocksource: 'tsc',
    virtualization: 'tcg',
    kernel: '6.1.0-41-cloud-amd64',
    memoryLimitMiB: null,
    tools: { sysbench: hash },
  });
  assert.equal(asked.argv, [['sh', '-c', INSIDE_SCRIPT, 'tare-inside', 'sysbench']]);
});

test('limits: bytes, none, and the huge number that v1 writes for none', () => {
  const limit = (text: string) =>
    parseInside(answer.replace('memoryLimit=max', `memoryLimit=${text}`), []).memoryLimitMiB;
  assert.equal([limit('536870912'), limit(''), limit('9223372036854771712')], [512, null, null]);
});

test('anything but the whole answer is refused', () => {
  const wrong: [string, string][] = [
    ['cut off', answer.slice(0, answer.indexOf('end='))],
    ['twice', `nproc=1\n${answer}`],
    ['none', `Segmentation fault\n${answer}`],
    ['stray', `stray=1\n${answer}`],
    ['nproc', answer.replace('nproc=1', 'nproc=one')],
    ['kernel', answer.replace(/kernel=.*/, 'kernel=')],
    ['no hash', answer.replace(hash, 'short')],
    ['memTotalKiB', answer.replace(/memTotalKiB=.*\n/, '')],
  ];
  for (const [what, text] of wrong) {
    const error = refusal(() => parseInside(text, ['sysbench']));
    assert.is(error.code, 'inspect-failed', what);
    assert.match(error.message, what);
  }
  assert.match(refusal(() => parseInside(answer, ['sysbench', 'iperf3'])).message, 'no hash of iperf3');
});

test('a tool that is not inside is named', () => {
  const error = refusal(() => parseInside(answer.replace(hash, 'missing'), ['sysbench']));
  assert.is(error.code, 'tool-missing');
  assert.match(error.message, 'no sysbench inside');
});

test('a box that cannot run it, or does not answer, is an error with its words', async () => {
  const broken = await refusalOf(inspectInside(box({ exitCode: 127, stderr: 'sh: not found' }), []));
  assert.match(broken.message, 'exit 127): sh: not found');
  const silent = await refusalOf(inspectInside(box({ exitCode: null, timedOut: true }), []));
  assert.match(silent.message, 'no answer in time');
});

test('on a real machine the script answers in full', async () => {
  const facts = insideSchema.parse(await inspectInside(host, ['sh', 'sha256sum']));
  assert.ok(facts.nproc >= 1 && facts.memTotalMiB > 64 && facts.kernel.length > 0);
  assert.equal(Object.keys(facts.tools), ['sh', 'sha256sum']);
  const missing = await refusalOf(inspectInside(host, ['no-such-tool-anywhere']));
  assert.is(missing.code, 'tool-missing');
});

test('the clock inside is read between two stamps', async () => {
  let time = 0n;
  const reading = await readInsideClock(box({ stdout: '1795209234629913043\n' }), () => (time += 5n));
  assert.equal(reading, { beforeNs: 5n, insideNs: 1795209234629913043n, afterNs: 10n });
  const real = await readInsideClock(host);
  assert.ok(real.afterNs > real.beforeNs);
  assert.ok(Math.abs(Number(real.insideNs / 1_000_000n) - Date.now()) < 60_000);
  assert.is((await refusalOf(readInsideClock(box({ stdout: '1795209234%N' })))).code, 'inspect-failed');
});

test.run();
