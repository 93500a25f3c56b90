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

/** Nothing is fetched while a picture is drawn: a specification that names a file or an address is a defect of ours. */
const denied = (): Promise<never> =>
  Promise.reject(new BenchError('chart-load', 'a picture tried to load something'));
const loader: vega.Loader = {
  load: denied,
  sanitize: denied,
  http: denied,
  file: denied,
};

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
  // Without a canvas Vega estimates the width of text; said here so that an installed canvas package changes no byte.
  (vega as unknown as { textMetrics: { canvas(use: boolean): void } }).textMetrics.canvas(false);
  const compiled = compile({ config, ...spec } as TopLevelSpec, { logger }).spec;
  const view = new vega.View(vega.parse(compiled, undefined, { ast: true }), {
    renderer: 'none',
    expr: expressionInterpreter,
    loader,
    logger,
  });
  try {
    const svg: Svg = Object.freeze({ text: slimSvg(await view.toSVG(), idPrefix) });
    drawn.add(svg);
    return svg;
  } finally {
    view.finalize();
  }
}
