import * as assert from 'uvu/assert';
import { suite } from '../../../suite.ts';
import { asking, cliRig, IMAGE, openWorld, server, until, type CliRig, type World } from './cli-rig.ts';

const test = suite('published ports');
let world: World;
let rig: CliRig;

test.before(async () => {
  world = await openWorld();
  rig = await cliRig(world.host);
});

test.after(async () => {
  await rig.end();
  await world.close();
});

test('a port is answered on the host’s loopback, on its address and from outside, and is closed again', async () => {
  const box = await rig.detached(
    'web',
    server(),
    '-p',
    '18080:8080',
    '-p',
    '8080',
    '-p',
    '127.0.0.1:18081:8080',
  );
  await until(async () => (await world.onHost(asking('127.0.0.1', 18080))).startsWith('served'));
  assert.match(await world.onHost(asking(world.hostAddress, 18080)), /^served/);
  // From outside the asker's own address is seen: nothing stands between.
  assert.is(await world.inWorld(asking(world.hostAddress, 18080)), `served ${world.worldAddress}`);
  assert.match(await world.onHost(asking('127.0.0.1', 18081)), /^served/);
  assert.is(
    await world.inWorld(asking(world.hostAddress, 18081)),
    'refused',
    'published on the loopback only',
  );
  const lines = (await rig.out('port', box)).split('\n');
  assert.is(lines.length, 3);
  assert.is(lines[0], '8080/tcp -> 0.0.0.0:18080');
  const chosen = Number(/:(\d+)$/.exec(lines[1] ?? '')?.[1]);
  assert.match(await world.onHost(asking('127.0.0.1', chosen)), /^served/);
  const other = await rig.out('run', '--rm', IMAGE, 'sh', '-c', asking('198.19.0.1', 18080));
  assert.match(other, /^served/, 'other containers reach it by the host’s port too');
  await rig.out('rm', '-f', box);
  assert.is(await world.onHost(asking('127.0.0.1', 18080)), 'refused');
  assert.is(await world.onHost('nft list ruleset; cat /proc/sys/net/ipv4/ip_forward'), '0');
});

test('a container may not use the host’s loopback, though packets for it can be routed', async () => {
  await rig.detached('guard', server(), '-p', '18082:8080');
  await world.onHost(
    `(${server(6000).replace('LocalPort', 'LocalAddr=>"127.0.0.1",LocalPort')}) >/dev/null 2>&1 &`,
  );
  await until(async () => (await world.onHost(asking('127.0.0.1', 6000))).startsWith('served'));
  // As root inside with NET_ADMIN one can send to 127.0.0.1 by the bridge; the host must not take it.
  const script = `perl -e 'exit 0'; ${asking('198.19.0.1', 6000)}`;
  assert.is(await rig.out('run', '--rm', IMAGE, 'sh', '-c', script), 'refused');
  assert.match(await world.onHost('nft list chain ip tare guard'), /ip daddr 127\.0\.0\.0\/8 drop/);
});

test('udp, ranges and -P', async () => {
  const echo = `exec perl -MIO::Socket::INET -e '$s=IO::Socket::INET->new(LocalPort=>5353,Proto=>"udp"); while(1){$s->recv($m,99); $s->send("echo $m")}'`;
  const box = await rig.detached('udp', echo, '-p', '15353:5353/udp', '-p', '18100-18102:8100-8102');
  const ask = `perl -MIO::Socket::INET -e '$c=IO::Socket::INET->new(PeerAddr=>"127.0.0.1",PeerPort=>15353,Proto=>"udp"); $c->send("hi"); alarm 2; $c->recv($m,99); print $m'`;
  await until(async () => (await world.onHost(ask)) === 'echo hi');
  assert.is(await rig.out('port', box, '5353/udp'), '0.0.0.0:15353');
  assert.is(await rig.out('port', box, '8101'), '0.0.0.0:18101');
  const plan = await rig.out('plan', '-P', IMAGE, 'true');
  assert.match(plan, /exec argv=\["true"\]/);
});

test('a port that is taken is refused with who has it, and nothing is left', async () => {
  const first = await rig.detached('first', 'sleep 300', '-p', '18090:80');
  const clash = await rig.bench('run', '--rm', '-p', '18090:80', IMAGE, 'true');
  assert.match(String(clash.stderr), new RegExp(`port 18090/tcp of the host is taken by container ${first}`));
  await world.onHost(`(${server(18091)}) >/dev/null 2>&1 &`);
  await until(async () => (await world.onHost(asking('127.0.0.1', 18091))).startsWith('served'));
  const process = await rig.bench('run', '--rm', '-p', '18091:80', IMAGE, 'true');
  assert.match(String(process.stderr), /taken by perl \(process \d+\)/);
  const elsewhere = await rig.bench('run', '--rm', '-p', '198.18.201.9:80:80', IMAGE, 'true');
  assert.match(String(elsewhere.stderr), /198\.18\.201\.9:80 cannot be published on/);
  const next = await rig.detached('next', 'sleep 300', '-p', '18090-18099:80');
  assert.is(await rig.out('port', next, '80'), '0.0.0.0:18092');
  const none = await rig.bench('run', '--rm', '--network', 'none', '-p', '1:1', IMAGE, 'true');
  assert.match(String(none.stderr), /ports and NAT need a network/);
});

test.run();
