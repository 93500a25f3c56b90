/** A comma inside a value is doubled in QEMU's option syntax. */
export function quote(value: string): string {
  return value.replaceAll(',', ',,');
}
