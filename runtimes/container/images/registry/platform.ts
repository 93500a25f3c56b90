import { BenchError } from '../../../../results/bench-error.ts';
import { hostArchitecture } from '../format/config.ts';
import type { Descriptor, Platform } from '../format/descriptor.ts';
import type { ImageIndex } from '../format/manifest.ts';

/** `os/architecture[/variant]`, as Docker's --platform. */
export function parsePlatform(text: string): Platform {
  const [os, architecture, variant, ...rest] = text.split('/');
  if (!os || !architecture || rest.length > 0)
    throw new BenchError('bad-platform', `'${text}' is no platform`, { hint: 'for example linux/amd64' });
  return { os, architecture, variant };
}

/** The image for a platform (this machine's, unless told). An index whose only entry states no platform is taken as it is. */
export function choosePlatform(
  index: ImageIndex,
  what: string,
  wanted: Platform = { os: 'linux', architecture: hostArchitecture() },
): Descriptor {
  const candidates = index.manifests.filter(
    ({ annotations }) => annotations?.['vnd.docker.reference.type'] !== 'attestation-manifest',
  );
  const fits = candidates.filter(
    ({ platform }) =>
      platform?.os === wanted.os &&
      platform.architecture === wanted.architecture &&
      (wanted.variant === undefined || platform.variant === wanted.variant),
  );
  const [first] = fits;
  if (first) return first;
  const [only] = candidates;
  if (only && candidates.length === 1 && only.platform === undefined) return only;
  const offered = candidates.map(({ platform }) =>
    platform ? `${platform.os}/${platform.architecture}` : '?',
  );
  throw new BenchError(
    'image-platform',
    `${what}: has no image for ${wanted.os}/${wanted.architecture}; there is ${[...new Set(offered)].join(', ') || 'none at all'}`,
  );
}
