/**
 * Vega's SVG says much that a static picture inside a page does not need: handlers' attributes, roles of marks, empty paths,
 * digits beyond a hundredth of a pixel. Without them a page of thirty pictures is half the size. Only tags are rewritten,
 * never text; names of definitions get the picture's own prefix, as many pictures share one document.
 *
 * A mark's description (Vega writes it as aria-label) becomes a <title>: browsers show it on hover without any script.
 */
export function slimSvg(svg: string, idPrefix: string): string {
  const ids = new Map<string, string>();
  const ownId = (id: string): string => {
    if (!ids.has(id)) ids.set(id, `${idPrefix}-${ids.size}`);
    return ids.get(id)!;
  };
  return svg
    .replace(EMPTY_PATH, '')
    .replace(HIDDEN_TEXT, '')
    .replace(TAG, (tag) => slimTag(tag, ownId))
    .replace(EMPTY_GROUP, '')
    .replace(EMPTY_GROUP, '');
}

const TAG = /<[a-zA-Z](?:[^<>"]|"[^"]*")*>/g;
const EMPTY_PATH = /<path (?=[^<>]*d="(?:|M0,0h0v0h0Z)")[^<>]*\/>/g;
/** Axis labels that would overlap stay in the document with opacity 0; screen readers and copying would find them. */
const HIDDEN_TEXT = /<text (?:[^<>"]|"[^"]*")* opacity="0">[^<]*<\/text>/g;
const EMPTY_GROUP = /<g(?: [^<>]*)?><\/g>/g;
const DROPPED =
  / (?:aria-hidden|aria-roledescription|role|pointer-events|xmlns:xlink|version|stroke-miterlimit|class|opacity="1")(?:="[^"]*")?(?=[ />])/g;

function slimTag(tag: string, ownId: (id: string) => string): string {
  const slim = tag
    .replace(/ opacity="1"(?=[ />])/g, '')
    .replace(DROPPED, '')
    .replace(/ text-anchor="start"(?=[ />])/g, '')
    .replace(/ font-weight="normal"(?=[ />])/g, '')
    .replace(/ font-family="[^"]*"(?=[ />])/g, '')
    .replace(/ stroke-width="1"(?=[ />])/g, '')
    .replace(/ fill="transparent"(?=[ />])/g, ' fill="none"')
    .replace(/ transform="translate\(0,0\)"(?=[ />])/g, '')
    .replace(/(?<= (?:d|transform|x2|y2|x|y|width|height|viewBox)="[^"]*?)-?\d+\.\d{3,}/g, (digits) =>
      String(Math.round(Number(digits) * 100) / 100),
    )
    .replace(/(?<= id=")[^"]*/g, ownId)
    .replace(/(?<=="url\(#)[^)"]*/g, ownId);
  const label = / aria-label="([^"]*)"/.exec(slim);
  if (!label) return slim;
  const bare = slim.replace(label[0], '');
  const name = /^<([a-z]+)/.exec(bare)?.[1];
  if (!bare.endsWith('/>') || !name) return bare;
  return `${bare.slice(0, -2)}><title>${label[1]!}</title></${name}>`;
}
