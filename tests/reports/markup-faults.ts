const ELEMENTS = new Set(
  (
    'html head meta title link style body a header p span h1 h2 h3 time strong b em small nav ul li main section dl div dt dd ' +
    'table caption thead tbody tr th td details summary figure figcaption footer code pre script ' +
    'svg g path line rect text tspan defs clippath'
  ).split(' '),
);
const ATTRIBUTES = new Set(
  (
    'lang charset http-equiv content name rel href class id datetime role aria-label aria-labelledby aria-hidden tabindex scope ' +
    'download title viewbox width height fill stroke stroke-width stroke-dasharray stroke-linecap fill-opacity stroke-opacity ' +
    'opacity transform d x y x1 x2 y1 y2 dx dy text-anchor font-size font-weight clip-path xmlns ' +
    'data-workload data-metric data-arm data-label type'
  ).split(' '),
);

/**
 * Elements and attributes of a page that our templates never write. A parser of its own, strict where browsers forgive:
 * what does not tokenise as we write it counts as a fault, so that a name which breaks out of its place is seen.
 */
export function markupFaults(html: string): string[] {
  const faults: string[] = [];
  const count = { script: 0, style: 0 };
  // The contents of our one script and style sheet hold no markup; they are covered by hashes and by safe-markup.ts.
  const body = html.replace(/<(script|style)>.*?<\/\1>/gs, (_, name: 'script' | 'style') => {
    count[name]++;
    return `<${name}></${name}>`;
  });
  if (count.script > 1 || count.style > 1)
    faults.push(`${count.script} scripts, ${count.style} style sheets`);
  const tag =
    /<(\/?)([a-zA-Z][a-zA-Z0-9]*)((?: [a-zA-Z][a-zA-Z0-9-]*(?:="[^"<>]*")?)*)\/?>|<!doctype html>|[<>]/gy;
  let at = 0;
  while (at < body.length) {
    const next = body.slice(at).search(/[<>]/);
    if (next < 0) break;
    at += next;
    tag.lastIndex = at;
    const match = tag.exec(body);
    if (!match || match[0] === '<' || match[0] === '>') {
      faults.push(`stray bracket: ${body.slice(at, at + 60)}`);
      at++;
      continue;
    }
    at += match[0].length;
    if (match[2] === undefined) continue;
    if (!ELEMENTS.has(match[2].toLowerCase())) faults.push(`element ${match[2]}`);
    for (const [, name = '', value = ''] of (match[3] ?? '').matchAll(
      / ([a-zA-Z][a-zA-Z0-9-]*)(?:="([^"<>]*)")?/g,
    )) {
      if (!ATTRIBUTES.has(name.toLowerCase())) faults.push(`attribute ${name}`);
      if (
        name === 'href' &&
        !/^(#[\w-]*|data:,|data:application\/gzip;base64,.*|(\.\.\/)*[\w./-]*(#[\w-]*)?)$/.test(value)
      )
        faults.push(`link ${value.slice(0, 60)}`);
    }
    if (faults.length > 20) break;
  }
  return faults;
}
