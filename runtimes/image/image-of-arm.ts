import { BenchError } from '../../results/bench-error.ts';
import type { Part } from '../../results/record/plan.ts';
import type { Image, RuntimeContext } from '../contract.ts';
import { armImage } from './arm-image.ts';
import type { ImageOption } from './image-source.ts';

/**
 * The image an arm runs on: the run's, or the one that its options name.
 *
 * @throws BenchError `image-missing` when it is to be the run's and there is none; and what armImage throws.
 */
export async function imageOfArm(
  option: ImageOption | undefined,
  runImage: Image | null,
  context: RuntimeContext,
): Promise<{ image: Image; parts: Record<string, Part> }> {
  if (option !== undefined) {
    const { image, part } = await armImage(option, context);
    return { image, parts: { image: part } };
  }
  if (!runImage)
    throw new BenchError('image-missing', 'this arm runs on the guest image, and there is none', {
      hint: 'bench setup makes it',
    });
  return { image: runImage, parts: {} };
}
