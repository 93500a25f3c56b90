import type { GateRecord } from '../../results/record/gate.ts';

/** GitHub's workflow commands: one annotation per metric that did not pass, and a notice with the answer. */
export function annotationsOfGate(gate: GateRecord): string[] {
  const lines = gate.metrics
    .filter(({ answer }) => answer !== 'pass')
    .map(({ answer, name, why }) =>
      command(answer === 'fail' ? 'error' : 'warning', `bench gate: ${name}`, `${name}: ${why}`),
    );
  return [
    ...lines,
    ...gate.warnings.map((warning) => command('warning', 'bench gate', warning)),
    command('notice', 'bench gate', `${gate.answer}: ${gate.why}`),
  ];
}

/** `::error title=…::message`, escaped as the runner's parser undoes it, so that a name cannot smuggle in a command. */
function command(kind: 'error' | 'warning' | 'notice', title: string, message: string): string {
  const data = (text: string): string =>
    text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  return `::${kind} title=${data(title).replaceAll(':', '%3A').replaceAll(',', '%2C')}::${data(message)}`;
}
