import type { TrialRecord } from '../../results/record/trial.ts';
import type { ExportFormat } from './format.ts';
import { xmlText } from './xml.ts';

/** One suite per workload, one case per trial, so that a CI shows which trials failed and in whose words. */
export const junit: ExportFormat = {
  id: 'junit',
  summary: 'JUnit XML, one case per trial (Jenkins, GitLab, most CI)',
  extension: 'xml',
  write: ({ plan, trials }) => {
    const suites = plan.workloads.map((workload) => {
      const own = trials.filter((trial) => trial.workload === workload.id);
      const count = (...statuses: string[]): number =>
        own.filter(({ outcome }) => statuses.includes(outcome.status)).length;
      return [
        `  <testsuite name="${xmlText(workload.label)}" tests="${own.length}" failures="${count('failed')}" errors="${count('timed-out')}" skipped="${count('invalid', 'aborted')}" time="${seconds(own)}" timestamp="${plan.createdAt.slice(0, 19)}">`,
        ...own.map((trial) => caseOf(trial)),
        '  </testsuite>',
      ].join('\n');
    });
    return [
      '<?xml version="1.0" encoding="UTF-8"?>',
      `<testsuites name="${xmlText(plan.title)}">`,
      ...suites,
      '</testsuites>',
      '',
    ].join('\n');
  },
};

function seconds(trials: readonly TrialRecord[]): string {
  const ms = trials.flatMap((trial) => Object.values(trial.stepsMs)).reduce((sum, one) => sum + one, 0);
  return (ms / 1000).toFixed(3);
}

function caseOf(trial: TrialRecord): string {
  const open = `    <testcase classname="${xmlText(`${trial.workload}.${trial.arm}`)}" name="${xmlText(trial.trial)}" time="${seconds([trial])}"`;
  const { outcome } = trial;
  switch (outcome.status) {
    case 'completed':
      return `${open}/>`;
    case 'failed':
      return `${open}><failure type="${xmlText(outcome.code)}" message="${xmlText(`failed in ${outcome.step}`)}">${xmlText(outcome.message)}</failure></testcase>`;
    case 'timed-out':
      return `${open}><error type="${xmlText(outcome.code)}" message="${xmlText(`timed out in ${outcome.step}`)}">${xmlText(outcome.message)}</error></testcase>`;
    case 'invalid':
      return `${open}><skipped message="${xmlText(`void: ${outcome.reasons.join('; ')}`)}"/></testcase>`;
    case 'aborted':
      return `${open}><skipped message="${xmlText(`interrupted in ${outcome.step}: ${outcome.reason}`)}"/></testcase>`;
  }
}
