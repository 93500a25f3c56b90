import { runSentence } from '../../answer/findings.ts';
import { EMULATED, printable } from '../../words/names.ts';
import { count } from '../../words/number.ts';
import type { ReportRun } from '../report-run.ts';

/** Title, machine and date in one line, and what must be known before any number is read. */
export function headSection({ plan, host, summary }: ReportRun) {
  const emulated = plan.arms.filter((arm) => arm.emulated);
  const system = host?.before.system ?? {};
  const cpu = system.cpuModel ?? null;
  return {
    title: printable(plan.title, 160),
    runId: printable(plan.runId, 120),
    date: plan.createdAt.slice(0, 10),
    dateTime: plan.createdAt,
    machine: [
      cpu === null ? null : printable(String(cpu), 120),
      `${count(plan.resources.cpus, 'CPU')} and ${plan.resources.memoryMiB} MiB for each box`,
    ]
      .filter(Boolean)
      .join(' · '),
    sentence: runSentence(summary, plan),
    emulated:
      emulated.length === 0
        ? null
        : {
            word: EMULATED,
            arms: emulated.map((arm) => printable(arm.label, 80)).join('; '),
            reason: printable(host?.accelerator?.reason ?? '', 400),
          },
    version: printable(plan.tareVersion, 40),
  };
}
