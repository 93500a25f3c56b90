import * as z from 'zod';
import { imageLabel, imageOptionSchema, resolveImage } from '../image/image-source.ts';
import { hostPath, shortPath } from '../parts/host-path.ts';

/** What native and our container can be given in place of the run's own: to compare two of them in one job. */
export const exchangeableSchema = z.strictObject({
  launcher: z.string().min(1).max(500).optional().meta({
    description: "path of another build of Tare's launcher, which starts every process of this arm",
  }),
  image: imageOptionSchema.optional(),
});
export type Exchangeable = z.output<typeof exchangeableSchema>;

export function resolveExchangeable<Options extends Exchangeable>(options: Options, folder: string): Options {
  return {
    ...options,
    ...(options.launcher !== undefined && { launcher: hostPath(options.launcher, folder) }),
    ...(options.image !== undefined && { image: resolveImage(options.image, folder) }),
  };
}

/** 'container, launcher slow/tare-launch, image debian:13': only what differs from the run's own. */
export function exchangeableLabel(runtime: string, { launcher, image }: Exchangeable): string {
  return [
    runtime,
    ...(launcher === undefined ? [] : [`launcher ${shortPath(launcher)}`]),
    ...(image === undefined ? [] : [imageLabel(image)]),
  ].join(', ');
}
