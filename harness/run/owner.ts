import { randomBytes } from 'node:crypto';

/** A fresh owner tag: names every host resource of one run, short enough for interface names. */
export function newOwnerTag(): string {
  return `tare-${randomBytes(4).toString('hex')}`;
}
