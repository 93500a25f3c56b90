import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { CsvReader, parseCsv } from '../../../results/import/csv.ts';
import {
  parsePublished,
  publishedCost,
  publishedResults,
} from '../../../results/published/published-results.ts';

const test = suite('CSV and published results');

test('any fields survive writing and reading, however the text is cut into pieces', () => {
  const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'é') });
  const records = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(records, fc.integer({ min: 1, max: 9 }), (rows, size) => {
      const text = rows
        .map((row) => row.map((one) => `"${one.replaceAll('"', '""')}"`).join(',') + '\r\n')
        .join('');
      const reader = new CsvReader('x.csv');
      const read = [];
      for (let at = 0; at < text.length; at += size) read.push(...reader.push(text.slice(at, at + size)));
      read.push(...reader.finish());
      assert.equal(
        read.map(({ fields }) => fields),
        rows,
      );
    }),
    { numRuns: 300, seed: 6 },
  );
});

test('lines are counted over quoted line breaks and empty lines', () => {
  assert.equal(
    parseCsv('a,b\n"1\n2",3\n\n4,5', 'x.csv').map(({ line, row }) => [line, row.b]),
    [
      [2, '3'],
      [5, '5'],
    ],
  );
});

test('what is not CSV is refused with its line', () => {
  assert.throws(() => parseCsv('a,b\n1,2,3\n', 'x.csv'), /x\.csv:2: 3 fields where the header has 2/);
  assert.throws(() => parseCsv('a,b\n"1"x,2\n', 'x.csv'), /x\.csv:2: text after a closing quote/);
  assert.throws(() => parseCsv('a,b\n1"x",2\n', 'x.csv'), /x\.csv:2: a quote in the middle/);
  assert.throws(() => parseCsv('a,b\n"1,2\n', 'x.csv'), /x\.csv:2: a quote is never closed/);
  assert.throws(() => parseCsv('', 'x.csv'), /empty/);
});

test('every published row that ships can be read', () => {
  const rows = publishedResults();
  assert.ok(rows.size > 80);
  const homework = rows.get('cloud-hw-3');
  assert.ok(homework);
  assert.is(publishedCost(homework, 'vm', 'container'), 1066502 / 17737);
  assert.is(publishedCost(homework, 'vm', 'native'), null);
});

test('where only a ratio was published, it is turned into a cost', () => {
  const header =
    'id,paper,setup,tool,metric,unit,better,native,container,container_kind,vm,vm_kind,ratio_container,ratio_vm,n,source,provenance,confidence';
  const row = (better: string, ratio: string): ReturnType<typeof parsePublished> =>
    parsePublished(`${header}\np,P,s,t,m,u,${better},,,,,kvm,,${ratio},1,x,y,z\n`, 'p.csv');
  assert.is(publishedCost(row('higher', '0.5').get('p')!, 'vm', 'native'), 2);
  assert.is(publishedCost(row('lower', '2.5').get('p')!, 'vm', 'native'), 2.5);
  assert.throws(() => row('higher', 'abc'), /p\.csv:2: ratio_vm: 'abc' is not a number/);
  assert.throws(() => row('sideways', '1'), /p\.csv:2: better/);
});

test.run();
