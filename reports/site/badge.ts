import { printable } from '../words/names.ts';

/** Advance of one character of 11 px DejaVu Sans, px; a little wide, so that no text is cut. */
const CHARACTER_PX = 7;
const PADDING_PX = 8;

/** The numbers of a badge: two fields, as wide as their text. The template escapes it. */
export function badge(label: string, value: string) {
  const left = printable(label, 70);
  const right = printable(value, 40);
  const leftWidth = [...left].length * CHARACTER_PX + 2 * PADDING_PX;
  const rightWidth = [...right].length * CHARACTER_PX + 2 * PADDING_PX;
  return {
    label: left,
    value: right,
    width: String(leftWidth + rightWidth),
    leftWidth: String(leftWidth),
    rightWidth: String(rightWidth),
    leftMiddle: String(leftWidth / 2),
    rightMiddle: String(leftWidth + rightWidth / 2),
  };
}
