import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { freeAddress, parsePort, portRules } from '../../../../runtimes/container/lifecycle/bridge.ts';
import { encodeFrame, FrameReader, parseLog } from '../../../../runtimes/container/lifecycle/frames.ts';
import {
  mergeEnv,
  parseBytes,
  parseVolume,
  runRequest,
  type RunFlags,
} from '../../../../runtimes/container/lifecycle/run-request.ts';
import { resolveUser } from '../../../../runtimes/container/user.ts';
import { suite } from '../../../suite.ts';

const test = suite('container life cycle');

const flags: RunFlags = {
  env: [],
  volume: [],
  publish: [],
  network: 'none',
  capAdd: [],
  capDrop: [],
  securityOpt: [],
  tmpfs: [],
};
const source = {
  name: 'app',
  layers: ['/l'],
  config: {
    Entrypoint: ['/serve'],
    Cmd: ['--port', '1'],
    Env: ['PATH=/bin', 'A=1'],
    User: '5',
    WorkingDir: '/srv',
  },
};

test("the image's own words are used, and flags win over them", () => {
  const plain = runRequest(flags, source, [], '/cache');
  assert.equal([...plain.argv], ['/serve', '--port', '1']);
  assert.equal([plain.cwd, plain.user, plain.env], ['/srv', '5', ['PATH=/bin', 'A=1']]);
  const own = runRequest(
    { ...flags, user: '7', env: ['A=2', 'B=3'], memory: '64m' },
    source,
    ['-v'],
    '/cache',
  );
  assert.equal([...own.argv], ['/serve', '-v']);
  assert.equal([own.user, own.env], ['7', ['PATH=/bin', 'A=2', 'B=3']]);
  assert.is(own.limits.memoryBytes, 64 << 20);
  assert.equal([...runRequest({ ...flags, entrypoint: 'sh' }, source, [], '/cache').argv], ['sh']);
  assert.throws(() => runRequest(flags, { ...source, config: {} }, [], '/cache'), /no command/);
});

test('a name without a value is taken from the caller, if it has one', () => {
  assert.equal(mergeEnv(['A=1'], ['A', 'B'], { A: '9' }), ['A=9']);
});

test('sizes, ports and volumes as Docker writes them; anything else is refused', () => {
  assert.equal(['512m', '1g', '64k', '7', '1.5k', '2b'].map(parseBytes), [
    512 << 20,
    1 << 30,
    65536,
    7,
    1536,
    2,
  ]);
  assert.equal(parsePort('8080:80'), { hostPort: 8080, containerPort: 80, protocol: 'tcp' });
  assert.is(parsePort('53:53/udp').protocol, 'udp');
  for (const bad of ['80', '0:80', '70000:1', 'a:b', '1:2/sctp', ''])
    assert.throws(() => parsePort(bad), bad);
  assert.equal(parseVolume('/etc/hostname:/h:ro').options, ['bind', 'nosuid', 'nodev', 'ro']);
  assert.equal(parseVolume('/etc:/e').options, ['rbind', 'nosuid', 'nodev', 'rw']);
  for (const bad of ['/etc', '/etc:e', '/etc:/e:rx', ':/e']) assert.throws(() => parseVolume(bad), bad);
  for (const bad of ['', '5x', '-1m']) assert.throws(() => parseBytes(bad), bad);
});

test("every rule of a port carries the container's mark and undoes by the same words", () => {
  const rules = portRules({ id: 'abc', address: '198.19.0.2', ports: [parsePort('8080:80')] });
  assert.is(rules.length, 3);
  for (const rule of rules) assert.ok(rule.includes('tare:abc'));
});

test('the lowest free address is given', () => {
  assert.is(freeAddress([]), 0xc6130002);
  assert.is(freeAddress(['198.19.0.2', null, '198.19.0.4']), 0xc6130003);
});

test('frames arrive whole however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(2), fc.uint8Array({ maxLength: 40 })), { maxLength: 8 }),
      fc.integer({ min: 1, max: 20 }),
      (frames, step) => {
        const bytes = Buffer.concat(frames.map(([type, body]) => encodeFrame(type, body)));
        const reader = new FrameReader();
        const got = [];
        for (let at = 0; at < bytes.length; at += step)
          got.push(...reader.push(bytes.subarray(at, at + step)));
        assert.equal(
          got.map(({ type, bytes: body }) => [type, [...body]]),
          frames.map(([type, body]) => [type, [...body]]),
        );
      },
    ),
  );
});

test('a log with any bytes in it is read back, and a cut-off end is left for later', () => {
  const log = Buffer.from('1 1700000000000000000 3\na\nb2 1700000000000000001 2\nx\n1 17');
  assert.equal(
    parseLog(log).map(({ stream, bytes }) => [stream, bytes.toString()]),
    [
      [1, 'a\nb'],
      [2, 'x\n'],
    ],
  );
});

const PASSWD = 'root:x:0:0:root:/root:/bin/sh\nweb:x:33:33:web:/var/www:/bin/sh\n# no\nbad:x\n';
const GROUP = 'root:x:0:\nwww:x:33:\nextra:x:44:web,other\n';

test('users are found as the image has them', () => {
  const who = (text: string): unknown[] => Object.values(resolveUser(text, PASSWD, GROUP));
  assert.equal(who(''), [0, 0, [], '/root']);
  assert.equal(who('web'), [33, 33, [44], '/var/www']);
  assert.equal(who('web:extra'), [33, 44, [], '/var/www']);
  assert.equal(who('1000'), [1000, 0, [], '/']);
  assert.equal(who('1000:1001'), [1000, 1001, [], '/']);
});

test('a user that is neither a number nor a name of the image is refused (CVE-2026-30892)', () => {
  for (const bad of [
    'nobody',
    '-1',
    '0x0',
    '1e3',
    ' 0',
    '0 ',
    '4294967295',
    ':0',
    '0:',
    'a:b:c',
    'bad',
    '+5',
    'web:no',
  ])
    assert.throws(() => resolveUser(bad, PASSWD, GROUP), /cannot be used/, bad);
  fc.assert(
    fc.property(fc.string(), (text) => {
      let user;
      try {
        user = resolveUser(text, PASSWD, GROUP);
      } catch {
        return;
      }
      // Whatever is accepted is empty, digits, or a name: never root by accident.
      if (user.uid === 0) assert.match(text, /^(|0+|root)(:([0-9]+|root|www|extra))?$/);
    }),
    { numRuns: 2000 },
  );
});

test.run();
