import { partInWords } from '../../../results/summarize/arm-parts.ts';
import { namesOf, printable } from '../../words/names.ts';
import { duration } from '../../words/number.ts';
import type { ReportRun } from '../report-run.ts';

type Fact = string | number | boolean | null | undefined;

/** The machine before and after, the tools, and what the inside of each box saw. */
export function machineSection({ plan, host, summary, trials }: ReportRun) {
  const names = namesOf(plan);
  const before = host?.before.system ?? {};
  const after = host?.after?.system ?? null;
  const last = trials.reduce(
    (end, trial) =>
      Math.max(end, trial.offsetMs + Object.values(trial.stepsMs).reduce((sum, ms) => sum + ms, 0)),
    0,
  );
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after ?? {})])];
  const paritySeen = [...new Set(summary.parity.flatMap((row) => Object.keys(row.values)))];
  const parityArms = plan.arms.map((arm) => arm.id).filter((id) => paritySeen.includes(id));
  return {
    known: host !== null,
    facts: [
      ...keys.map((key) => fact(inWords(key), before[key], after?.[key], after !== null)),
      ...(host === null
        ? []
        : [fact('load, 1 min', host.before.load1, host.after?.load1, host.after !== null)]),
    ],
    fingerprint: printable(host?.before.fingerprint ?? '', 80),
    sameMachine: !host?.after || host.after.fingerprint === host.before.fingerprint,
    hasAfter: host !== null && host.after !== null,
    tools: Object.entries(host?.tools ?? {}).map(([tool, version]) => ({
      tool: printable(tool, 60),
      version: printable(version, 120),
    })),
    packages: Object.entries(plan.image?.packages ?? {}).map(([tool, version]) => ({
      tool: printable(tool, 60),
      version: printable(version, 120),
    })),
    parts: plan.arms.flatMap((arm) =>
      Object.entries(arm.parts ?? {}).map(([part, which]) => ({
        arm: names.arm(arm.id),
        part: printable(part, 40),
        which: printable(partInWords(which), 400),
        chosen: which.chosen,
      })),
    ),
    image: plan.image
      ? { digest: printable(plan.image.digest, 80), suite: printable(plan.image.suite, 40) }
      : null,
    accelerator: host?.accelerator
      ? {
          asked: printable(host.accelerator.asked, 40),
          got: printable(host.accelerator.got, 40),
          reason: printable(host.accelerator.reason),
        }
      : null,
    resources: [
      { name: 'CPUs of each box', value: String(plan.resources.cpus) },
      { name: 'Memory of each box', value: `${plan.resources.memoryMiB} MiB` },
      { name: 'Measured host CPUs', value: plan.resources.cpuset.slice(0, 512).join(', ') },
      {
        name: 'Host CPUs for the harness',
        value: plan.resources.housekeeping.slice(0, 512).join(', ') || 'none to spare',
      },
      { name: 'Length of the run', value: duration(last) },
    ],
    parityArms: parityArms.map((id) => names.arm(id)),
    parity: summary.parity.map((row) => ({
      what: printable(row.what, 80),
      matches: row.matches,
      word: row.matches ? 'same' : 'differs',
      values: parityArms.map((id) => printable(row.values[id] ?? '–', 160)),
    })),
  };
}

function fact(name: string, before: Fact, after: Fact, hasAfter: boolean) {
  const text = (value: Fact): string =>
    value === null || value === undefined
      ? 'not known'
      : value === true
        ? 'yes'
        : value === false
          ? 'no'
          : printable(String(value), 200);
  return {
    name,
    before: text(before),
    after: hasAfter ? text(after) : '',
    changed: hasAfter && text(before) !== text(after),
  };
}

/** 'cacheL1dKiB' → 'cache L1d KiB', 'cpuModel' → 'CPU model'. */
function inWords(key: string): string {
  return printable(key, 80)
    .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .replace(/\b[A-Z][a-z]+(?!B)\b/g, (word) => word.toLowerCase())
    .replace(/^cpu\b/, 'CPU');
}
