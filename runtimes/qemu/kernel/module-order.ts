import { BenchError } from '../../../results/bench-error.ts';

/**
 * The files to load, dependencies first, for the modules asked for. `modulesDep` is the text of modules.dep
 * ("a.ko: b.ko c.ko", nearest dependency first), `builtin` of modules.builtin.
 *
 * @throws BenchError `vm-kernel-module-missing`.
 */
export function moduleOrder(modulesDep: string, builtin: string, names: string[]): string[] {
  const needs = new Map<string, string[]>();
  for (const line of modulesDep.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0)
      needs.set(
        line.slice(0, colon),
        line
          .slice(colon + 1)
          .split(' ')
          .filter(Boolean),
      );
  }
  const fileOf = new Map([...needs.keys()].map((file) => [moduleName(file), file]));
  const builtins = new Set(builtin.split('\n').filter(Boolean).map(moduleName));
  const order: string[] = [];
  for (const name of names) {
    const file = fileOf.get(moduleName(name));
    if (!file) {
      if (builtins.has(moduleName(name))) continue;
      throw new BenchError('vm-kernel-module-missing', `the image's kernel has no module ${name}`);
    }
    for (const one of [...(needs.get(file) ?? []).toReversed(), file])
      if (!order.includes(one)) order.push(one);
  }
  return order;
}

/** `kernel/drivers/char/hw_random/virtio-rng.ko` → `virtio_rng`: modprobe treats - and _ as one. */
function moduleName(file: string): string {
  return (file.split('/').at(-1) ?? file).replace(/\.ko(\.\w+)?$/, '').replaceAll('-', '_');
}
