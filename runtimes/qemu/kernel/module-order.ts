/**
 * The files to load, dependencies first, for the modules asked for. `modulesDep` is the text of modules.dep
 * ("a.ko: b.ko c.ko", nearest dependency first). What is neither a module nor built in is left out: missingDrivers tells it.
 */
export function moduleOrder(modulesDep: string, names: readonly string[]): string[] {
  const needs = dependenciesOf(modulesDep);
  const fileOf = new Map([...needs.keys()].map((file) => [moduleName(file), file]));
  const order: string[] = [];
  for (const name of names) {
    const file = fileOf.get(moduleName(name));
    if (!file) continue;
    for (const one of [...(needs.get(file) ?? []).toReversed(), file])
      if (!order.includes(one)) order.push(one);
  }
  return order;
}

/** Those of the names that are neither among the modules nor built in. `builtin` is the text of modules.builtin. */
export function missingDrivers(modulesDep: string, builtin: string, names: readonly string[]): string[] {
  const there = new Set(
    [...dependenciesOf(modulesDep).keys(), ...builtin.split('\n').filter(Boolean)].map(moduleName),
  );
  return names.filter((name) => !there.has(moduleName(name)));
}

function dependenciesOf(modulesDep: string): Map<string, string[]> {
  return new Map(
    modulesDep.split('\n').flatMap((line) => {
      const colon = line.indexOf(':');
      return colon > 0
        ? [
            [
              line.slice(0, colon),
              line
                .slice(colon + 1)
                .split(' ')
                .filter(Boolean),
            ],
          ]
        : [];
    }),
  );
}

/** `kernel/drivers/char/hw_random/virtio-rng.ko` → `virtio_rng`: modprobe treats - and _ as one. */
export function moduleName(file: string): string {
  return (file.split('/').at(-1) ?? file).replace(/\.ko(\.\w+)?$/, '').replaceAll('-', '_');
}
