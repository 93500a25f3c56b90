import * as z from 'zod';
import type { Problem } from './problem.ts';

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
}

/** Checks a value against a schema: the parsed value, or every problem in words with its path under `prefix`. */
export function check<T>(
  schema: z.ZodType<T>,
  value: unknown,
  prefix: PropertyKey[] = [],
): { value: T; problems?: undefined } | { problems: Problem[] } {
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data };
  return { problems: result.error.issues.flatMap((issue) => problemsOf(issue, schema, value, prefix)) };
}

function problemsOf(
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
  root: unknown,
  prefix: PropertyKey[],
): Problem[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      atKey: true,
      message: `unknown key "${key}"${path.length ? ` in ${path.join('.')}` : ''}`,
      given: key,
      valid: keysAt(schema, issue.path),
    }));
  }
  if (issue.code === 'invalid_union') {
    // The member that took the value's type knows best what is wrong with it.
    const told = issue.errors.find((member) => member.some((inner) => inner.code !== 'invalid_type'));
    if (told) {
      return told.flatMap((inner) =>
        problemsOf({ ...inner, path: [...issue.path, ...inner.path] }, schema, root, prefix),
      );
    }
  }
  const given = valueAt(root, issue.path);
  const where = path.join('.') || 'the file';
  if (given === undefined) return [{ path, message: `${where} is missing (${issue.message})` }];
  if (issue.code === 'invalid_value') {
    return [
      { path, message: `${where} is ${show(given)}`, given: String(given), valid: issue.values.map(String) },
    ];
  }
  if (issue.code === 'invalid_key') {
    return [{ path, atKey: true, message: `${where}: ${issue.issues[0]?.message ?? issue.message}` }];
  }
  return [{ path, message: `${where} is ${show(given)}: ${issue.message.replace(/^Invalid input: /, '')}` }];
}

/** The keys that a schema allows at a path, as its JSON Schema tells. */
function keysAt(schema: z.ZodType, path: PropertyKey[]): string[] {
  let here: JsonSchema | undefined = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
  }) as JsonSchema;
  for (const step of path) {
    const options: JsonSchema[] = here.anyOf ?? [here];
    const next: JsonSchema | undefined = options
      .map((option) =>
        typeof step === 'number'
          ? option.items
          : (option.properties?.[String(step)] ??
            (typeof option.additionalProperties === 'object' ? option.additionalProperties : undefined)),
      )
      .find((found) => found !== undefined);
    if (!next) return [];
    here = next;
  }
  return (here.anyOf ?? [here]).flatMap((option) => Object.keys(option.properties ?? {}));
}

function valueAt(value: unknown, path: PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (here, step) => (here as Record<PropertyKey, unknown> | null | undefined)?.[step],
    value,
  );
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
