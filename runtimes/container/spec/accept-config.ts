import type { OciSpec } from './oci-spec.ts';
import schema from './oci-spec.schema.json' with { type: 'json' };

/** The part of JSON Schema that the configuration's schema uses; another word makes the schema unusable here. */
interface Schema {
  type?: string | string[];
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  additionalProperties?: Schema;
  propertyNames?: Schema;
  items?: Schema;
  anyOf?: readonly Schema[];
  enum?: readonly unknown[];
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  minLength?: number;
  minItems?: number;
  pattern?: string;
  default?: unknown;
}

const REFUSED = Symbol('refused');

/**
 * A configuration that holds to the schema, with its defaults filled in; null for one that does not, or that needs a second
 * look: then the schema itself (oci-spec.ts) decides and finds the words. `create` is called for every container, and loading
 * the schema library costs it more than making the container. `oci-spec.schema.json` is generated from oci-spec.ts; tests hold
 * it to that, and this to accepting only what the schema accepts, with the same result. Pure.
 */
export function acceptConfig(told: unknown): OciSpec | null {
  const spec = accept(schema as Schema, told);
  return spec === REFUSED ? null : (spec as OciSpec);
}

function accept(by: Schema, value: unknown): unknown {
  if (value === undefined) return by.default === undefined ? REFUSED : by.default;
  for (const branch of by.anyOf ?? []) {
    const accepted = accept(branch, value);
    if (accepted !== REFUSED) return accepted;
  }
  if (by.anyOf || (by.enum && !by.enum.includes(value)) || !isOfType(by.type, value)) return REFUSED;
  if (typeof value === 'string') {
    const fits = value.length >= (by.minLength ?? 0) && new RegExp(by.pattern ?? '').test(value);
    return fits ? value : REFUSED;
  }
  if (typeof value === 'number') {
    const { minimum = -Infinity, exclusiveMinimum = -Infinity, maximum = Infinity } = by;
    return value >= minimum && value > exclusiveMinimum && value <= maximum ? value : REFUSED;
  }
  if (Array.isArray(value)) return acceptList(by, value);
  if (typeof value === 'object' && value !== null)
    return acceptObject(by, value as Readonly<Record<string, unknown>>);
  return value;
}

function acceptList(by: Schema, list: readonly unknown[]): unknown {
  if (list.length < (by.minItems ?? 0)) return REFUSED;
  const { items } = by;
  const accepted = items ? list.map((item) => accept(items, item)) : list;
  return accepted.includes(REFUSED) ? REFUSED : accepted;
}

function acceptObject(by: Schema, value: Readonly<Record<string, unknown>>): unknown {
  // A key that means something to the language itself is left to the schema library.
  if (Object.hasOwn(value, '__proto__')) return REFUSED;
  const result: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(value)) {
    if (by.propertyNames && accept(by.propertyNames, key) === REFUSED) return REFUSED;
    const property = by.properties && Object.hasOwn(by.properties, key) ? by.properties[key] : undefined;
    const known = property ?? by.additionalProperties ?? {};
    result[key] = Object.keys(known).length === 0 ? each : accept(known, each);
    if (result[key] === REFUSED) return REFUSED;
  }
  for (const key of by.required ?? []) if (value[key] === undefined) return REFUSED;
  for (const [key, property] of Object.entries(by.properties ?? {}))
    if (value[key] === undefined && property.default !== undefined) result[key] = property.default;
  return result;
}

function isOfType(type: string | string[] | undefined, value: unknown): boolean {
  if (type === undefined) return true;
  if (typeof type !== 'string') return type.some((each) => isOfType(each, value));
  switch (type) {
    case 'null':
      return value === null;
    case 'integer':
      return Number.isSafeInteger(value);
    case 'number':
      return Number.isFinite(value);
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}
