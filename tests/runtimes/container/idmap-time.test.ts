import * as assert from 'uvu/assert';
import { idmapOps } from '../../../runtimes/container/plan/idmap-ops.ts';
import { timeOps } from '../../../runtimes/container/plan/time-ops.ts';
import { defaultSpec } from '../../../runtimes/container/spec/default-spec.ts';
import type { OciMount, OciSpec } from '../../../runtimes/container/spec/oci-spec.ts';
import { suite } from '../../suite.ts';
import { refusal } from '../../workloads/refusal.ts';

const test = suite('time namespaces and mapped mounts, planned');
const plain = (): OciSpec => defaultSpec({ rootfs: '/r', argv: ['true'] });

test('offsets are written between the new namespace and the clone', () => {
  assert.equal(timeOps(plain()), []);
  const spec = plain();
  spec.linux!.namespaces!.push({ type: 'time' });
  assert.equal(timeOps(spec), [{ op: 'unshare', flags: 0x80 }]);
  spec.linux!.timeOffsets = { monotonic: { secs: -5, nanosecs: 7 }, boottime: { secs: 86400 } };
  assert.equal(timeOps(spec)[1], {
    op: 'write-file',
    path: '/proc/self/timens_offsets',
    text: 'monotonic -5 7\nboottime 86400 0\n',
  });
});

test('offsets that could not hold are refused', () => {
  for (const [offsets, own] of [
    [{ boottime: { secs: 1 } }, false],
    [{ realtime: { secs: 1 } }, true],
    [{ boottime: { secs: 1, nanosecs: 1e9 } }, true],
    [{ boottime: { secs: 0.5 } }, true],
  ] as const) {
    const spec = plain();
    if (own) spec.linux!.namespaces!.push({ type: 'time' });
    spec.linux!.timeOffsets = offsets;
    assert.is(refusal(() => timeOps(spec)).code, 'spec-time');
  }
});

const ids = [{ containerID: 0, hostID: 100000, size: 65536 }];

test("a container's layers are mapped where it has users of its own, in a mount namespace of the launcher", () => {
  assert.equal(idmapOps(plain(), ['/a', '/b']), []);
  const spec = defaultSpec({ rootfs: '/r', argv: ['true'], mappings: { uid: ids, gid: ids } });
  const ops = idmapOps(spec, ['/a', '/b']);
  assert.equal(
    ops.map(({ op }) => op),
    ['unshare', 'propagation', 'idmap', 'idmap'],
  );
  const text = '0 100000 65536\n';
  assert.equal(ops[2], { op: 'idmap', path: '/a', uidMap: text, gidMap: text, recursive: 0, optional: 1 });
});

test('a bind may ask for it: by a word, or with mappings of its own', () => {
  const mounts: OciMount[] = [
    { destination: '/x', type: 'bind', source: '/host/x', options: ['rbind', 'ridmap'] },
    {
      destination: '/y',
      source: '/host/y',
      options: ['bind'],
      uidMappings: [{ ...ids[0]!, hostID: 5 }],
      gidMappings: ids,
    },
  ];
  const spec = defaultSpec({ rootfs: '/r', argv: ['true'], mappings: { uid: ids, gid: ids }, mounts });
  const [, , x, y] = idmapOps(spec, []);
  assert.ok(x?.op === 'idmap' && y?.op === 'idmap');
  assert.equal([x.path, x.recursive, x.optional], ['/host/x', 1, 0]);
  assert.equal([y.path, y.recursive, y.uidMap], ['/host/y', 0, '0 5 65536\n']);
  for (const mount of [
    {
      destination: '/t',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['idmap'],
      uidMappings: ids,
      gidMappings: ids,
    },
    { destination: '/n', type: 'bind', source: '/n', options: ['bind', 'idmap'] },
  ])
    assert.is(refusal(() => idmapOps({ ...plain(), mounts: [mount] }, [])).code, 'spec-idmap');
});

test.run();
