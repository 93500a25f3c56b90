import fc from 'fast-check';
import { execa } from 'execa';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  etcMounts,
  hostsText,
  resolvText,
  writeInPlace,
} from '../../../../runtimes/container/networks/etc-files.ts';
import { settlePorts, socketInodes } from '../../../../runtimes/container/networks/port-holder.ts';
import {
  collide,
  exposedPorts,
  parsePorts,
  portLines,
} from '../../../../runtimes/container/networks/ports.ts';
import { needsForwarding, NO_RULES, rulesText } from '../../../../runtimes/container/networks/rules.ts';
import {
  chooseSubnet,
  formatBlock,
  freeAddress,
  overlaps,
  parseBlock,
  routedBlocks,
} from '../../../../runtimes/container/networks/subnets.ts';
import { suite } from '../../../suite.ts';

const test = suite('container networks');

test('every form of -p, and nothing else', () => {
  const short = (text: string): string[] =>
    parsePorts(text).map((p) => `${p.hostIp ?? '*'}:${p.hostPort}:${p.containerPort}/${p.protocol}`);
  assert.equal(short('8080:80'), ['*:8080:80/tcp']);
  assert.equal(short('127.0.0.1:8080:80'), ['127.0.0.1:8080:80/tcp']);
  assert.equal(short('127.0.0.1::80'), ['127.0.0.1:0:80/tcp']);
  assert.equal(short('80'), ['*:0:80/tcp']);
  assert.equal(short('53:53/udp'), ['*:53:53/udp']);
  assert.equal(short('8000-8002:90-92'), ['*:8000:90/tcp', '*:8001:91/tcp', '*:8002:92/tcp']);
  assert.equal(short('90-91'), ['*:0:90/tcp', '*:0:91/tcp']);
  assert.is(parsePorts('8000-8010:80')[0]?.hostPortEnd, 8010);
  const wrong = [
    '',
    '0:80',
    '70000:1',
    'a:b',
    '1:2/sctp',
    '8000-8001:80-83',
    '9-8:9-8',
    '1.2.3:80:80',
    '999.0.0.1:1:1',
  ];
  for (const bad of wrong) assert.throws(() => parsePorts(bad), /not a port/, bad);
  assert.equal(
    exposedPorts({ '80/tcp': {}, '53/udp': {} }).map((port) => port.protocol),
    ['tcp', 'udp'],
  );
});

test('port lines, whole and asked for', () => {
  const ports = parsePorts('127.0.0.1:8080:80');
  assert.equal(portLines('web', ports), ['80/tcp -> 127.0.0.1:8080']);
  assert.equal(portLines('web', ports, '80'), ['127.0.0.1:8080']);
  assert.throws(() => portLines('web', ports, '80/udp'), /publishes no port 80\/udp/);
});

test('a port on all addresses collides with the same one on any', () => {
  const [all, some, other] = ['80:1', '127.0.0.1:80:2', '127.0.0.2:80:3'].map((text) => parsePorts(text)[0]);
  assert.ok(all && some && other);
  assert.ok(collide(all, some));
  assert.not.ok(collide(some, other));
  assert.not.ok(collide(all, { ...all, protocol: 'udp' }));
});

test('a port in use is refused with who has it, and a free one is chosen where none is named', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  try {
    const refused = settlePorts(parsePorts(`${port}:80`), []);
    await refused.then(
      () => assert.unreachable('it was given'),
      (error: Error) => assert.match(error.message, new RegExp(`taken by .*process ${process.pid}`)),
    );
    const [next] = await settlePorts(parsePorts(`${port}-${Math.min(65535, port + 50)}:80`), []);
    assert.ok((next?.hostPort ?? 0) > port);
  } finally {
    server.close();
  }
  const [chosen] = await settlePorts(parsePorts('80'), []);
  assert.ok((chosen?.hostPort ?? 0) > 0);
  const taken = [{ port: { ...parsePorts('18099:1')[0]!, hostPort: 18099 }, container: 'web' }];
  await settlePorts(parsePorts('18099:80'), taken).then(
    () => assert.unreachable('it was given twice'),
    (error: Error) => assert.match(error.message, /taken by container web/),
  );
});

test('an UDP port in use is seen too', async () => {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  await settlePorts(parsePorts(`${socket.address().port}:53/udp`), [])
    .then(
      () => assert.unreachable('it was given'),
      (error: Error) => assert.match(error.message, /taken by/),
    )
    .finally(() => socket.close());
});

test('who listens is read from the kernel’s tables, not who is only connected', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1',
    '   1: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 222 1',
  ].join('\n');
  assert.equal(socketInodes(table, 8080), ['111']);
});

test('subnets never touch each other or what the host has a route to', () => {
  const table = [
    'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT',
    'eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0',
    'tn1\t000012C6\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
  ].join('\n');
  assert.equal(routedBlocks(table).map(formatBlock), ['198.18.0.0/24']);
  assert.is(formatBlock(chooseSubnet(routedBlocks(table))), '198.18.1.0/24');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(0xffff), fc.integer({ min: 16, max: 30 })), { maxLength: 12 }),
      (list) => {
        const taken = list
          .map(([low, prefix]) => ({ base: (0xc6120000 + low) & -(2 ** (32 - prefix)), prefix }))
          .map(({ base, prefix }) => ({ base: base >>> 0, prefix }));
        let chosen;
        try {
          chosen = chooseSubnet(taken);
        } catch (error) {
          assert.match((error as Error).message, /no subnet/);
          return;
        }
        assert.not.ok(taken.some((each) => overlaps(each, chosen)));
      },
    ),
  );
  for (const bad of ['198.18.1.1/24', '1.2.3.4', '198.18.0.0/31', 'x/24', '300.0.0.0/8'])
    assert.throws(() => parseBlock(bad), /not a subnet/, bad);
});

test('the lowest free address is given, and the last is the broadcast', () => {
  const block = parseBlock('198.18.7.0/29');
  assert.is(freeAddress(block, ['198.18.7.2', null, '198.18.7.4']), 0xc6120703);
  const all = [2, 3, 4, 5, 6].map((host) => `198.18.7.${host}`);
  assert.throws(() => freeAddress(block, all), /every address/);
});

test('/etc/hosts has the loopback, oneself, what was asked for, and the others with all their names', () => {
  const text = hostsText(
    { address: '198.18.0.2', names: ['abc', 'web', 'web'] },
    ['db:10.0.0.1', 'six:fe80::1'],
    [{ address: '198.18.0.3', names: ['cache', 'store'] }],
  );
  assert.match(text, /^127\.0\.0\.1\tlocalhost$/m);
  assert.match(text, /^198\.18\.0\.2\tabc web$/m);
  assert.match(text, /^10\.0\.0\.1\tdb$/m);
  assert.match(text, /^fe80::1\tsix$/m);
  assert.match(text, /^198\.18\.0\.3\tcache store$/m);
});

test('name servers are those that can be reached', () => {
  const host = 'search example.org\nnameserver 127.0.0.53\nnameserver 192.0.2.1\n';
  assert.is(resolvText(host, 'host'), host);
  assert.is(resolvText(host, 'out'), 'search example.org\nnameserver 192.0.2.1\n');
  assert.not.match(resolvText(host, 'no way out'), /^nameserver/m);
  assert.not.match(resolvText('nameserver 127.0.0.1\n', 'out'), /^nameserver/m);
  assert.is(resolvText(host, 'no way out', ['192.0.2.9']), 'nameserver 192.0.2.9\n');
});

test('a file is written in place: the inode that is bound stays', () => {
  const folder = mkdtempSync('/tmp/tare-etc-');
  writeInPlace(folder, 'hosts', 'a long first text\n');
  const before = statSync(join(folder, 'hosts')).ino;
  writeInPlace(folder, 'hosts', 'short\n');
  assert.is(readFileSync(join(folder, 'hosts'), 'utf8'), 'short\n');
  assert.is(statSync(join(folder, 'hosts')).ino, before);
  rmSync(folder, { recursive: true });
});

test('a mount of one’s own on /etc/hosts stays', () => {
  const own = { ...etcMounts('/e', [])[0]!, source: '/mine' };
  assert.equal(
    etcMounts('/e', [own]).map((each) => each.destination),
    ['/etc/resolv.conf', '/etc/hostname'],
  );
});

const web = {
  id: 'abc',
  address: '198.18.0.2',
  bridge: 'tn0123456789',
  subnet: parseBlock('198.18.0.0/24'),
  nat: false,
  ports: parsePorts('8080:80'),
};

test('rules: ports to the container, NAT where asked, nothing else forwarded where it was turned on for us', () => {
  const text = rulesText([web, { ...web, id: 'def', address: '198.18.0.3', nat: true, ports: [] }], true);
  assert.match(text, /^add table ip tare\ndelete table ip tare\n/);
  assert.is(text.match(/fib daddr type local tcp dport 8080 dnat to 198\.18\.0\.2:80/g)?.length, 2);
  assert.match(text, /ip saddr 198\.18\.0\.3 oifname != "tn0123456789" masquerade/);
  assert.not.match(text, /ip saddr 198\.18\.0\.2 oifname != "tn0123456789" masquerade/);
  assert.match(text, /hook forward priority filter; policy drop/);
  assert.match(rulesText([web], false), /hook forward priority filter; policy accept/);
  assert.match(text, /ip daddr 127\.0\.0\.0\/8 drop/, 'containers may not use the loopback of the host');
  const loopback = { ...web, ports: parsePorts('127.0.0.1:8080:80') };
  assert.match(rulesText([loopback], false), /ip daddr 127\.0\.0\.1 tcp dport 8080 dnat/);
  assert.not.ok(needsForwarding([loopback]));
  assert.ok(needsForwarding([web]));
});

test('nft takes the rules', async () => {
  for (const text of [rulesText([web, { ...web, nat: true }], true), NO_RULES]) {
    // In a network namespace of its own: nothing of this host is touched.
    const argv = process.getuid?.() === 0 ? ['--net'] : ['--net', '--user', '--map-root-user'];
    const { exitCode, stderr } = await execa('unshare', [...argv, 'nft', '-f', '-'], {
      input: text,
      reject: false,
    });
    assert.is(exitCode, 0, stderr);
  }
});

test.run();
