import * as assert from 'uvu/assert';
import {
  imageVolume,
  mergeMounts,
  parseMount,
  parseTmpfs,
  parseVolume,
} from '../../../../runtimes/container/volumes/mount-flags.ts';
import { ociMount } from '../../../../runtimes/container/volumes/mount.ts';
import { suite } from '../../../suite.ts';

const test = suite('mounts of a container');

test('-v: folders of the host', () => {
  assert.equal(parseVolume('/etc/hostname:/h:ro').options, ['bind', 'nosuid', 'nodev', 'ro']);
  assert.equal(parseVolume('/etc:/e').options, ['rbind', 'nosuid', 'nodev', 'rw']);
  assert.equal(parseVolume('/etc:/e:ro,rslave,Z').options, ['rbind', 'nosuid', 'nodev', 'ro', 'rslave']);
  for (const bad of ['/etc:e', '/etc:/e:rx', ':/e', 'name:', 'a:/b:ro:x', ''])
    assert.throws(() => parseVolume(bad), bad);
});

test('-v: volumes by name and without one', () => {
  const named = parseVolume('cache:/var/cache:ro');
  assert.equal([named.type, named.volume, named.anonymous, named.copy], ['volume', 'cache', false, true]);
  assert.match(named.source, /\/volumes\/cache\/_data$/);
  assert.not.ok(parseVolume('cache:/var/cache:nocopy').copy);
  const nameless = parseVolume('/data');
  assert.ok(nameless.anonymous);
  assert.match(nameless.volume ?? '', /^[0-9a-f]{64}$/);
  assert.throws(() => parseVolume('-x:/data'), /cannot be called/);
});

test('--mount: bind, volume and tmpfs, with all spellings', () => {
  assert.equal(parseMount('type=bind,src=/etc,dst=/e,readonly').options, ['rbind', 'nosuid', 'nodev', 'ro']);
  assert.equal(parseMount('type=bind,source=/etc,target=/e,bind-propagation=rslave').options.slice(3), [
    'rw',
    'rslave',
  ]);
  assert.is(parseMount('source=cache,target=/c').volume, 'cache');
  assert.ok(parseMount('type=volume,target=/c').anonymous);
  assert.not.ok(parseMount('type=volume,source=c,target=/c,volume-nocopy=true').copy);
  const tmpfs = parseMount('type=tmpfs,destination=/t,tmpfs-size=1m,tmpfs-mode=1777');
  assert.is(ociMount(tmpfs).type, 'tmpfs');
  assert.equal(tmpfs.options, ['nosuid', 'nodev', 'noexec', 'size=1m', 'mode=1777']);
  const wrong = [
    'type=bind,target=/e',
    'type=bind,source=/no/such/folder,target=/e',
    'type=bind,source=/etc,target=e',
    'type=disk,source=/etc,target=/e',
    'type=tmpfs,source=/x,target=/t',
    'type=volume,source=c,target=/c,colour=red',
    'type=bind,source=/etc,target=/e,readonly=maybe',
  ];
  for (const bad of wrong) assert.throws(() => parseMount(bad), /cannot be done/, bad);
});

test('--tmpfs with options', () => {
  assert.equal(parseTmpfs('/t:size=1m,mode=700').options, [
    'nosuid',
    'nodev',
    'noexec',
    'size=1m',
    'mode=700',
  ]);
  assert.throws(() => parseTmpfs('t'), /not a place/);
});

test('what comes later wins a destination, however it is written', () => {
  const merged = mergeMounts([imageVolume('/data/')], [parseVolume('cache:/data')]);
  assert.equal(
    merged.map((each) => [each.destination, each.volume]),
    [['/data', 'cache']],
  );
});

test.run();
