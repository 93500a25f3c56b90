import {
  isMap,
  isPair,
  isScalar,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type Pair,
} from 'yaml';

/** A parsed YAML text that still knows where everything stands. */
export interface PositionedYaml {
  value: unknown;
  /** Syntax errors, ready to print. */
  errors: { message: string; at: string }[];
  /** "line:col" of the value (or the key) at a path; of the nearest parent when the path leads nowhere. */
  locate(path: PropertyKey[], atKey?: boolean): string;
}

/** Parses one YAML document. Aliases are limited, so that a small file can't expand without bound. */
export function parsePositioned(text: string): PositionedYaml {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  const errors = document.errors.map((error) => ({ message: error.message, at: at(error.pos[0]) }));
  return {
    value: errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 100 }),
    errors,
    locate: (path, atKey) => at(offsetOf(document, path, atKey ?? false)),
  };
}

function offsetOf(document: Document, path: PropertyKey[], atKey: boolean): number {
  let node: Node | null | undefined = document.contents as Node | null;
  let offset = node?.range?.[0] ?? 0;
  for (const [index, step] of path.entries()) {
    if (isMap(node)) {
      const pair: Pair<Node, Node | null> | undefined = node.items.find(
        (item): item is Pair<Node, Node | null> =>
          isPair(item) && isScalar(item.key) && String(item.key.value) === String(step),
      );
      if (!pair) return offset;
      const last = index === path.length - 1;
      offset =
        (last && atKey ? pair.key.range?.[0] : (pair.value?.range?.[0] ?? pair.key.range?.[0])) ?? offset;
      node = pair.value;
    } else {
      const child: Node | undefined = (node as { items?: Node[] } | undefined)?.items?.[Number(step)];
      if (!child) return offset;
      offset = child.range?.[0] ?? offset;
      node = child;
    }
  }
  return offset;
}
