import { createReadStream } from 'node:fs';
import { mkdtemp, open, readFile, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from '../../../../results/bench-error.ts';
import { decompress } from '../layer/decompress.ts';
import { components } from '../layer/layer-path.ts';
import { nameForPeople, type TarEntry } from '../tar/entry.ts';
import { TarReader } from '../tar/reader.ts';
import { packingOfFile } from './rootfs-archive.ts';

/** An image archive (OCI or docker) has a few dozen members; more is something else. */
const MAX_MEMBERS = 20_000;
const MAX_BYTES = 256 * 2 ** 30;
const CHUNK = 1024 * 1024;

/** The members of an image archive, laid out in a folder of their own: names checked, plain files only, links resolved by us. */
export interface ArchiveFiles {
  /** Absolute path of a member's content; undefined when there is none of that name. */
  path(name: string): string | undefined;
  read(name: string): Promise<Buffer>;
  names(): string[];
}

/**
 * Unpacks an image archive aside and hands it to `work`. Members are written under numbers, never under their own names, so
 * nothing in the archive decides where anything is written. Links (docker save of old versions has them between equal
 * layers) are followed inside the archive by name only.
 */
export async function withArchive<T>(
  file: string,
  scratch: string,
  work: (files: ArchiveFiles) => Promise<T>,
): Promise<T> {
  const packing = await packingOfFile(file);
  const folder = await mkdtemp(join(scratch, 'archive-'));
  try {
    const members = new Map<string, { path: string } | { link: string }>();
    let current: FileHandle | null = null;
    const opened: { name: string; path: string; chunks: Buffer[] }[] = [];
    let count = 0;
    let total = 0;
    const reader = new TarReader({
      entry(entry) {
        if (++count > MAX_MEMBERS) throw tooMuch(file);
        const name = memberName(entry);
        if (entry.type === 'directory') return;
        if (entry.type === 'symlink' || entry.type === 'hardlink') {
          members.set(name, { link: linkName(entry, name) });
          return;
        }
        if (entry.type !== 'file' || entry.segments !== null)
          throw new BenchError('image-archive', `${file}: '${name}' is no plain file`);
        const path = join(folder, String(count));
        members.set(name, { path });
        opened.push({ name, path, chunks: [] });
      },
      data(chunk) {
        total += chunk.length;
        if (total > MAX_BYTES) throw tooMuch(file);
        opened.at(-1)?.chunks.push(chunk);
      },
    });
    const source = createReadStream(file, { highWaterMark: CHUNK });
    for await (const chunk of decompress(source, packing, file)) {
      reader.write(chunk);
      // Everything but the last member is whole now; the last one goes on with the next chunk.
      for (const [index, member] of opened.entries()) {
        if (index > 0 || current === null) {
          await current?.close();
          current = await open(member.path, 'wx', 0o600);
        }
        for (const bytes of member.chunks.splice(0)) await current.appendFile(bytes);
      }
      opened.splice(0, Math.max(0, opened.length - 1));
    }
    await current?.close();
    reader.end();
    return await work(filesOf(file, members));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function filesOf(file: string, members: Map<string, { path: string } | { link: string }>): ArchiveFiles {
  const path = (name: string, hops = 8): string | undefined => {
    const member = members.get(name);
    if (member === undefined || hops === 0) return undefined;
    return 'path' in member ? member.path : path(member.link, hops - 1);
  };
  return {
    path: (name) => path(name),
    names: () => [...members.keys()],
    async read(name) {
      const found = path(name);
      if (found === undefined)
        throw new BenchError('image-archive', `${file}: holds no '${name}'`, {
          hint: 'is it an image archive? A root filesystem tarball goes through bench image import',
        });
      if ((await stat(found)).size > 16 * 2 ** 20)
        throw new BenchError('image-archive', `${file}: '${name}' is too large for what it should be`);
      return readFile(found);
    },
  };
}

function memberName(entry: TarEntry): string {
  return nameForPeople(components(entry.path).join('/'));
}

/** A link's target as a member name: relative to the link for symbolic links, to the archive for hard links. */
function linkName(entry: TarEntry, name: string): string {
  const base = entry.type === 'symlink' ? name.split('/').slice(0, -1) : [];
  const parts = [...base];
  for (const part of nameForPeople(entry.linkTarget).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

function tooMuch(file: string): BenchError {
  return new BenchError('image-archive', `${file}: holds more than an image archive should`);
}
