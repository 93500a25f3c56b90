/** An id for an element of the page: letters, digits and dashes of what it names, whatever that holds. */
export function anchor(...parts: string[]): string {
  return parts
    .map((part) =>
      part.replace(/[^A-Za-z0-9]+/g, (other) => (/^[._ -]$/.test(other) ? '-' : `-${hash(other)}-`)),
    )
    .join('-')
    .slice(0, 120);
}

/** FNV-1a, 32 bits: names that differ only in other characters keep different ids. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ character.codePointAt(0)!, 0x01000193);
  return (value >>> 0).toString(36);
}
