import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { packagePath } from '../../results/package-root.ts';
import { publishedSchemas } from '../../results/schema/published-schemas.ts';
import { configJsonSchema } from '../../runtimes/container/spec/config-json-schema.ts';

/**
 * Generates the JSON Schemas in results/schema/ from the zod schemas of the records, so that others can read our files.
 *   tsx harness/build/schema.ts           writes them
 *   tsx harness/build/schema.ts --check   exits 1 when what is there is not what would be written
 */
const folder = packagePath('results', 'schema');
const checking = process.argv.includes('--check');
mkdirSync(folder, { recursive: true });

const wanted = new Map<string, string>(
  Object.entries(publishedSchemas).map(([name, schema]) => {
    const json = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' });
    return [
      `${name}.json`,
      JSON.stringify({ title: `Tare ${name} record`, ...json }, null, 2) + '\n',
    ] as const;
  }),
);
const present = readdirSync(folder).filter((name) => name.endsWith('.json'));
const drift: string[] = [];
for (const [name, text] of wanted) {
  const there = present.includes(name) ? readFileSync(join(folder, name), 'utf8') : null;
  if (there === text) continue;
  drift.push(name);
  if (!checking) writeFileSync(join(folder, name), text);
}
for (const name of present.filter((name) => !wanted.has(name))) {
  drift.push(name);
  if (!checking) rmSync(join(folder, name));
}
// The OCI configuration's schema, as data: what a quick `create` checks by.
const config = packagePath('runtimes', 'container', 'spec', 'oci-spec.schema.json');
if (!existsSync(config) || readFileSync(config, 'utf8') !== configJsonSchema()) {
  drift.push('oci-spec.schema.json');
  if (!checking) writeFileSync(config, configJsonSchema());
}
if (checking && drift.length > 0) {
  console.error(`the schemas are not what the types say (${drift.join(', ')}): npm run build:schema`);
  process.exitCode = 1;
} else console.error(drift.length > 0 ? `wrote ${drift.join(', ')}` : 'the schemas are up to date');
