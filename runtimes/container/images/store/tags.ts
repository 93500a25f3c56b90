import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Descriptor } from '../format/descriptor.ts';
import { checked, indexSchema, parseJson, type ImageIndex } from '../format/manifest.ts';
import { OCI_INDEX } from '../format/media-types.ts';

/** The annotation that names an image in an OCI layout (image-layout.md); skopeo and umoci read it too. */
export const REF_NAME = 'org.opencontainers.image.ref.name';

/** The layout's index.json: which names point at which manifests. Read whole, written whole, under the store's lock. */
export class Tags {
  readonly #file: string;

  constructor(root: string) {
    this.#file = join(root, 'index.json');
  }

  async read(): Promise<ImageIndex> {
    const bytes = await readFile(this.#file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (bytes === undefined) return { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] };
    return checked(indexSchema, parseJson(bytes, this.#file), this.#file);
  }

  async write(index: ImageIndex): Promise<void> {
    const aside = `${this.#file}.${process.pid}`;
    const handle = await open(aside, 'w', 0o644);
    try {
      await handle.writeFile(JSON.stringify(index, null, 2) + '\n');
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await rename(aside, this.#file);
  }
}

export function nameOf(descriptor: Descriptor): string | undefined {
  return descriptor.annotations?.[REF_NAME];
}

/** The index with a name pointing at a manifest; whoever had the name loses it, but its image stays (nameless). */
export function withName(index: ImageIndex, name: string, descriptor: Descriptor): ImageIndex {
  const others = index.manifests.filter((each) => nameOf(each) !== name);
  const lost = index.manifests.filter((each) => nameOf(each) === name && each.digest !== descriptor.digest);
  const orphans = lost
    .filter(({ digest }) => !others.some((each) => each.digest === digest))
    .map((each) => nameless(each));
  const kept = others.filter((each) => !(each.digest === descriptor.digest && nameOf(each) === undefined));
  return {
    ...index,
    manifests: [
      ...kept,
      ...orphans,
      { ...descriptor, annotations: { ...descriptor.annotations, [REF_NAME]: name } },
    ],
  };
}

/** The index without a name; what the name pointed at is prune's business then. */
export function withoutName(index: ImageIndex, name: string): ImageIndex {
  return { ...index, manifests: index.manifests.filter((each) => nameOf(each) !== name) };
}

function nameless(descriptor: Descriptor): Descriptor {
  const annotations = Object.entries(descriptor.annotations ?? {}).filter(([key]) => key !== REF_NAME);
  return { ...descriptor, annotations: annotations.length > 0 ? Object.fromEntries(annotations) : undefined };
}
