import * as z from 'zod';
import { hostPath, shortPath } from '../parts/host-path.ts';

/** Names that end so are files; whatever else is one says it by its first characters. */
const TARBALL = /\.(tar|tgz|txz|tbz2|tzst|tar\.(gz|xz|bz2|zst))$/i;
const DISK = /\.(qcow2|raw|img|vmdk|vhdx?)$/i;
const PATH = /^(\/|\.\.?\/)/;

/** Our own recipe with other packages or another Debian release. */
export const recipeChangeSchema = z
  .strictObject({
    suite: z
      .string()
      .regex(/^[a-z][a-z0-9-]{1,30}$/, 'a Debian release by its code name, e.g. trixie')
      .optional(),
    packages: z
      .array(z.string().regex(/^[a-z0-9][a-z0-9.+-]*$/, 'the name of a Debian package'))
      .optional()
      .meta({ description: 'installed beside those every image has' }),
  })
  .refine((change) => change.suite !== undefined || (change.packages ?? []).length > 0, {
    message: 'a recipe that changes nothing: name a suite or packages',
  });
export type RecipeChange = z.output<typeof recipeChangeSchema>;

/** The option `image` of an arm: where its userland comes from, when it is not the run's own guest image. */
export const imageOptionSchema = z.union([z.string().min(1).max(500), recipeChangeSchema]).meta({
  description:
    "this arm's userland instead of the run's: a root filesystem tarball (path), an image of the store (name), or a recipe {suite, packages}",
});
export type ImageOption = z.output<typeof imageOptionSchema>;

/** What an `image` option means. */
export type ImageSource =
  | { kind: 'tarball'; path: string }
  /** A disk image with a system of its own: started by its firmware, in a virtual machine only. */
  | { kind: 'disk'; path: string }
  /** Name, digest or id of an image in our store. */
  | { kind: 'reference'; reference: string }
  | { kind: 'recipe'; change: RecipeChange };

export function imageSource(option: ImageOption): ImageSource {
  if (typeof option !== 'string') return { kind: 'recipe', change: option };
  if (DISK.test(option)) return { kind: 'disk', path: option };
  if (TARBALL.test(option) || PATH.test(option)) return { kind: 'tarball', path: option };
  return { kind: 'reference', reference: option };
}

/** The option with its file name absolute. */
export function resolveImage(option: ImageOption | undefined, folder: string): ImageOption | undefined {
  if (option === undefined || typeof option !== 'string') return option;
  return imageSource(option).kind === 'reference' ? option : hostPath(option, folder);
}

/** A few words for an arm's label. */
export function imageLabel(option: ImageOption): string {
  const source = imageSource(option);
  switch (source.kind) {
    case 'recipe':
      return `image ${[source.change.suite, ...(source.change.packages ?? []).map((name) => `+${name}`)].filter(Boolean).join(' ')}`;
    case 'reference':
      return `image ${source.reference}`;
    default:
      return `image ${shortPath(source.path)}`;
  }
}
