import { BenchError } from '../../../results/bench-error.ts';

/**
 * `--format`: text with `{{.key.key}}` for a value and `{{json .key}}` for it as JSON; keys are those that inspect prints, an
 * index in a list is a number. Of Go's templates, which Docker uses, this is the part that people type.
 *
 * @throws BenchError `format-template`.
 */
export function renderTemplate(template: string, value: unknown): string {
  return template.replaceAll(/\{\{(.*?)\}\}/g, (_, inner: string) => {
    const match = /^\s*(json\s+)?(\.[A-Za-z0-9_.-]*)\s*$/.exec(inner);
    if (!match)
      throw new BenchError('format-template', `'{{${inner}}}' cannot be filled in`, {
        hint: "{{.key}} or {{json .key}}, e.g. --format '{{.status}} {{json .ports}}'",
      });
    const found = lookUp(value, match[2] ?? '');
    if (match[1] !== undefined) return JSON.stringify(found) ?? 'null';
    return typeof found === 'object' ? JSON.stringify(found) : String(found);
  });
}

function lookUp(value: unknown, path: string): unknown {
  let at = value;
  for (const key of path.split('.').filter(Boolean)) {
    const keys = at !== null && typeof at === 'object' ? Object.keys(at) : [];
    if (!keys.includes(key))
      throw new BenchError('format-template', `there is no '${path}'`, {
        hint: keys.length > 0 ? `here are: ${keys.join(', ')}` : 'look at inspect without --format',
      });
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}
