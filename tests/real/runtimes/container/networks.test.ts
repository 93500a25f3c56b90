import * as assert from 'uvu/assert';
import { suite } from '../../../suite.ts';
import {
  asking,
  cliRig,
  containerState,
  leftBehind,
  IMAGE,
  openWorld,
  server,
  until,
  type CliRig,
  type World,
} from './cli-rig.ts';

const test = suite('networks of containers');
let world: World;
let rig: CliRig;
let before: string[];
const NET = `tt-${process.pid}-net`;

test.before(async () => {
  before = containerState();
  world = await openWorld();
  rig = await cliRig(world.host);
  await rig.out('network', 'create', '--label', 'for=tests', NET);
});

test.after(async () => {
  await rig.close();
  for (const name of [NET, `${NET}-in`, `${NET}-out`]) await rig.bench('network', 'rm', name);
  await rig.end();
  await world.close();
  assert.equal(leftBehind(before), []);
});

test('containers of one network find each other by name, alias and host name, also those that come later', async () => {
  const db = await rig.detached(
    'db',
    server(),
    '--network',
    NET,
    '--network-alias',
    'store',
    '--hostname',
    'database',
  );
  const ask = ['run', '--rm', '--network', NET, IMAGE, 'sh', '-c'];
  for (const name of [db, 'store', 'database'])
    assert.match(await rig.out(...ask, asking(name, 8080)), /^served 198\.18\./, name);
  const late = await rig.detached('late', 'sleep 300', '--network', NET);
  assert.match(await rig.out('exec', db, 'getent', 'hosts', late), /^198\.18\./);
  await rig.out('rename', late, `${late}-2`);
  assert.match(await rig.out('exec', db, 'getent', 'hosts', `${late}-2`), /^198\.18\./);
  assert.is((await rig.bench('exec', db, 'getent', 'hosts', late)).exitCode, 2, 'the old name is gone');
  await rig.out('rm', '-f', `${late}-2`);
  assert.is(
    (await rig.bench('exec', db, 'getent', 'hosts', `${late}-2`)).exitCode,
    2,
    'who went is forgotten',
  );
});

test('the files of /etc say what is true', async () => {
  const flags = ['--hostname', 'box', '--add-host', 'db:198.18.9.9', '--dns', '198.18.9.1'];
  const text = await rig.out(
    'run',
    '--rm',
    ...flags,
    IMAGE,
    'cat',
    '/etc/hosts',
    '/etc/resolv.conf',
    '/etc/hostname',
  );
  assert.match(text, /^198\.19\.\d+\.\d+\tbox /m);
  assert.match(text, /^198\.18\.9\.9\tdb$/m);
  assert.match(text, /^nameserver 198\.18\.9\.1$/m);
  assert.match(text, /^box$/m);
  const none = await rig.out(
    'run',
    '--rm',
    '--network',
    'none',
    IMAGE,
    'cat',
    '/etc/hosts',
    '/etc/resolv.conf',
  );
  assert.match(none, /localhost/);
  assert.not.match(none, /^nameserver/m);
});

test('container:NAME shares a namespace: the same address, the loopback in common', async () => {
  const box = await rig.detached('shared', server(9090), '--network', NET);
  const script = `${asking('127.0.0.1', 9090)}; echo; cat /etc/hostname`;
  const [answer, hostname] = (
    await rig.out('run', '--rm', '--network', `container:${box}`, IMAGE, 'sh', '-c', script)
  ).split('\n');
  assert.is(answer, 'served 127.0.0.1');
  assert.ok((await rig.out('inspect', '-f', '{{.id}}', box)).startsWith(hostname ?? 'none'));
  const refused = await rig.bench(
    'run',
    '--rm',
    '--network',
    `container:${box}`,
    '-p',
    '80:80',
    IMAGE,
    'true',
  );
  assert.match(String(refused.stderr), /ports and NAT need a network/);
});

test('networks are apart: nobody is reached or known across them', async () => {
  await rig.out('network', 'create', '--subnet', '198.18.77.0/24', `${NET}-in`, '--internal');
  const inner = await rig.detached('inner', server(), '--network', `${NET}-in`);
  const address = await rig.out('inspect', '-f', '{{.address}}', inner);
  assert.is(address, '198.18.77.2');
  assert.is(
    await rig.out('run', '--rm', '--network', `${NET}-in`, IMAGE, 'sh', '-c', asking(inner, 8080)),
    `served 198.18.77.3`,
  );
  assert.is(
    await rig.out('run', '--rm', '--network', NET, IMAGE, 'sh', '-c', asking(address, 8080)),
    'refused',
  );
  assert.is(
    await rig.out('run', '--rm', '--network', NET, IMAGE, 'sh', '-c', asking(inner, 8080)),
    'refused',
  );
  assert.is(await world.onHost(asking(address, 8080)), 'refused', 'an internal network is not the host’s');
  assert.is(await world.onHost('ip -br link | grep -c 198.18.77 || true'), '0');
});

test('network ls, inspect, rm: what is in use stays', async () => {
  const view = JSON.parse(await rig.out('network', 'inspect', NET)) as {
    subnet: string;
    containers: { aliases: string[] }[];
    labels: Record<string, string>;
  };
  assert.match(view.subnet, /^198\.18\.\d+\.0\/24$/);
  assert.equal(view.labels, { for: 'tests' });
  assert.ok(view.containers.some((each) => each.aliases.includes('store')));
  assert.match(await rig.out('network', 'ls'), new RegExp(`${NET}\\s+${view.subnet}\\s+host only`));
  assert.match(String((await rig.bench('network', 'rm', NET)).stderr), /is the network of tt-/);
  assert.match(String((await rig.bench('network', 'create', NET)).stderr), /taken, or not a name/);
  assert.match(
    String((await rig.bench('network', 'create', 'tt-clash', '--subnet', view.subnet)).stderr),
    /overlaps/,
  );
  assert.match(
    String((await rig.bench('run', '--rm', '--network', 'tt-no', IMAGE, 'true')).stderr),
    /no network 'tt-no'/,
  );
});

test('NAT outward only where asked, and afterwards the host is as it was', async () => {
  await rig.close();
  const rulesBefore = await world.onHost('nft list ruleset; cat /proc/sys/net/ipv4/ip_forward');
  assert.is(rulesBefore, '0');
  await world.inWorld(`(${server(7000)}) >/dev/null 2>&1 &`);
  const ask = asking(world.worldAddress, 7000);
  await until(async () => (await world.onHost(ask)).startsWith('served'));
  assert.is(await rig.out('run', '--rm', IMAGE, 'sh', '-c', ask), 'refused');
  const seen = `served ${world.hostAddress}`;
  assert.is(await rig.out('run', '--rm', '--nat', IMAGE, 'sh', '-c', ask), seen);
  await rig.out('network', 'create', '--nat', `${NET}-out`);
  assert.is(await rig.out('run', '--rm', '--network', `${NET}-out`, IMAGE, 'sh', '-c', ask), seen);
  assert.is(await world.onHost('nft list ruleset; cat /proc/sys/net/ipv4/ip_forward'), rulesBefore);
  assert.match(await world.onHost('ip -br link'), /^lo .*\nup0@\S+ .*$/, 'no bridge is left');
});

test('where forwarding is turned on for a container, the host does not become a router for others', async () => {
  const box = await rig.detached('nat', 'sleep 300', '--nat');
  assert.is(await world.onHost('cat /proc/sys/net/ipv4/ip_forward'), '1');
  assert.match(await world.onHost('nft list chain ip tare forward'), /policy drop/);
  const address = await rig.out('inspect', '-f', '{{.address}}', box);
  await rig.out('exec', '-d', box, 'sh', '-c', server(9000));
  await until(async () => (await world.onHost(asking(address, 9000))).startsWith('served'));
  await world.inWorld(`ip route add 198.19.0.0/16 via ${world.hostAddress}`);
  assert.is(
    await world.inWorld(asking(address, 9000)),
    'refused',
    'what is not published is not reached from outside',
  );
});

test.run();
