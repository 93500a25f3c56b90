import Handlebars from 'handlebars';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { packagePath } from '../../results/package-root.ts';
import { suite } from '../suite.ts';

const test = suite('the templates');

/** Helpers that return markup, and the only things they may be given: see reports/page/safe-markup.ts. */
const MARKUP_HELPERS: Record<string, readonly string[]> = {
  picture: ['wideSvg', 'narrowSvg', 'mark'],
  style: ['style'],
  script: ['script'],
  json: ['data'],
};
const PLAIN_HELPERS = new Set(['if', 'unless', 'each', 'with']);

interface Node {
  type: string;
  [key: string]: unknown;
}

/** What a template may not do, found in its syntax tree. */
function offences(source: string): string[] {
  const found: string[] = [];
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(walk);
    if (value === null || typeof value !== 'object' || !('type' in value)) return;
    const node = value as Node & {
      escaped?: boolean;
      path?: { original?: string };
      params?: { type: string; original?: string }[];
    };
    if (node.type === 'MustacheStatement' && node.escaped === false)
      found.push(`unescaped output of ${node.path?.original}`);
    if (node.type === 'Decorator' || node.type === 'DecoratorBlock') found.push('decorator');
    if (
      node.type === 'PartialStatement' &&
      (node as { name?: { type: string } }).name?.type !== 'PathExpression'
    )
      found.push('partial chosen by data');
    const params = node.params ?? [];
    if ((node.type === 'MustacheStatement' || node.type === 'BlockStatement') && params.length > 0) {
      const helper = node.path?.original ?? '';
      const allowed = MARKUP_HELPERS[helper];
      if (allowed && !allowed.includes(params[0]?.original ?? ''))
        found.push(`${helper} is given ${params[0]?.original}`);
      if (!allowed && !PLAIN_HELPERS.has(helper)) found.push(`unknown helper ${helper}`);
    }
    for (const [key, child] of Object.entries(node)) if (key !== 'loc') walk(child);
  };
  walk(Handlebars.parse(source));
  return found;
}

function templates(): string[] {
  return readdirSync(packagePath('reports'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.hbs'))
    .map((file) => join(packagePath('reports'), file));
}

test('put nothing out unescaped', () => {
  const files = templates();
  assert.ok(files.length >= 8);
  for (const file of files) assert.equal(offences(readFileSync(file, 'utf8')), [], file);
});

test('are checked by a walk that sees each way around the escaping', () => {
  assert.is(offences('{{{name}}}').length, 1);
  assert.is(offences('{{&name}}').length, 1);
  assert.is(offences('{{#each x}}{{#if y}}{{{z}}}{{/if}}{{/each}}').length, 1);
  assert.is(offences('{{picture name alt}}').length, 1);
  assert.is(offences('{{#* inline "x"}}{{/inline}}').length, 1);
  assert.is(offences('{{> (lookup . "x")}}').length, 1);
  assert.equal(offences('<b>{{name}}</b>{{#if x}}{{picture wideSvg alt}}{{/if}}'), []);
});

test('quote every attribute that holds a value', () => {
  for (const file of templates())
    assert.not.match(
      readFileSync(file, 'utf8'),
      /=\{\{/,
      `${file}: an unquoted attribute can be broken out of`,
    );
});

test('markup is made in one place only', () => {
  const rooms = readdirSync(packagePath('reports'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const makers = rooms.filter((file) =>
    readFileSync(join(packagePath('reports'), file), 'utf8').includes('SafeString('),
  );
  assert.equal(makers, ['page/safe-markup.ts']);
});

test.run();
