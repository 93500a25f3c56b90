import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../../../../results/bench-error.ts';
import { machineStoreRoot } from './store-root.ts';
import type { UnpackedImage } from '../contract.ts';
import { imageConfigSchema, type ImageConfig } from '../format/config.ts';
import { chainIds, type Digest } from '../format/digest.ts';
import type { Descriptor } from '../format/descriptor.ts';
import { checked, parseJson, parseManifest, requireLayers, type Manifest } from '../format/manifest.ts';
import { isManifest, OCI_CONFIG, OCI_MANIFEST } from '../format/media-types.ts';
import { LayerCache, type LayerFacts } from '../layer/layer-cache.ts';
import { removeTree } from '../../rootless/remove-tree.ts';
import { unpackingOf } from '../../rootless/unpacking.ts';
import { ensureLayerTool } from '../native/build-layer-tool.ts';
import type { UnprivilegedUnpack } from '../native/layer-tool.ts';
import { fullName, parseReference } from '../reference.ts';
import { Blobs } from './blobs.ts';
import type { ContainerUse } from '../commands/container-uses.ts';
import { pinnedImages } from './pins.ts';
import { withLease, withLock } from './store-lock.ts';
import { nameOf, REF_NAME, Tags, withName, withoutName } from './tags.ts';

/** An image of the store, its documents read and checked. */
export interface StoredImage {
  /** Whole name; undefined when it has lost it. */
  name: string | undefined;
  descriptor: Descriptor;
  manifest: Manifest;
  config: ImageConfig;
}

/** What a store needs from outside. */
export interface StoreOptions {
  /** Where everything lies; an OCI image layout that skopeo and umoci can read. */
  root: string;
  /** For the compiled tool. */
  cacheDir: string;
}

const LAYOUT = '{"imageLayoutVersion":"1.0.0"}';

/** All images of this machine's user: names, blobs and unpacked layers. */
export class ImageStore {
  readonly root: string;
  readonly blobs: Blobs;
  readonly layers: LayerCache;
  readonly tags: Tags;
  readonly layerTool: () => Promise<string>;

  constructor(options: StoreOptions) {
    this.root = options.root;
    this.blobs = new Blobs(options.root);
    this.tags = new Tags(options.root);
    let tool: Promise<string> | undefined;
    this.layerTool = () => (tool ??= ensureLayerTool(options.cacheDir));
    const removeLayer = (tree: string): Promise<void> => removeTree(tree, options.cacheDir);
    let how: Promise<UnprivilegedUnpack | false> | undefined;
    const unprivileged = (): Promise<UnprivilegedUnpack | false> => (how ??= unpackingOf(options.cacheDir));
    this.layers = new LayerCache(options.root, this.layerTool, unprivileged, removeLayer);
  }

  async prepare(): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: 0o711 });
    await this.blobs.prepare();
    const file = join(this.root, 'oci-layout');
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined) await writeFile(file, LAYOUT);
    else if (
      (parseJson(Buffer.from(text), file) as { imageLayoutVersion?: string }).imageLayoutVersion !== '1.0.0'
    )
      throw new BenchError('image-store', `${file} is of a version that we do not know`);
  }

  /** Runs work that adds content: a prune meanwhile leaves it alone. */
  async adding<T>(work: () => Promise<T>): Promise<T> {
    await this.prepare();
    return withLease(this.root, work);
  }

  /** Every image, one entry for each name; damaged ones are told, not hidden. */
  async list(): Promise<StoredImage[]> {
    const { manifests } = await this.tags.read();
    return Promise.all(manifests.map((descriptor) => this.load(descriptor)));
  }

  /** Reads an image's documents. */
  async load(descriptor: Descriptor): Promise<StoredImage> {
    const what = nameOf(descriptor) ?? descriptor.digest;
    const document = parseManifest(
      await this.blobs.read(descriptor.digest, what),
      descriptor.mediaType,
      what,
    );
    if (document.kind !== 'manifest')
      throw new BenchError('image-manifest', `${what} is an index of images, not an image`);
    requireLayers(document.manifest, what);
    const configBytes = await this.blobs.read(document.manifest.config.digest, `${what}, config`);
    const config = checked(imageConfigSchema, parseJson(configBytes, what), `${what}, config`);
    if ((config.rootfs.diff_ids ?? []).length !== document.manifest.layers.length)
      throw new BenchError('image-manifest', `${what}: manifest and config count different layers`);
    return { name: nameOf(descriptor), descriptor, manifest: document.manifest, config };
  }

  /** The image a name, digest or id prefix means; undefined when there is none. */
  async find(named: string): Promise<StoredImage | undefined> {
    const { manifests } = await this.tags.read();
    const byName = manifests.find((each) => nameOf(each) === wholeName(named));
    if (byName) return this.load(byName);
    const digest = /^(?:.*@)?(?:sha256:)?([0-9a-f]{4,64})$/.exec(named)?.[1];
    if (digest === undefined) return undefined;
    const images = await this.list();
    const hits = images.filter(
      ({ descriptor, manifest }) =>
        descriptor.digest.startsWith(`sha256:${digest}`) ||
        manifest.config.digest.startsWith(`sha256:${digest}`),
    );
    const distinct = new Set(hits.map(({ manifest }) => manifest.config.digest));
    if (distinct.size > 1)
      throw new BenchError('image-ambiguous', `'${named}' could be any of ${distinct.size} images`, {
        hint: 'give more digits',
      });
    return hits[0];
  }

  async get(named: string): Promise<StoredImage> {
    const found = await this.find(named);
    if (found) return found;
    throw new BenchError('image-unknown', `there is no image '${named}' here`, {
      hint: 'bench image ls shows what there is; bench image pull, build and import bring more',
    });
  }

  /** Stores an image's config and manifest over layers that are in the store already, and names it. */
  async add(
    config: ImageConfig,
    layers: Descriptor[],
    name: string | undefined,
    annotations?: Record<string, string>,
  ): Promise<StoredImage> {
    const configBlob = await this.blobs.put(canonical(config));
    return this.addRaw({ mediaType: OCI_CONFIG, ...configBlob }, layers, name, annotations);
  }

  /** The same with a config that is in the store already, byte for byte. */
  async addRaw(
    config: Descriptor,
    layers: Descriptor[],
    name: string | undefined,
    annotations?: Record<string, string>,
  ): Promise<StoredImage> {
    const manifest: Manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers, annotations };
    const blob = await this.blobs.put(canonical(manifest));
    return this.name({ mediaType: OCI_MANIFEST, ...blob }, name);
  }

  /** Enters a manifest of the store under a name (or under none). */
  async name(descriptor: Descriptor, name: string | undefined): Promise<StoredImage> {
    const { mediaType, digest, size } = descriptor;
    if (!isManifest(mediaType)) throw new BenchError('image-manifest', `${mediaType} cannot be given a name`);
    const bare = { mediaType, digest, size };
    const whole = name === undefined ? undefined : fullName(parseReference(name));
    await withLock(this.root, 'index', async () => {
      const index = await this.tags.read();
      if (whole !== undefined) await this.tags.write(withName(index, whole, bare));
      else if (!index.manifests.some((each) => each.digest === digest))
        await this.tags.write({ ...index, manifests: [...index.manifests, bare] });
    });
    return this.load(whole === undefined ? bare : { ...bare, annotations: { [REF_NAME]: whole } });
  }

  /** Takes a name away, or every name when asked by id; content stays until prune. Returns what was taken. */
  async remove(
    named: string,
    options: { force?: boolean; uses?: readonly ContainerUse[] } = {},
  ): Promise<{ untagged: string[]; deleted: boolean }> {
    const image = await this.get(named);
    const { digest } = image.descriptor;
    return withLock(this.root, 'index', async () => {
      const index = await this.tags.read();
      const same = index.manifests.filter((each) => each.digest === digest);
      const names = same.flatMap((each) => nameOf(each) ?? []);
      const byName = image.name !== undefined && image.name === wholeName(named);
      if (!byName && names.length > 1 && !options.force)
        throw new BenchError('image-in-use', `'${named}' has ${names.length} names: ${names.join(', ')}`, {
          hint: 'remove them one by one, or use --force',
        });
      const last = !byName || names.length <= 1;
      const top = chainIds(image.config.rootfs.diff_ids ?? []).at(-1);
      const using = (options.uses ?? []).filter(
        ({ layers }) => top !== undefined && layers.at(-1) === this.layers.treeOf(top),
      );
      const users = last
        ? [...(await pinnedImages(this.root, digest)), ...using.map(({ owner }) => owner)]
        : [];
      if (users.length > 0 && !options.force)
        throw new BenchError('image-in-use', `'${named}' is used by container ${users.join(', ')}`, {
          hint: 'remove the container first, or use --force',
        });
      const after =
        byName && image.name !== undefined
          ? withoutName(index, image.name)
          : { ...index, manifests: index.manifests.filter((each) => each.digest !== digest) };
      await this.tags.write(after);
      return { untagged: byName && image.name !== undefined ? [image.name] : names, deleted: last };
    });
  }

  /** The image's layers as directories, unpacked where they are not yet. */
  async unpack(image: StoredImage, signal?: AbortSignal): Promise<UnpackedImage> {
    const facts = await this.adding(() => this.unpackLayers(image, signal));
    return {
      digest: image.descriptor.digest,
      layers: facts.map(({ tree }) => tree),
      config: image.config,
    };
  }

  async unpackLayers(
    image: { manifest: Pick<Manifest, 'layers'>; config: ImageConfig },
    signal?: AbortSignal,
  ): Promise<LayerFacts[]> {
    const diffIds: Digest[] = image.config.rootfs.diff_ids ?? [];
    const chains = chainIds(diffIds);
    const ready: LayerFacts[] = [];
    for (const [index, layer] of image.manifest.layers.entries()) {
      const [chainId, diffId] = [chains[index], diffIds[index]];
      if (chainId === undefined || diffId === undefined)
        throw new Error('layers and diff ids differ in number');
      ready.push(
        await this.layers.ensure(chainId, diffId, ready, () => ({
          file: this.blobs.path(layer.digest),
          what: `layer ${layer.digest}`,
          digest: layer.digest,
          signal,
        })),
      );
    }
    return ready;
  }
}

/** The store of this machine's user (see machineStoreRoot). */
export async function openImageStore(
  cacheDir: string,
  root: string = machineStoreRoot(),
): Promise<ImageStore> {
  const store = new ImageStore({ root, cacheDir });
  await store.prepare();
  return store;
}

function wholeName(named: string): string | undefined {
  try {
    return fullName(parseReference(named));
  } catch {
    return undefined;
  }
}

/** JSON without undefined, in the order the keys were put: the digest's input. */
function canonical(document: unknown): Buffer {
  return Buffer.from(JSON.stringify(document));
}
