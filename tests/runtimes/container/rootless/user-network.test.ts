import * as assert from 'uvu/assert';
import { namespaceRefusal } from '../../../../runtimes/container/rootless/availability.ts';
import { rootlessNetwork } from '../../../../runtimes/container/rootless/network-choice.ts';
import { cpuOfStat } from '../../../../runtimes/container/rootless/process-tree.ts';
import {
  installedUserNetwork,
  userNetworkArgv,
} from '../../../../runtimes/container/rootless/user-network.ts';
import { userFolders } from '../../../../runtimes/container/rootless/folders.ts';
import { suite } from '../../../suite.ts';

const test = suite('networks, folders and times of an ordinary user');
const web = { hostPort: 8080, containerPort: 80, protocol: 'tcp' } as const;

test('without a word: the user-mode network that is there, else none; ports then cannot be had', () => {
  assert.is(rootlessNetwork(undefined, [], 'pasta'), 'pasta');
  assert.is(rootlessNetwork(undefined, [], null), 'none');
  assert.throws(() => rootlessNetwork(undefined, [web], null), /neither pasta nor slirp4netns is installed/);
  assert.is(
    installedUserNetwork((name) => (name === 'slirp4netns' ? '/x' : null)),
    'slirp4netns',
  );
});

test('bridges and others’ networks are refused, each with its reason', () => {
  assert.throws(() => rootlessNetwork('bridge', [], 'pasta'), /bridges are made in the host's network/);
  assert.throws(() => rootlessNetwork('container:x', [], 'pasta'), /a user namespace of its own/);
  assert.throws(() => rootlessNetwork('none', [web], 'pasta'), /cannot be published with --network none/);
  assert.throws(
    () => rootlessNetwork('pasta', [{ ...web, hostPort: 80 }], 'pasta'),
    /port 80 of the host is root's/,
  );
});

test('pasta: ports in, none out, the host’s loopback closed, addresses of the benchmarking block', () => {
  const argv = userNetworkArgv(
    'pasta',
    '/p',
    [web, { ...web, hostIp: '127.0.0.1', hostPort: 9090 }],
    '/s',
  ).join(' ');
  assert.match(argv, /--tcp-ports 8080:80 --tcp-ports 127\.0\.0\.1\/9090:80 --udp-ports none/);
  assert.match(argv, /--no-map-gw/);
  assert.match(argv, /--tcp-ns none --udp-ns none/);
  assert.match(argv, /--address 198\.18\.0\.2 .*--gateway 198\.18\.0\.1/);
  assert.match(argv, /--userns \/proc\/@PID@\/ns\/user --netns \/proc\/@PID@\/ns\/net$/);
});

test('slirp4netns: the host’s loopback closed, a socket only for ports', () => {
  const plain = userNetworkArgv('slirp4netns', '/s4', [], '/sock').join(' ');
  assert.match(plain, /--disable-host-loopback/);
  assert.not.match(plain, /api-socket/);
  assert.match(userNetworkArgv('slirp4netns', '/s4', [web], '/sock').join(' '), /--api-socket=\/sock/);
});

test('folders: the machine’s for root, XDG’s for others, /tmp by uid without a session', () => {
  assert.is(userFolders({}, 0, '/root').data, '/var/lib/tare');
  assert.equal(userFolders({ XDG_RUNTIME_DIR: '/run/user/7', XDG_DATA_HOME: '/d' }, 7, '/h'), {
    state: '/run/user/7/tare',
    data: '/d/tare',
  });
  assert.equal(userFolders({}, 7, '/h'), { state: '/tmp/tare-7', data: '/h/.local/share/tare' });
});

test('CPU time of a process and of those it waited for, whatever its name', () => {
  const fields = Array.from({ length: 40 }, (_, at) => at + 4);
  const stat = `7 (a ) b) S ${fields.join(' ')}`;
  // Fields 14 to 17: user, system, waited user, waited system, in hundredths of a second.
  assert.equal(cpuOfStat(stat), { userMs: (14 + 16) * 10, systemMs: (15 + 17) * 10 });
});

test('each setting that keeps user namespaces from users is named with its remedy', () => {
  const open = {
    supported: true,
    maxUserNamespaces: '96365\n',
    unprivilegedClone: null,
    apparmorRestricts: '0\n',
  };
  assert.is(namespaceRefusal(open), null);
  assert.match(namespaceRefusal({ ...open, maxUserNamespaces: '0\n' })?.remedy ?? '', /max_user_namespaces=/);
  assert.match(namespaceRefusal({ ...open, unprivilegedClone: '0\n' })?.remedy ?? '', /userns_clone=1/);
  assert.match(namespaceRefusal({ ...open, apparmorRestricts: '1\n' })?.reason ?? '', /AppArmor/);
  assert.match(namespaceRefusal({ ...open, supported: false })?.reason ?? '', /no user namespaces/);
});

test.run();
