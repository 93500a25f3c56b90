import { lstatSync, readlinkSync } from 'node:fs';
import { hostPath, LayerStack, type LowerLayer, type LowerView } from '../layer/lower-view.ts';
import { BLANK_RECORD, S_IFMT, type LayerRecord } from '../layer/record.ts';
import { scanTree } from '../native/layer-tool.ts';
import { nameForPeople, type RawName } from '../tar/entry.ts';
import type { DockerIgnore } from '../dockerfile/docker-ignore.ts';

/** Where COPY takes files from: the build context, or another stage's tree. */
export interface SourceTree {
  view: LowerView;
  /** For messages. */
  what: string;
  /** Owners are kept (another stage) or not (the context: whoever unpacked it here means nothing inside). */
  keepsOwners: boolean;
  /** Everything known of what lies at a canonical path, and where its content is on the host. */
  entry(path: readonly RawName[]): { record: LayerRecord; content: Buffer };
  /** Left out by .dockerignore. */
  ignores(path: readonly RawName[]): boolean;
}

/** The build context: a folder on the host. Links that lead out of it are resolved inside it, as everything here. */
export function contextTree(folder: string, ignore: DockerIgnore): SourceTree {
  const stack = new LayerStack([{ tree: folder, opaque: new Set(), xattrs: new Map() }]);
  return {
    view: stack,
    what: 'the build context',
    keepsOwners: false,
    ignores: (path) => path.length > 0 && ignore.ignores(nameForPeople(path.join('/'))),
    entry(path) {
      const content = hostPath(folder, path.join('/'));
      const stats = lstatSync(content);
      const type = stats.isDirectory()
        ? 'directory'
        : stats.isFile()
          ? 'file'
          : stats.isSymbolicLink()
            ? 'symlink'
            : 'node';
      return {
        content,
        record: {
          ...BLANK_RECORD,
          kind: type,
          path: path.join('/'),
          mode: stats.mode,
          mtimeSec: Math.floor(stats.mtimeMs / 1000),
          linkTarget: type === 'symlink' ? readlinkSync(content, 'buffer').toString('latin1') : '',
          size: type === 'file' ? stats.size : 0,
          dataLength: type === 'file' ? stats.size : 0,
          inode: `${stats.dev}:${stats.ino}`,
          nlink: stats.nlink,
        },
      };
    },
  };
}

/** Another stage's (or image's) merged tree, with its extended attributes and holes. */
export async function layersTree(layers: LowerLayer[], tool: string, what: string): Promise<SourceTree> {
  const stack = new LayerStack(layers);
  const listings = new Map<string, Map<RawName, LayerRecord>>();
  for (const { tree } of layers)
    listings.set(tree, new Map((await scanTree(tool, tree)).map((record) => [record.path, record])));
  return {
    view: stack,
    what,
    keepsOwners: true,
    ignores: () => false,
    entry(path) {
      const key = path.join('/');
      const tree = stack.provider(path);
      const record = tree === undefined ? undefined : listings.get(tree)?.get(key);
      if (tree === undefined || !record) throw new Error(`'${key}' vanished from ${what}`);
      return { record, content: hostPath(tree, key) };
    },
  };
}

/** True for what can be copied: sockets and foreign things cannot. */
export function isCopyable(record: LayerRecord): boolean {
  return record.kind !== 'node' || (record.mode & S_IFMT) === 0o010000 || (record.mode & S_IFMT) === 0o020000;
}
