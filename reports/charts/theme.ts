import type { Config } from 'vega-lite';

/**
 * One colour and one shape per arm, in the plan's order. The colours are Okabe and Ito's set for colour-blind readers
 * ("Color Universal Design", 2008), reordered so that neighbours differ in lightness too; the shapes carry the difference in grey.
 * Each is a custom property of the page, so that the dark page can lighten it; the fallback serves a picture on its own.
 */
const HUES = ['#333333', '#0072b2', '#d55e00', '#009e73', '#cc79a7', '#b8860b', '#56b4e9', '#7b4fa3'];
const SHAPES = [
  'circle',
  'square',
  'triangle-up',
  'diamond',
  'cross',
  'triangle-down',
  'triangle-right',
  'triangle-left',
];

export const ink = 'var(--ink,#1c1c1c)';
export const quiet = 'var(--quiet,#595959)';
export const line = 'var(--line,#c9c9c9)';
export const grid = 'var(--grid,#e6e6e6)';
export const band = 'var(--band,#cfe3d4)';
export const paper = 'var(--paper,#ffffff)';
export const alarm = 'var(--alarm,#b00020)';

export function armColour(index: number): string {
  const n = index % HUES.length;
  return `var(--arm${n},${HUES[n]!})`;
}

export function armShape(index: number): string {
  return SHAPES[index % SHAPES.length]!;
}

export const config: Config = {
  aria: false,
  background: 'transparent',
  font: 'system-ui, sans-serif',
  padding: 4,
  view: { stroke: null },
  axis: {
    labelColor: ink,
    titleColor: quiet,
    domainColor: line,
    tickColor: line,
    gridColor: grid,
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 'normal',
    // Vega cuts labels by its own guess of their width; ours are shortened by count before (words/names.ts).
    labelLimit: 0,
    titleLimit: 0,
    tickSize: 4,
  },
  header: { labelColor: ink, titleColor: quiet, labelFontSize: 11 },
  title: { color: ink, subtitleColor: quiet, fontSize: 12, anchor: 'start', fontWeight: 600 },
  text: { color: ink, fontSize: 11 },
};
