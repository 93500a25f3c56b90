import type { ProcessConfig } from '../format/config.ts';
import { parseInstruction } from '../dockerfile/parse.ts';
import { dockerfileError } from '../dockerfile/problem.ts';
import { configAfter, expander, workdirAfter } from './config-step.ts';

/** Applies instructions given one by one (`import --change`); those that make layers are refused. */
export function applyChanges(process: ProcessConfig, lines: readonly string[]): ProcessConfig {
  let changed = process;
  for (const [index, line] of lines.entries()) {
    const place = { file: '--change', line: index + 1 };
    const step = parseInstruction(line.trim(), place, '\\');
    const value = expander(changed, new Map(), '\\', place);
    const after =
      step.name === 'WORKDIR'
        ? { ...changed, WorkingDir: workdirAfter(changed, value(step.value)) }
        : configAfter(step, changed, value, place, '\\');
    if (!after) throw dockerfileError(place, `${step.name} cannot be applied to a config alone`);
    changed = after;
  }
  return changed;
}
