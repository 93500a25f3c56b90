import type { GateMetricRecord, GateRecord } from '../../results/record/gate.ts';

/** The gate as JUnit XML: one test case per metric; inconclusive ones are errors, so that no CI shows them as passed. */
export function junitOfGate(gate: GateRecord): string {
  const count = (answer: GateRecord['answer']): number =>
    gate.metrics.filter((one) => one.answer === answer).length;
  const suite = `tests="${gate.metrics.length}" failures="${count('fail')}" errors="${count('inconclusive')}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="bench gate" ${suite}>`,
    `  <testsuite name="${xml(`${gate.candidate} against ${gate.reference}`)}" ${suite}>`,
    ...gate.metrics.map(testCase),
    `    <system-out>${xml([gate.why, ...(gate.differs ?? []), ...gate.warnings].join('\n'))}</system-out>`,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function testCase({ name, workload, answer, why }: GateMetricRecord): string {
  const open = `    <testcase classname="${xml(workload)}" name="${xml(name)}"`;
  if (answer === 'pass') return `${open}><system-out>${xml(why)}</system-out></testcase>`;
  const tag = answer === 'fail' ? 'failure' : 'error';
  return `${open}><${tag} message="${xml(why)}"/></testcase>`;
}

/** Text safe in XML 1.0, in elements and in attributes: escaped, and without the characters that XML cannot hold. */
function xml(text: string): string {
  const escapes: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    '\n': '&#10;',
    '\t': '&#9;',
  };
  return text
    .replace(/[^\t\n\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '\u{FFFD}')
    .replace(/[&<>"\n\t]/g, (character) => escapes[character] as string);
}
