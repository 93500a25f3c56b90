/**
 * Columns a text takes in a terminal: combining marks take none, East Asian wide characters two (Unicode TR 11, the ranges that
 * matter), all else one. Good enough to keep a table aligned; a wrong guess shifts a border, never a number.
 */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (/\p{M}/u.test(character)) continue;
    width += isWide(code) ? 2 : 1;
  }
  return width;
}

function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  );
}

/** Cuts a text to a width, with an ellipsis where something is gone. */
export function clip(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let out = '';
  for (const character of text) {
    if (textWidth(out + character) > width - 1) break;
    out += character;
  }
  return out + '…';
}

/** Breaks a text into lines at spaces; a word longer than a line is cut. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of text.split(/[ \n]+/).filter(Boolean)) {
    const next = current === '' ? word : `${current} ${word}`;
    if (textWidth(next) <= width || current === '') current = clip(next, width);
    else {
      lines.push(current);
      current = clip(indent + word, width);
    }
  }
  if (current !== '') lines.push(current);
  return lines;
}
