import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { drawSvg } from '../../reports/charts/render.ts';
import { domainFor, logTicks, scaleFor } from '../../reports/charts/scale.ts';
import { suite } from '../suite.ts';

const test = suite('the pictures');

test('a picture that names an address is refused, not fetched', async () => {
  for (const data of [{ url: 'http://198.18.0.1/data.json' }, { url: '/etc/passwd' }]) {
    const error = await drawSvg({ data, mark: 'point', encoding: {} }, 'x').catch(
      (caught: unknown) => caught,
    );
    assert.match(String((error as Error).message), /names an address/);
  }
});

test('a picture that Vega would only warn about is refused', async () => {
  const error = await drawSvg(
    {
      data: { values: [{ a: 1 }] },
      mark: 'point',
      encoding: { x: { field: 'a', type: 'quantitative', scale: { type: 'log', zero: true } } },
    },
    'x',
  ).catch((caught: unknown) => caught);
  assert.match(String((error as Error).message), /zero/);
});

test('an expression in the data is data', async () => {
  const text = "');globalThis.pwned=1;('";
  const svg = await drawSvg(
    {
      data: { values: [{ a: text }] },
      mark: { type: 'text' },
      encoding: { text: { field: 'a' } },
    },
    'x',
  );
  assert.ok(svg.text.includes('globalThis.pwned=1'));
  assert.not('pwned' in globalThis);
});

test('texts are escaped, titles come from descriptions, names of definitions are the picture’s own', async () => {
  const nasty = '</text><script>"&\'';
  const svg = await drawSvg(
    {
      data: { values: [{ a: 1, t: nasty }] },
      mark: { type: 'point', clip: true, aria: true },
      encoding: { x: { field: 'a', type: 'quantitative', title: nasty }, description: { field: 't' } },
    },
    'mine',
  );
  assert.not.match(svg.text, /<script/);
  assert.match(svg.text, /<title>&lt;\/text&gt;&lt;script&gt;|<title>&lt;\/text>&lt;script>/);
  for (const [, id] of svg.text.matchAll(/ id="([^"]*)"/g)) assert.match(id!, /^mine-\d+$/);
  for (const [, id] of svg.text.matchAll(/url\(#([^)]*)\)/g)) assert.ok(svg.text.includes(`id="${id}"`));
});

test('an axis has two ticks or more, within its domain, and few enough to read', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-100, max: 1e100, noNaN: true }),
      fc.double({ min: 1.0001, max: 1e20, noNaN: true }),
      fc.integer({ min: 4, max: 12 }),
      (low, factor, atMost) => {
        const domain: [number, number] = [low, low * factor];
        const ticks = logTicks(domain, atMost);
        assert.ok(ticks.length <= Math.max(atMost, 3), `${ticks.length}`);
        for (const tick of ticks) assert.ok(tick >= low && tick <= domain[1]);
      },
    ),
    { seed: 5 },
  );
});

test('a domain holds its values and has air', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 1e-9, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 20 }),
      (values) => {
        const [low, high] = domainFor(values, scaleFor(values));
        assert.ok(low < Math.min(...values) && high > Math.max(...values));
      },
    ),
    { seed: 6 },
  );
});

test.run();
