import Handlebars from 'handlebars';
import { BenchError } from '../../results/bench-error.ts';
import { isDrawn, type Svg } from '../charts/render.ts';

/**
 * The only place where text enters a page without being escaped. Three things may:
 * pictures that our own renderer drew (it escapes their text), our own style sheet and script, and data that is written so
 * that no character of it can end the element it stands in. A test bans unescaped output everywhere else.
 */

/** A picture drawn by reports/charts; anything else, however it looks, is refused. */
export function svgMarkup(svg: Svg, label: string): Handlebars.SafeString {
  if (!isDrawn(svg))
    throw new BenchError('unsafe-markup', 'only pictures drawn by the report itself may enter a page');
  const open = /^<svg[^>]*viewBox="([^"]*)"[^>]*>/.exec(svg.text);
  if (!open) throw new BenchError('unsafe-markup', 'a drawn picture has no view box');
  const [, , width = '0', height = '0'] = open[1]!.split(' ');
  const tag =
    `<svg role="img" aria-label="${Handlebars.escapeExpression(label)}" viewBox="${Handlebars.escapeExpression(open[1]!)}" ` +
    `width="${Number(width)}" height="${Number(height)}">`;
  // The page defines every colour of the theme; the fallbacks serve a picture on its own.
  const themed = svg.text
    .slice(open[0].length)
    .replace(/="var\((--[a-z0-9]+),#[0-9a-f]{6}\)"/g, '="var($1)"');
  return new Handlebars.SafeString(tag + themed);
}

/** A style sheet or script of ours. It can not hold its own closing tag, or the page would end there. */
export function ownCode(text: string): Handlebars.SafeString {
  if (/<\/(style|script)|<!--/i.test(text))
    throw new BenchError('unsafe-markup', 'an asset holds a closing tag');
  return new Handlebars.SafeString(text);
}

/** JSON for a data block: `<` and the line separators are written as escapes, so the text can not leave its element. */
export function jsonMarkup(value: unknown): Handlebars.SafeString {
  const text = JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return new Handlebars.SafeString(text);
}
