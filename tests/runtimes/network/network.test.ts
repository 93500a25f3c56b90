import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { cpuMask } from '../../../runtimes/network/cpu-mask.ts';
import { peerPlan } from '../../../runtimes/network/peer.ts';
import { nextSubnet, subnet } from '../../../runtimes/network/subnet.ts';
import { suite } from '../../suite.ts';

const test = suite('network');

test('every subnet lies in 198.18.0.0/15 and no two of a round share an address', () => {
  assert.equal(subnet(0), {
    peerNumber: 0xc6120001,
    insideNumber: 0xc6120002,
    peer: '198.18.0.1',
    inside: '198.18.0.2',
  });
  assert.is(subnet(32767).inside, '198.19.255.254');
  fc.assert(
    fc.property(fc.nat(100_000), fc.nat(100_000), (a, b) => {
      const [one, other] = [subnet(a), subnet(b)];
      assert.is(one.peerNumber >>> 17, 0xc6120000 >>> 17);
      assert.is(one.peerNumber === other.peerNumber, a % 32768 === b % 32768);
    }),
  );
});

test('an owner gets one subnet after another', () => {
  const [a, b] = [nextSubnet('tare-x'), nextSubnet('tare-x')];
  assert.is((b.peerNumber - a.peerNumber + 0x20000) % 0x20000, 4);
});

test('CPUs as a mask of whole words', () => {
  assert.equal([...cpuMask([0, 3])], [9, 0, 0, 0, 0, 0, 0, 0]);
  assert.is(cpuMask([64]).length, 16);
  assert.is(cpuMask([64])[8], 1);
});

test('a peer never sees the image writable, and loopback enters no namespace', () => {
  const place = { launcher: '/l', rootfs: '/image', housekeeping: [1], namespacePath: '/run/netns/x' };
  const owner = { op: 'death-signal', signal: 9, parent: 1 } as const;
  const plan = peerPlan(place, ['iperf3', '-s'], owner);
  const bind = plan.find((op) => op.op === 'bind' && op.source === '/image');
  assert.ok(bind?.op === 'bind' && bind.set === 1);
  assert.ok(plan.some((op) => op.op === 'setns'));
  assert.not(peerPlan({ ...place, namespacePath: null }, ['x'], owner).some((op) => op.op === 'setns'));
});

test.run();
