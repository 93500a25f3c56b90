import * as vega from 'vega';
import { expressionInterpreter } from 'vega-interpreter';
import { compile, type TopLevelSpec } from 'vega-lite';
import { BenchError } from '../../results/bench-error.ts';
import { slimSvg } from './slim-svg.ts';
import { config } from './theme.ts';

/** A picture as SVG text, made by Vega from data that was inlined; the only kind of markup the page takes in. */
export interface Svg {
  readonly text: string;
}

const drawn = new WeakSet<Svg>();

/** True for what `drawSvg` itself made: nothing else may enter a page unescaped. */
export function isDrawn(svg: Svg): boolean {
  return drawn.has(svg);
}

/** Of DejaVu Sans, the widest of the sans-serif fonts that a page is likely to meet, over English text: 0.58; a little air on top. */
const EM_PER_CHARACTER = 0.62;

/** vega-scenegraph's, which Vega exports and its types leave out. */
const { textMetrics } = vega as unknown as {
  textMetrics: { canvas(use: boolean): void; width: (item: { fontSize?: number }, text: unknown) => number };
};

/**
 * Nothing is fetched while a picture is drawn: a specification that names a file or an address is a defect of ours. Vega
 * waits for ever when its loader and its logger both fail, so the attempt itself ends the drawing.
 */
function deniedLoader(): { loader: vega.Loader; attempted: Promise<never> } {
  let refuse: (error: BenchError) => void = () => undefined;
  const attempted = new Promise<never>((_, reject) => {
    refuse = reject;
  });
  attempted.catch(() => undefined);
  const denied = (): Promise<never> => {
    refuse(new BenchError('chart-load', 'a picture tried to load something'));
    return attempted;
  };
  return { loader: { load: denied, sanitize: denied, http: denied, file: denied }, attempted };
}

/** Finds an address anywhere in a compiled specification but among the data's own values. */
function refuseAddresses(node: unknown): void {
  if (node === null || typeof node !== 'object') return;
  if ('url' in node) throw new BenchError('chart-load', 'a picture names an address to load something from');
  for (const [key, child] of Object.entries(node)) if (key !== 'values') refuseAddresses(child);
}

/** Vega logs and goes on; a warning in a published picture is an error here. */
const logger: vega.LoggerInterface = {
  level: (() => logger) as vega.LoggerInterface['level'],
  error: complain,
  warn: complain,
  info: () => logger,
  debug: () => logger,
};

function complain(...words: readonly unknown[]): never {
  throw new BenchError('chart', `Vega: ${words.map(String).join(' ')}`);
}

/**
 * Draws a Vega-Lite specification. Expressions are walked by vega-interpreter, never compiled to code, so data can not
 * become a program; the same specification gives the same bytes.
 */
export async function drawSvg(spec: TopLevelSpec, idPrefix: string): Promise<Svg> {
  // Room for text is reckoned from its length alone, so that an installed canvas package or font changes no byte.
  textMetrics.canvas(false);
  textMetrics.width = (item, text) => String(text ?? '').length * (item.fontSize ?? 11) * EM_PER_CHARACTER;
  const compiled = compile({ config, ...spec } as TopLevelSpec, { logger }).spec;
  refuseAddresses(compiled);
  const { loader, attempted } = deniedLoader();
  const view = new vega.View(vega.parse(compiled, undefined, { ast: true }), {
    renderer: 'none',
    expr: expressionInterpreter,
    loader,
    logger,
  });
  try {
    const svg: Svg = Object.freeze({
      text: slimSvg(await Promise.race([view.toSVG(), attempted]), idPrefix),
    });
    drawn.add(svg);
    return svg;
  } finally {
    view.finalize();
  }
}
