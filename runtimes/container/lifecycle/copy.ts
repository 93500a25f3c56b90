import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  createReadStream,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BenchError } from '../../../results/bench-error.ts';
import { ensureLayerTool } from '../images/native/build-layer-tool.ts';
import { LayerApplier, scanTree } from '../images/native/layer-tool.ts';
import { BLANK_RECORD, encodeRecord, S_IFMT, S_IFREG, type LayerRecord } from '../images/layer/record.ts';
import { pathOf, type Inside } from './inside.ts';
import { openRoot } from './open-root.ts';
import { findRecord, type ContainerRecord } from './record.ts';

const TAR_LIMIT_MS = 3_600_000;

/** One end of a copy: a path of the host, of a container, or a tar archive on our own stream. */
export type CopyEnd =
  | { kind: 'host'; path: string }
  | { kind: 'container'; record: ContainerRecord; path: string }
  | { kind: 'stream' };

/** `NAME:/path`, `-`, or a path of the host (one with a colon is written ./a:b). */
export function parseCopyEnd(text: string): CopyEnd {
  if (text === '-') return { kind: 'stream' };
  const at = text.indexOf(':');
  if (at > 0 && !/^[./]/.test(text))
    return {
      kind: 'container',
      record: findRecord(text.slice(0, at)),
      path: text.slice(at + 1) || '/',
    };
  return { kind: 'host', path: text };
}

/**
 * Copies into or out of a container, running or not, as `docker cp` does: into a folder that exists, or under the name that is
 * given; `/.` at the end of the source means what is in it. What comes in belongs to root inside, what goes out to the caller;
 * with `archive` owners stay as they are.
 *
 * @throws BenchError `copy-ends`, `copy-missing`, `copy-target`, `copy-failed`.
 */
export async function copy(
  from: CopyEnd,
  to: CopyEnd,
  options: { archive: boolean },
  io: { stdin: Readable; stdout: Writable },
): Promise<void> {
  if (from.kind === 'container' && to.kind !== 'container') {
    const root = await openRoot(from.record);
    try {
      await copyOut(root.inside, from.path, to, options, io.stdout);
    } finally {
      await root.close();
    }
  } else if (to.kind === 'container' && from.kind !== 'container') {
    const root = await openRoot(to.record);
    try {
      await copyIn(root.inside, from, to, options, io.stdin);
    } finally {
      await root.close();
    }
  } else
    throw new BenchError('copy-ends', 'one end of a copy is in a container, the other is not', {
      hint: 'bench container cp web:/etc/nginx.conf . or bench container cp ./site web:/srv',
    });
}

async function copyOut(
  inside: Inside,
  path: string,
  to: { kind: 'host'; path: string } | { kind: 'stream' },
  { archive }: { archive: boolean },
  stdout: Writable,
): Promise<void> {
  const { contents, parent, name } = parted(path);
  const found = inside.find(path, contents ? 'all' : 'parents');
  const holder = found && !contents ? inside.find(parent, 'all') : found;
  if (!found || !holder) throw missing(`${path} inside`);
  try {
    const whole = contents || name === '';
    const from = ['-C', pathOf(holder.fd), '--', whole ? '.' : `./${name}`];
    if (to.kind === 'stream') {
      await tar(['-c', ...from], { stdout });
      return;
    }
    const target = resolve(to.path);
    const owner = archive ? ['--same-owner'] : ['--no-same-owner'];
    if (isFolder(target)) await through(from, [...owner, '-C', target]);
    else if (!isFolder(dirname(target))) throw noFolder(dirname(target));
    else if (found.isDirectory) {
      // Under another name: its contents into a folder of that name.
      mkdirSync(target);
      await through(['-C', pathOf(found.fd), '--', '.'], [...owner, '-C', target]);
    } else {
      const aside = mkdtempSync(join(dirname(target), '.tare-cp-'));
      try {
        await through(from, [...owner, '-C', aside]);
        renameSync(join(aside, name), target);
      } finally {
        rmSync(aside, { recursive: true, force: true });
      }
    }
  } finally {
    closeSync(found.fd);
    if (holder !== found) closeSync(holder.fd);
  }
}

async function copyIn(
  inside: Inside,
  from: { kind: 'host'; path: string } | { kind: 'stream' },
  to: { record: ContainerRecord; path: string },
  { archive }: { archive: boolean },
  stdin: Readable,
): Promise<void> {
  const tool = await ensureLayerTool(to.record.cacheDir);
  if (from.kind === 'stream') {
    const aside = mkdtempSync('/var/tmp/tare-cp-');
    try {
      await tar(['-x', '-C', aside], { stdin });
      const folder = inside.find(to.path, 'all');
      if (!folder?.isDirectory) throw noFolder(`${to.path} inside`);
      await plant(tool, { path: aside, contents: true }, folder.fd, '', archive);
      closeSync(folder.fd);
    } finally {
      rmSync(aside, { recursive: true, force: true });
    }
    return;
  }
  const { contents, name } = parted(from.path);
  const source = resolve(from.path);
  if (!lstatSync(source, { throwIfNoEntry: false })) throw missing(from.path);
  const existing = inside.find(to.path, 'all');
  const intoFolder = existing?.isDirectory === true;
  const folder = intoFolder ? existing : inside.find(dirname(to.path.replace(/\/+$/, '')), 'all');
  try {
    if (!folder?.isDirectory || (!intoFolder && to.path.endsWith('/') && !isFolder(source)))
      throw noFolder(`${to.path} inside`);
    if (existing && !intoFolder && isFolder(source))
      throw new BenchError('copy-target', `${to.path} inside is a file: a folder cannot be copied over it`);
    const under = intoFolder ? (contents ? '' : name || basename(source)) : basename(to.path);
    await plant(tool, { path: source, contents }, folder.fd, under, archive);
  } finally {
    if (existing) closeSync(existing.fd);
    if (folder && folder !== existing) closeSync(folder.fd);
  }
}

/**
 * Writes a tree of the host beneath a folder of a container by the tool that unpacks layers: it opens every parent beneath that
 * folder without following a link, so that a program inside cannot send it anywhere else while it writes.
 */
async function plant(
  tool: string,
  source: { path: string; contents: boolean },
  folder: number,
  under: string,
  archive: boolean,
): Promise<void> {
  const tree = isFolder(source.path);
  const records = tree ? await scanTree(tool, source.path) : [await fileRecord(tool, source.path)];
  const applier = new LayerApplier(tool, `${pathOf(folder)}/.`);
  const firstName = new Map<string, string>();
  const folders: LayerRecord[] = [];
  for (const record of records) {
    const path = [under, record.path].filter(Boolean).join('/');
    const owner = archive ? {} : { uid: 0, gid: 0 };
    const placed: LayerRecord = { ...record, ...owner, path };
    if (record.kind === 'directory') {
      if (path === '') continue; // the folder that was named keeps its own attributes
      await applier.write([encodeRecord(placed)]);
      folders.push({ ...placed, kind: 'attributes' });
      continue;
    }
    await applier.write([encodeRecord({ ...BLANK_RECORD, kind: 'remove', path })]);
    const first = record.nlink > 1 ? firstName.get(record.inode) : undefined;
    if (first !== undefined)
      await applier.write([encodeRecord({ ...placed, kind: 'hardlink', linkTarget: first, xattrs: [] })]);
    else await plantOne(applier, placed, tree ? join(source.path, name(record)) : source.path);
    firstName.set(record.inode, path);
  }
  // Attributes of folders come last, since writing into one changes its time.
  for (const record of folders.reverse()) await applier.write([encodeRecord(record)]);
  await applier.write([encodeRecord(BLANK_RECORD)]);
  await applier.finish();
}

async function plantOne(applier: LayerApplier, record: LayerRecord, source: string): Promise<void> {
  if (record.kind !== 'file') {
    await applier.write([encodeRecord(record)]);
    return;
  }
  const whole = { ...record, segments: null, dataLength: record.size };
  await applier.write([encodeRecord(whole)]);
  let left = record.size;
  if (left === 0) return;
  for await (const chunk of createReadStream(source, { end: left - 1 })) {
    left -= (chunk as Buffer).length;
    await applier.write([chunk as Buffer]);
  }
  if (left > 0) {
    await applier.abandon();
    throw new BenchError('copy-failed', `${source} became shorter while it was copied`);
  }
}

/** One file, link or node, as a listing of its folder has it. */
async function fileRecord(tool: string, path: string): Promise<LayerRecord> {
  const stat = lstatSync(path);
  if ((stat.mode & S_IFMT) === S_IFREG)
    return {
      ...BLANK_RECORD,
      kind: 'file',
      mode: stat.mode,
      uid: stat.uid,
      gid: stat.gid,
      mtimeSec: Math.floor(stat.mtimeMs / 1000),
      size: stat.size,
      nlink: 1,
    };
  const found = (await scanTree(tool, dirname(path))).find((each) => name(each) === basename(path));
  if (!found) throw missing(path);
  return { ...found, path: '', nlink: 1 };
}

function name(record: LayerRecord): string {
  return Buffer.from(record.path, 'latin1').toString('utf8');
}

/** The last name of a path, the folder it is in, and whether `/.` at the end asks for what is in it. */
export function parted(path: string): { contents: boolean; parent: string; name: string } {
  const contents = /(^|\/)\.$/.test(path);
  const plain = path.replace(/(\/\.?)+$/, '') || '/';
  return { contents, parent: dirname(plain), name: plain === '/' ? '' : basename(plain) };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** From one tar into another: archives never follow links, and what they hold is only ever put below the target. */
async function through(from: readonly string[], to: readonly string[]): Promise<void> {
  const between = new PassThrough();
  await Promise.all([
    tar(['-c', ...from], { stdout: between }),
    tar(['-x', '-p', ...to], { stdin: between }),
  ]);
}

/** @throws BenchError `copy-failed` with tar's own words. */
async function tar(argv: readonly string[], io: { stdin?: Readable; stdout?: Writable }): Promise<void> {
  const child = spawn('tar', ['--numeric-owner', ...argv], {
    stdio: [io.stdin ? 'pipe' : 'ignore', io.stdout ? 'pipe' : 'ignore', 'pipe'],
    timeout: TAR_LIMIT_MS,
  });
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => (words += chunk.toString()));
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  const moved = [
    // A tar that ends early says why by its exit; the broken pipe would only hide it.
    ...(io.stdin && child.stdin ? [pipeline(io.stdin, child.stdin).catch(() => undefined)] : []),
    ...(io.stdout && child.stdout
      ? [pipeline(child.stdout, io.stdout, { end: io.stdout !== process.stdout })]
      : []),
  ];
  const [code, signal] = await closed;
  await Promise.all(moved);
  if (code !== 0)
    throw new BenchError('copy-failed', `the copy failed: ${words.trim() || `tar ended by ${signal}`}`);
}

function missing(what: string): BenchError {
  return new BenchError('copy-missing', `${what} does not exist`);
}

function noFolder(what: string): BenchError {
  return new BenchError('copy-target', `${what} is not a folder that exists`, {
    hint: 'the folder to copy into, or the parent of the new name, must be there',
  });
}
