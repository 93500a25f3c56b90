import * as assert from 'uvu/assert';
import { suite } from '../../../suite.ts';
import { LAYER_LIMITS, type LayerLimits } from '../../../../runtimes/container/images/defaults.ts';
import {
  NO_LOWER,
  type LowerView,
  type Sight,
} from '../../../../runtimes/container/images/layer/lower-view.ts';
import { LayerPlanner } from '../../../../runtimes/container/images/layer/planner.ts';
import type { LayerRecord } from '../../../../runtimes/container/images/layer/record.ts';
import { archiveOf, entriesOf, type Wanted } from './archive-of.ts';

const test = suite('layer planner');

function plan(
  wanted: Wanted[],
  options: { lower?: LowerView; limits?: Partial<LayerLimits> } = {},
): { records: LayerRecord[]; opaque: string[]; dropped: number } {
  const records: LayerRecord[] = [];
  const limits = { ...LAYER_LIMITS, ...options.limits };
  const planner = new LayerPlanner(options.lower ?? NO_LOWER, limits, (record) => records.push(record));
  for (const { entry } of entriesOf(archiveOf(...wanted))) planner.add(entry);
  const { opaque } = planner.finish();
  return { records, opaque, dropped: planner.droppedXattrs };
}

/** What is made, without the attributes at the end. */
function made(wanted: Wanted[], lower?: LowerView): string[] {
  return plan(wanted, { lower })
    .records.filter(({ kind }) => kind !== 'attributes')
    .map(({ kind, path, linkTarget }) => `${kind} ${path}${linkTarget && ` -> ${linkTarget}`}`);
}

function lowerOf(tree: Record<string, Sight>): LowerView {
  return {
    look: (path) =>
      tree[path.join('/')] ?? { type: path.length === 0 ? 'directory' : 'absent', facts: DIRECTORY },
    names: (path) =>
      Object.keys(tree)
        .filter((key) => key.split('/').slice(0, -1).join('/') === path.join('/'))
        .map((key) => key.split('/').at(-1) ?? ''),
  };
}
const DIRECTORY = { mode: 0o755, uid: 0, gid: 0, mtimeSec: 5, xattrs: [] };
const directory: Sight = { type: 'directory', facts: { ...DIRECTORY, mode: 0o1777, uid: 7 } };

for (const [label, wanted, words] of [
  ['.. at the front', [{ path: '../x' }], /leads out/],
  ['.. inside', [{ path: 'a/../../x' }], /leads out/],
  ['.. as the last part', [{ path: 'a/..', type: 'directory' }], /leads out/],
  ['a hard link to ..', [{ path: 'x', type: 'hardlink', linkTarget: '../../etc/passwd' }], /leads out/],
  [
    'a hard link to a file it does not hold',
    [{ path: 'x', type: 'hardlink', linkTarget: '/etc/passwd' }],
    /does not hold/,
  ],
  [
    'a hard link to a directory',
    [
      { path: 'd', type: 'directory' },
      { path: 'x', type: 'hardlink', linkTarget: 'd' },
    ],
    /to a directory/,
  ],
  ['a block device', [{ path: 'sda', type: 'block', devMajor: 8 }], /not let in/],
  ['a char device that gives power', [{ path: 'mem', type: 'char', devMajor: 1, devMinor: 1 }], /not let in/],
  ['a whiteout smuggled in as a device', [{ path: 'w', type: 'char' }], /not let in/],
  ['a bare .wh.', [{ path: 'd/.wh.' }], /whiteout of its own/],
  ['a whiteout of .', [{ path: 'd/.wh..' }], /whiteout of its own/],
  ['a whiteout of ..', [{ path: 'd/.wh...' }], /whiteout of its own/],
  ['an unknown marker', [{ path: '.wh..wh.plnk' }], /unknown whiteout/],
  ['a file for a parent', [{ path: 'f' }, { path: 'f/x' }], /no directory/],
  ['a root that is a link', [{ path: '/', type: 'symlink', linkTarget: '/etc' }], /root must be/],
  [
    'links in a circle',
    [
      { path: 'a', type: 'symlink', linkTarget: 'b' },
      { path: 'b', type: 'symlink', linkTarget: 'a' },
      { path: 'a/x' },
    ],
    /too many symbolic/,
  ],
  ['a name of 256 bytes', [{ path: 'n'.repeat(256) }], /name too long/],
  ['300 directories', [{ path: 'd/'.repeat(300) + 'x' }], /deep/],
  ['an attribute without name', [{ path: 'x', xattrs: [['', Buffer.from('v')]] }], /malformed extended/],
] as [string, Wanted[], RegExp][])
  test(`refuses ${label}`, () => {
    assert.throws(() => plan(wanted), words);
  });

test('absolute names and ./ mean the layer’s root', () => {
  assert.equal(made([{ path: '/etc/x' }, { path: './etc/y' }, { path: 'etc//z' }]), [
    'directory etc',
    'file etc/x',
    'file etc/y',
    'file etc/z',
  ]);
});

test('a link in a parent is followed inside the layer, and emitted paths hold no link', () => {
  const link = { type: 'symlink', linkTarget: '../../../../etc' } as const;
  assert.equal(made([{ path: 'a/l', ...link }, { path: 'a/l/passwd' }]), [
    'directory a',
    'symlink a/l -> ../../../../etc',
    'directory etc',
    'file etc/passwd',
  ]);
  assert.equal(made([{ path: 'lib', type: 'symlink', linkTarget: '/usr/lib' }, { path: 'lib/x' }]).slice(1), [
    'directory usr',
    'directory usr/lib',
    'file usr/lib/x',
  ]);
});

test('a link of the layers below is followed too', () => {
  const lower = lowerOf({
    lib: { type: 'symlink', target: 'usr/lib' },
    usr: directory,
    'usr/lib': directory,
  });
  assert.equal(made([{ path: 'lib/x' }], lower), ['directory usr', 'directory usr/lib', 'file usr/lib/x']);
});

test('a directory that became a link takes its children with it', () => {
  const wanted: Wanted[] = [
    { path: 'd/x' },
    { path: 'd', type: 'symlink', linkTarget: '/elsewhere' },
    { path: 'd/x' },
  ];
  assert.equal(made(wanted), [
    'directory d',
    'file d/x',
    'remove d',
    'symlink d -> /elsewhere',
    'directory elsewhere',
    'file elsewhere/x',
  ]);
});

test('a later member replaces an earlier one, except that directories stay', () => {
  assert.equal(made([{ path: 'x' }, { path: 'x', type: 'symlink', linkTarget: 'y' }]), [
    'file x',
    'remove x',
    'symlink x -> y',
  ]);
  const { records } = plan([
    { path: 'd', type: 'directory', mode: 0o700 },
    { path: 'd/x' },
    { path: 'd', type: 'directory', mode: 0o711 },
  ]);
  assert.equal(
    records
      .filter(({ path, kind }) => path === 'd' && kind === 'attributes')
      .map(({ mode }) => mode & 0o7777),
    [0o711],
  );
  assert.is(records.filter(({ kind }) => kind === 'remove').length, 0);
});

test('a hard link to itself, which GNU tar writes for a name given twice, changes nothing', () => {
  assert.equal(made([{ path: 'x' }, { path: './x', type: 'hardlink', linkTarget: 'x' }]), ['file x']);
});

test('parents that are not named take their attributes from below', () => {
  const { records } = plan([{ path: 'tmp/x' }], { lower: lowerOf({ tmp: directory }) });
  const tmp = records.find(({ path, kind }) => path === 'tmp' && kind === 'attributes');
  assert.is((tmp?.mode ?? 0) & 0o7777, 0o1777);
  assert.is(tmp?.uid, 7);
});

test('a whiteout hides what is below, and is nothing where nothing is', () => {
  const lower = lowerOf({ gone: { type: 'other' } });
  const { records } = plan([{ path: '.wh.gone' }, { path: '.wh.never' }], { lower });
  const nodes = records.filter(({ kind }) => kind === 'node');
  assert.equal(
    nodes.map(({ path, mode, devMajor, devMinor }) => [path, mode, devMajor, devMinor]),
    [['gone', 0o020000, 0, 0]],
  );
});

for (const order of ['before', 'after'] as const)
  test(`a whiteout never hides what its own layer brings: marker ${order}`, () => {
    const lower = lowerOf({ f: { type: 'other' }, d: directory });
    const things: Wanted[] = [{ path: 'f' }, { path: 'd', type: 'directory' }, { path: 'd/x' }];
    const marks: Wanted[] = [{ path: '.wh.f' }, { path: '.wh.d' }];
    const { records, opaque } = plan(order === 'before' ? [...marks, ...things] : [...things, ...marks], {
      lower,
    });
    // The last word on each path: a file, and a directory that hides what was there.
    const last = new Map(
      records.filter(({ kind }) => kind !== 'attributes').map(({ path, kind }) => [path, kind]),
    );
    assert.is(last.get('f'), 'file');
    assert.is(last.get('d'), 'directory');
    assert.equal(opaque, ['d']);
  });

test('an opaque marker sets overlayfs’s attribute; on the root every name below is hidden', () => {
  const inner = plan([{ path: 'd/.wh..wh..opq' }], { lower: lowerOf({ d: directory }) });
  assert.equal(inner.opaque, ['d']);
  const mark = inner.records.find(({ path, kind }) => path === 'd' && kind === 'attributes');
  assert.equal(mark?.xattrs, [['trusted.overlay.opaque', Buffer.from('y')]]);
  const lower = lowerOf({ a: directory, b: { type: 'other' } });
  const root = plan([{ path: 'a', type: 'directory' }, { path: '.wh..wh..opq' }], { lower });
  assert.equal(root.opaque, ['a']);
  assert.equal(
    root.records.filter(({ kind }) => kind === 'node').map(({ path }) => path),
    ['b'],
  );
});

test('attributes that steer overlayfs or belong to another machine are left out and counted', () => {
  const value = Buffer.from('v');
  const { records, dropped } = plan([
    {
      path: 'x',
      xattrs: [
        ['security.capability', value],
        ['security.selinux', value],
        ['trusted.overlay.redirect', value],
        ['user.overlay.opaque', value],
      ],
    },
  ]);
  assert.equal(records[0]?.xattrs, [['security.capability', value]]);
  assert.is(dropped, 3);
});

test('setuid bits are kept, harmless devices and fifos are let in', () => {
  const { records } = plan([
    { path: 'su', mode: 0o4755 },
    { path: 'dev/null', type: 'char', devMajor: 1, devMinor: 3 },
    { path: 'pipe', type: 'fifo' },
  ]);
  assert.is((records.find(({ path }) => path === 'su')?.mode ?? 0) & 0o7777, 0o4755);
  assert.equal(
    records.filter(({ kind }) => kind === 'node').map(({ path }) => path),
    ['dev/null', 'pipe'],
  );
});

test('stops at the limits', () => {
  const many = Array.from({ length: 11 }, (_, i) => ({ path: `f${i}` }));
  assert.throws(() => plan(many, { limits: { maxEntries: 10 } }), /more than 10 entries/);
  const large = [
    { path: 'a', content: 'x'.repeat(60) },
    { path: 'b', content: 'x'.repeat(60) },
  ];
  assert.throws(() => plan(large, { limits: { maxBytes: 100 } }), /more than 100 bytes/);
  const hole = [{ path: 'a', size: 2 ** 41, segments: [{ offset: 0, length: 1 }], content: 'x' }];
  assert.throws(() => plan(hole), /a file of more than/);
});

test.run();
