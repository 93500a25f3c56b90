import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import {
  enterOp,
  idMaps,
  isMapped,
  type MapSources,
} from '../../../../runtimes/container/rootless/id-maps.ts';
import { outsideUid } from '../../../../runtimes/container/rootless/privilege.ts';
import { subordinateRanges } from '../../../../runtimes/container/rootless/subordinate-ids.ts';
import { requireMappedUser } from '../../../../runtimes/container/rootless/user-mapping.ts';
import { suite } from '../../../suite.ts';

const test = suite('id maps of an ordinary user');
const ana = { name: 'ana', uid: 1000, gid: 1001 };
const full: MapSources = {
  subuid: 'bob:100000:65536\nana:165536:65536\n1000:500000:10\n',
  subgid: 'ana:265536:65536\n',
  newuidmap: '/usr/bin/newuidmap',
  newgidmap: '/usr/bin/newgidmap',
};

test('ranges are taken by name and by number, malformed lines and others passed over', () => {
  const text = '# c\nana:1:2\nana:x:2\nana:5\n1000:7:1\nbob:9:9\nana:4294967290:100\nana:3:0\n';
  assert.equal(subordinateRanges(text, 'ana', 1000), [
    { start: 1, count: 2 },
    { start: 7, count: 1 },
  ]);
});

test('root inside is the user, the ids from 1 on are the subordinate ones, one range after the other', () => {
  const maps = idMaps(ana, full);
  assert.equal(maps.uid, [
    { containerID: 0, hostID: 1000, size: 1 },
    { containerID: 1, hostID: 165536, size: 65536 },
    { containerID: 65537, hostID: 500000, size: 10 },
  ]);
  assert.equal(maps.gid[0], { containerID: 0, hostID: 1001, size: 1 });
  assert.is(maps.single, null);
  assert.ok(isMapped(maps.uid, 65546) && !isMapped(maps.uid, 65547));
});

test('one id only: without ranges, without the helpers, and the remedy names what is missing', () => {
  const noRange = idMaps(ana, { ...full, subgid: '' });
  assert.equal(noRange.uid, [{ containerID: 0, hostID: 1000, size: 1 }]);
  assert.match(noRange.single?.reason ?? '', /no range in/);
  assert.match(noRange.single?.remedy ?? '', /^as root: usermod --add-subuids .* ana$/);
  const noHelper = idMaps(ana, { ...full, newgidmap: null });
  assert.match(noHelper.single?.reason ?? '', /not installed/);
  assert.is(noHelper.single?.remedy, 'as root: apt-get install uidmap');
  assert.is(noHelper.helpers, null);
});

test('the operation: the map as text for the kernel, as words for the helpers, and helpers only for ranges', () => {
  assert.equal(enterOp(idMaps(ana, { ...full, subuid: '' })), {
    op: 'user-namespace',
    uidMap: '0 1000 1\n',
    gidMap: '0 1001 1\n',
    uidHelper: [],
    gidHelper: [],
  });
  const ranged = enterOp(idMaps(ana, full));
  assert.ok(ranged.op === 'user-namespace');
  assert.equal(ranged.gidHelper, ['/usr/bin/newgidmap', '0', '1001', '1', '1', '265536', '65536']);
});

test('no id of the inside is mapped twice, and none of the outside but the user and his ranges', () => {
  const ranges = fc.array(
    fc.tuple(fc.integer({ min: 2000, max: 900000 }), fc.integer({ min: 1, max: 70000 })),
    {
      maxLength: 5,
    },
  );
  fc.assert(
    fc.property(ranges, (list) => {
      const text = list.map(([start, count]) => `ana:${start}:${count}`).join('\n');
      const maps = idMaps(ana, { ...full, subuid: text, subgid: text });
      let next = 0;
      for (const mapping of maps.uid) {
        assert.is(mapping.containerID, next);
        next += mapping.size;
        assert.ok(
          mapping.hostID === 1000 ||
            list.some(([start, count]) => start === mapping.hostID && count === mapping.size),
        );
      }
    }),
  );
});

test('a user that is not mapped is refused in words, with the remedy', () => {
  const single = {
    kind: 'user',
    uid: 1000,
    account: ana,
    maps: idMaps(ana, { ...full, subuid: '' }),
    refusal: null,
  } as const;
  requireMappedUser(single, { uid: 0, gid: 0 });
  assert.throws(() => requireMappedUser(single, { uid: 33, gid: 0 }), /user 33 cannot be had inside/);
  assert.throws(() => requireMappedUser(single, { uid: 0, gid: 5 }), /group 5 cannot be had/);
  requireMappedUser({ kind: 'root', uid: 0 }, { uid: 33, gid: 33 });
  requireMappedUser({ ...single, maps: idMaps(ana, full) }, { uid: 33, gid: 33 });
});

test('whose root we are: the machine’s, or some user’s', () => {
  assert.is(outsideUid('         0          0 4294967295\n'), null);
  assert.is(outsideUid('         0       1000          1\n         1     100000      65536\n'), 1000);
});

test.run();
