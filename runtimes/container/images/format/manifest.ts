import * as z from 'zod';
import { BenchError } from '../../../../results/bench-error.ts';
import { descriptorSchema, type Descriptor } from './descriptor.ts';
import {
  DOCKER_INDEX,
  DOCKER_MANIFEST,
  OCI_INDEX,
  OCI_MANIFEST,
  isIndex,
  isManifest,
  layerCompression,
} from './media-types.ts';

/** Largest manifest or index accepted: what registries themselves accept (4 MiB, distribution's default). */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
/** More layers than overlayfs can stack (OVL_MAX_STACK is 500) cannot be run anyway. */
const MAX_LAYERS = 500;

export const manifestSchema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.enum([OCI_MANIFEST, DOCKER_MANIFEST]).optional(),
  artifactType: z.string().optional(),
  config: descriptorSchema,
  layers: z.array(descriptorSchema).max(MAX_LAYERS),
  annotations: z.record(z.string(), z.string()).optional(),
});
export type Manifest = z.infer<typeof manifestSchema>;

export const indexSchema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.enum([OCI_INDEX, DOCKER_INDEX]).optional(),
  manifests: z.array(descriptorSchema).max(10_000),
  annotations: z.record(z.string(), z.string()).optional(),
});
export type ImageIndex = z.infer<typeof indexSchema>;

export type ManifestOrIndex =
  | { kind: 'manifest'; mediaType: string; manifest: Manifest }
  | { kind: 'index'; mediaType: string; index: ImageIndex };

/**
 * Reads a manifest or an index at the door. The media type stated outside (descriptor, Content-Type) wins; a document whose
 * own `mediaType` contradicts it is refused, and so is one with both `manifests` and `layers` (CVE-2021-41190: the same bytes
 * read as two different things).
 */
export function parseManifest(
  bytes: Uint8Array,
  statedType: string | undefined,
  what: string,
): ManifestOrIndex {
  if (bytes.length > MAX_MANIFEST_BYTES)
    throw new BenchError('image-manifest', `${what}: manifest of ${bytes.length} bytes is too large`);
  const document = parseJson(bytes, what);
  const object = z.record(z.string(), z.unknown()).safeParse(document);
  if (!object.success) throw new BenchError('image-manifest', `${what}: manifest is no JSON object`);
  if (object.data['schemaVersion'] === 1)
    throw new BenchError('image-manifest', `${what}: Docker schema 1 is not supported`, {
      hint: 'it was withdrawn in 2015; push the image again with a current tool',
    });
  const inner = object.data['mediaType'];
  if (typeof inner === 'string' && statedType !== undefined && statedType !== inner)
    throw new BenchError('image-manifest', `${what}: served as ${statedType} but calls itself ${inner}`);
  const hasLists = 'manifests' in object.data;
  const hasLayers = 'layers' in object.data || 'config' in object.data;
  if (hasLists && hasLayers)
    throw new BenchError('image-manifest', `${what}: is ambiguous: it has both manifests and layers`);
  const mediaType = statedType ?? (typeof inner === 'string' ? inner : hasLists ? OCI_INDEX : OCI_MANIFEST);
  if (isIndex(mediaType)) return { kind: 'index', mediaType, index: checked(indexSchema, object.data, what) };
  if (isManifest(mediaType))
    return { kind: 'manifest', mediaType, manifest: checked(manifestSchema, object.data, what) };
  throw new BenchError('image-manifest', `${what}: ${mediaType} is no image manifest that we understand`);
}

/** Reads JSON; the error names the document. */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new BenchError('image-json', `${what}: is not valid JSON`, { cause });
  }
}

/** Applies a schema; the error names the document and the first thing that is wrong in it. */
export function checked<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new BenchError('image-schema', `${what}: ${issue?.path.join('.') || '(top)'}: ${issue?.message}`, {
    cause: result.error,
  });
}

/** Refuses an image that is no container image (a signature, an SBOM, an artifact …) before its layers are fetched. */
export function requireLayers(manifest: Manifest, what: string): Descriptor[] {
  for (const layer of manifest.layers)
    if (layerCompression(layer.mediaType) === undefined)
      throw new BenchError('image-media-type', `${what}: ${layer.mediaType} is no filesystem layer`, {
        hint: 'this looks like an artifact, not a container image',
      });
  return manifest.layers;
}
