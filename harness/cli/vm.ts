import type { Verb } from './verb.ts';
import { bootVerbs } from './vm/boot.ts';
import { insideVerbs } from './vm/inside.ts';
import { lifeVerbs } from './vm/life.ts';
import { snapshotVerbs } from './vm/snapshot.ts';

/** Virtual machines as trials get them, for a person who wants to look inside what was measured. */
export const vm: Verb = (program, context) => {
  const group = program
    .command('vm')
    .description('boot virtual machines as trials get them, and look inside')
    .addHelpText(
      'after',
      `
Examples:
  bench vm -o format=raw -- lsblk                    one command in a fresh machine
  bench vm boot -d --matrix homework --arm vm        the machine of a matrix's arm
  bench vm boot -d --name mine cloud-image.qcow2     a disk image with a system of its own
  bench vm shell mine
  bench vm stop mine && bench vm rm mine`,
    );
  bootVerbs(group, context);
  insideVerbs(group, context);
  lifeVerbs(group, context);
  snapshotVerbs(group, context);
};
