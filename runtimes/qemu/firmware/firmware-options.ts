import * as z from 'zod';
import { imageSource, type ImageOption } from '../../image/image-source.ts';

export const firmwareOption = z.enum(['bios', 'uefi']).default('bios').meta({
  description: 'what starts the system on a disk image: SeaBIOS, or UEFI (OVMF)',
});

export const toolsOption = z.enum(['ours', 'image']).default('ours').meta({
  description:
    "whose programs measure in a machine of a disk image: ours, the same bytes as in every other arm, or the image's own",
});

/** The options that speak of a user's disk image. */
export interface FirmwareOptions {
  image?: ImageOption;
  firmware: 'bios' | 'uefi';
  tools: 'ours' | 'image';
  machine: string;
  kernel?: string;
}

/** Path of the user's disk image; null for a machine that starts our kernel on a root filesystem. */
export function systemDisk(options: Pick<FirmwareOptions, 'image'>): string | null {
  const source = options.image === undefined ? undefined : imageSource(options.image);
  return source?.kind === 'disk' ? source.path : null;
}

/** Commands run in the image's own tree, instead of in ours beside it. */
export function runsInImage(options: Pick<FirmwareOptions, 'image' | 'tools'>): boolean {
  return systemDisk(options) !== null && options.tools === 'image';
}

/** Where the tree that commands see lies, seen from our agent: a user's system is the root of its own first process. */
export function insideRoot(options: Pick<FirmwareOptions, 'image' | 'tools'>): string {
  return runsInImage(options) ? '/proc/1/root' : '';
}

/** Option → what is wrong with it. */
export function firmwareContradictions(options: FirmwareOptions): [string, string][] {
  const wrong: [string, string][] = [];
  if (systemDisk(options) === null) {
    const without = 'only a machine of a disk image has one (image: path/to.qcow2)';
    if (options.firmware !== 'bios') wrong.push(['firmware', without]);
    if (options.tools !== 'ours') wrong.push(['tools', without]);
    return wrong;
  }
  if (options.machine === 'microvm')
    wrong.push(['machine', 'microvm has no firmware that starts a disk: pc or q35']);
  if (options.kernel !== undefined)
    wrong.push(['kernel', 'a disk image brings its own kernel: leave kernel or image out']);
  return wrong;
}

/** Words of an arm's label, beside the image's name. */
export function firmwareLabel(options: FirmwareOptions): string[] {
  if (systemDisk(options) === null) return [];
  return [
    ...(options.firmware === 'uefi' ? ['UEFI'] : []),
    ...(options.tools === 'image' ? ["the image's own tools"] : []),
  ];
}
