import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { DetachWatch, parseDetachKeys } from '../../../../runtimes/container/lifecycle/detach-keys.ts';
import { changesOf } from '../../../../runtimes/container/lifecycle/diff.ts';
import {
  matches,
  parseEvents,
  parseFilters,
  parseTime,
} from '../../../../runtimes/container/lifecycle/events.ts';
import { encodeFrame, FrameReader, parseLog } from '../../../../runtimes/container/lifecycle/frames.ts';
import {
  mergeEnv,
  parseBytes,
  runRequest,
  type RunFlags,
} from '../../../../runtimes/container/lifecycle/run-request.ts';
import { renderTemplate } from '../../../../runtimes/container/lifecycle/template.ts';
import { parted } from '../../../../runtimes/container/lifecycle/copy.ts';
import { BLANK_RECORD } from '../../../../runtimes/container/images/layer/record.ts';
import { resolveUser } from '../../../../runtimes/container/user.ts';
import { suite } from '../../../suite.ts';

const test = suite('container life cycle');

const flags: RunFlags = {
  env: [],
  envFile: [],
  label: [],
  volume: [],
  mount: [],
  volumesFrom: [],
  publish: [],
  networkAlias: [],
  addHost: [],
  dns: [],
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

test('sizes as Docker writes them; anything else is refused', () => {
  assert.equal(['512m', '1g', '64k', '7', '1.5k', '2b'].map(parseBytes), [
    512 << 20,
    1 << 30,
    65536,
    7,
    1536,
    2,
  ]);
  for (const bad of ['', '5x', '-1m']) assert.throws(() => parseBytes(bad), bad);
});

test('detach keys are found however they are typed, and what only begins like them is passed on whole', () => {
  assert.equal([...parseDetachKeys('ctrl-p,ctrl-q')], [16, 17]);
  assert.equal([...parseDetachKeys('x,ctrl-@')], [120, 0]);
  for (const bad of ['', 'ctrl-1', 'ab', 'ctrl-p,,x']) assert.throws(() => parseDetachKeys(bad), /no keys/);
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(16, 17, 97), { maxLength: 12 }),
      fc.integer({ min: 1, max: 4 }),
      (typed, step) => {
        const watch = new DetachWatch(parseDetachKeys('ctrl-p,ctrl-q'));
        const passed: number[] = [];
        let detached = false;
        for (let at = 0; at < typed.length && !detached; at += step) {
          const { pass, detach } = watch.push(Buffer.from(typed.slice(at, at + step)));
          passed.push(...pass);
          detached = detach;
        }
        const found = typed.findIndex((byte, index) => byte === 16 && typed[index + 1] === 17);
        assert.is(detached, found >= 0);
        // A key that may be the first of them waits for the next.
        const whole = found >= 0 ? typed.slice(0, found) : typed.at(-1) === 16 ? typed.slice(0, -1) : typed;
        assert.equal(passed, whole);
      },
    ),
  );
});

test('events are filtered by time and by any of the named values', () => {
  const line = (action: string, ms: number): string =>
    JSON.stringify({
      type: 'container',
      action,
      id: 'abcdef',
      name: 'web',
      image: 'app',
      timeNano: `${ms}000000`,
    });
  const [start, die] = parseEvents(`${line('start', 1000)}\n${line('die', 2000)}\n{"cut`);
  assert.ok(start && die);
  const wanted = (texts: string[], event = die): boolean => matches(event, { filters: parseFilters(texts) });
  assert.ok(wanted(['event=die', 'event=stop']));
  assert.not.ok(wanted(['event=start']));
  assert.ok(wanted(['container=abcd', 'image=app', 'type=container']));
  assert.not.ok(wanted(['network=web']));
  assert.not.ok(matches(start, { sinceMs: 1500, filters: new Map() }));
  assert.ok(matches(start, { untilMs: 1500, filters: new Map() }));
  assert.throws(() => parseFilters(['colour=red']), /not a filter/);
  assert.is(parseTime('10m', 1e6), 1e6 - 600e3);
  assert.is(parseTime('12.5', 0), 12_500);
  assert.is(parseTime('1970-01-01T00:00:01Z', 0), 1000);
  assert.throws(() => parseTime('soon', 0), /not a time/);
});

test('templates are filled with values and JSON, and a wrong key is told with those there are', () => {
  const value = { name: 'web', ports: [{ hostPort: 80 }] };
  assert.is(
    renderTemplate('{{.name}}={{json .ports}} {{ .ports.0.hostPort }}', value),
    'web=[{"hostPort":80}] 80',
  );
  assert.throws(() => renderTemplate('{{.nme}}', value), /there is no '.nme'/);
  assert.throws(() => renderTemplate('{{range .ports}}', value), /cannot be filled in/);
});

test('a diff shows additions, changes and removals, but not what the runtime made to mount on', () => {
  const entry = (path: string, kind: 'directory' | 'file' | 'node'): typeof BLANK_RECORD => ({
    ...BLANK_RECORD,
    kind,
    path,
    mode: kind === 'node' ? 0o020000 : 0o644,
  });
  const records = [
    entry('', 'directory'),
    entry('etc', 'directory'),
    entry('etc/hosts', 'file'),
    entry('etc/motd', 'node'),
    entry('proc', 'directory'),
    entry('srv', 'directory'),
    entry('srv/new', 'file'),
  ];
  const exists = (path: string): boolean => ['/etc', '/etc/motd', '/srv'].includes(path);
  const shown = changesOf(records, exists, ['/proc', '/etc/hosts']).map(({ kind, path }) => kind + path);
  assert.equal(shown, ['C/etc', 'D/etc/motd', 'C/srv', 'A/srv/new']);
  const stubs = changesOf(records.slice(0, 3), exists, ['/etc/hosts']);
  assert.equal(stubs, []);
});

test('the source of a copy is a name in a folder, or with /. what is in it', () => {
  assert.equal(parted('/srv/www/'), { contents: false, parent: '/srv', name: 'www' });
  assert.equal(parted('/srv/www/.'), { contents: true, parent: '/srv', name: 'www' });
  assert.equal(parted('/'), { contents: false, parent: '/', name: '' });
  assert.is(parted('.').contents, true);
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
