import * as assert from 'uvu/assert';
import { losses } from '../../../../runtimes/container/rootless/abilities.ts';
import { refusedLimits } from '../../../../runtimes/container/rootless/cgroup-place.ts';
import { chooseDelegation, type CgroupView } from '../../../../runtimes/container/rootless/delegation.ts';
import { idMaps } from '../../../../runtimes/container/rootless/id-maps.ts';
import { suite } from '../../../suite.ts';

const test = suite('cgroups handed to an ordinary user');
const v2 = { v1: {}, v2: { mount: '/sys/fs/cgroup', controllers: ['cpu', 'memory', 'pids', 'cpuset'] } };
const user = '/user.slice/user-1000.slice/user@1000.service';

function view(own: string, mine: string[], change: Partial<CgroupView> = {}): CgroupView {
  return {
    layout: v2,
    own: `0::${own}\n`,
    writable: (folder) => mine.some((path) => folder === `/sys/fs/cgroup${path}`),
    controllers: () => ['cpu', 'memory', 'pids'],
    processes: () => [],
    ...change,
  };
}

test('the topmost group above us that is ours, with the controllers that were handed to it', () => {
  const own = `${user}/app.slice/run.scope`;
  const choice = chooseDelegation(view(own, [own, `${user}/app.slice`, user]));
  assert.equal(choice, {
    kind: 'delegated',
    layout: { v1: {}, v2: { mount: '/sys/fs/cgroup', controllers: ['cpu', 'memory', 'pids'] } },
    parent: `${user.slice(1)}/tare`,
    move: null,
  });
});

test('a group that is ours elsewhere is no help: the common ancestor has to be writable too', () => {
  const session = '/user.slice/user-1000.slice/session-2.scope';
  const choice = chooseDelegation(view(session, [user]));
  assert.ok(choice.kind === 'none');
  assert.match(choice.reason, /session-2\.scope\) is not ours to write/);
  assert.match(choice.remedy, /systemd-run --user --scope -p Delegate=yes/);
});

test('processes right in the delegated group move to a leaf first', () => {
  const scope = `${user}/app.slice/run.scope`;
  const choice = chooseDelegation(view(scope, [scope], { processes: () => [11, 12] }));
  assert.ok(choice.kind === 'delegated');
  assert.equal(choice.move, { leaf: `/sys/fs/cgroup${scope}/tare-callers`, pids: [11, 12] });
});

test('without cpu and memory there is nothing to limit by, and what is lacking is named', () => {
  const choice = chooseDelegation(view(user, [user], { controllers: () => ['pids', 'memory'] }));
  assert.ok(choice.kind === 'none');
  assert.match(choice.reason, /controllers cpu are not delegated/);
});

test('cgroup v1 hands nothing down, and says so', () => {
  const choice = chooseDelegation(view('/', ['/'], { layout: { v1: { cpu: '/c' }, v2: null } }));
  assert.ok(choice.kind === 'none');
  assert.match(choice.reason, /v1 gives ordinary users no controllers/);
});

test('the limits that need a cgroup are named; a CPU set is not among them', () => {
  assert.equal(refusedLimits({ cpuset: [0] }), []);
  assert.equal(refusedLimits({ memoryBytes: 1, pids: 3, cpus: 1 }), [
    'memory',
    'the number of processes',
    'CPU time',
  ]);
});

test('what a user’s boxes lack: one line each, caveats only where a number changes its meaning', () => {
  const account = { name: 'ana', uid: 1000, gid: 1000 };
  const maps = idMaps(account, { subuid: '', subgid: '', newuidmap: null, newgidmap: null });
  const ana = { kind: 'user', uid: 1000, account, maps, refusal: null } as const;
  const none = losses(ana, { kind: 'none', reason: 'why', remedy: 'how' });
  assert.is(none.caveats.length, 1);
  assert.ok(none.notes.some((line) => line.includes('memory is not limited: why (how)')));
  assert.ok(none.notes.some((line) => line.includes('only root exists inside')));
  assert.ok(none.notes.every((line) => !line.includes('\n')));
  const given = losses(ana, { kind: 'delegated', layout: v2, parent: 'tare', move: null });
  assert.equal(given.caveats, []);
  assert.equal(losses({ kind: 'root', uid: 0 }, null), { caveats: [], notes: [] });
});

test.run();
