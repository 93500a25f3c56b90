import type { Command } from 'commander';
import type { VerbContext } from '../verb.ts';

/** Adds the verbs of one kind. */
export type Words = (group: Command, context: VerbContext) => void;

/** A verb below `bench container` with its example. */
export function word(group: Command, usage: string, description: string, example: string): Command {
  return group
    .command(usage)
    .description(description)
    .addHelpText('after', `\nExample:\n  bench container ${example}`);
}

/** For an option that may be given several times. */
export const collect = (value: string, list: string[]): string[] => [...list, value];

/** The life cycle is loaded only when one of its verbs is called. */
export const life = () => import('../../../runtimes/container/lifecycle/index.ts');

/** Our own streams. */
export function ownStreams({ signal }: Pick<VerbContext, 'signal'>) {
  const { stdin, stdout, stderr } = process;
  return { stdin, stdout, stderr, signal };
}
