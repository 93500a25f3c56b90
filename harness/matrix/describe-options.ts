import * as z from 'zod';
import type { Catalog } from '../catalog.ts';

interface OptionSchema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  anyOf?: OptionSchema[];
  properties?: Record<string, OptionSchema>;
}

/** One option that `options:` of a matrix takes. */
export interface DescribedOption {
  /** '<runtime or workload>.<option>', e.g. 'qemu.emulator'. */
  name: string;
  says: string;
}

/** Every option of every runtime and workload, from the schemas that check a matrix; so that none can be forgotten here. */
export function describeOptions({ runtimes, workloads }: Catalog): DescribedOption[] {
  return [...runtimes, ...workloads].flatMap(({ id, optionsSchema }) => {
    const schema = z.toJSONSchema(optionsSchema, { io: 'input', unrepresentable: 'any' }) as OptionSchema;
    return Object.entries(schema.properties ?? {}).map(([option, one]) => ({
      name: `${id}.${option}`,
      says: [
        valuesOf(one),
        ...(one.default === undefined ? [] : [`default ${JSON.stringify(one.default)}`]),
        ...(one.description === undefined ? [] : [one.description]),
      ].join('; '),
    }));
  });
}

function valuesOf(schema: OptionSchema): string {
  if (schema.enum) return schema.enum.map(String).join(' | ');
  if (schema.const !== undefined) return String(schema.const);
  if (schema.anyOf) return schema.anyOf.map(valuesOf).join(' | ');
  if (schema.properties) return `{${Object.keys(schema.properties).join(', ')}}`;
  return schema.type === 'string' ? 'text' : (schema.type ?? 'any');
}
