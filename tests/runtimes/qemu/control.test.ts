import fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { AgentClient } from '../../../runtimes/qemu/control/agent-client.ts';
import { GuestPort } from '../../../runtimes/qemu/control/guest-port.ts';
import { LineReader } from '../../../runtimes/qemu/control/line-reader.ts';
import { QmpClient } from '../../../runtimes/qemu/control/qmp-client.ts';
import { suite } from '../../suite.ts';

const test = suite('control protocols of virtual machines');
const GREETING = '{"QMP": {"version": {"qemu": {"micro": 0}}, "capabilities": ["oob"]}}\r\n';

/** A scripted far end on a real unix socket. */
async function withServer(
  talk: (socket: Socket) => void,
  use: (path: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tare-control-'));
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    talk(socket);
  });
  try {
    await new Promise<void>((resolve) => server.listen(join(folder, 's'), resolve));
    await use(join(folder, 's'));
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'no error',
    (error: { code: string }) => error.code,
  );
}

interface Request {
  execute: string;
  arguments: Record<string, unknown>;
  id?: number;
}

function onRequest(socket: Socket, answer: (request: Request) => void): void {
  const reader = new LineReader();
  socket.on('data', (chunk: Buffer) => {
    for (const line of reader.push(Buffer.from(chunk.filter((byte) => byte !== 0xff))))
      if (line) answer(JSON.parse(line) as Request);
  });
}

test('lines come out whole however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.array(fc.nat(20)), (texts, cuts) => {
      const lines = texts.map((text) => text.replaceAll(/[\n\r]/g, '-'));
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      const reader = new LineReader();
      const out: string[] = [];
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        out.push(...reader.push(bytes.subarray(at, at + cut)));
        at = Math.min(bytes.length, at + cut);
      }
      out.push(...reader.push(bytes.subarray(at)));
      assert.equal(out, lines);
    }),
  );
});

test('QMP: greeting, negotiation, answers matched by id though they come out of order, events between', async () => {
  const held: Request[] = [];
  await withServer(
    (socket) => {
      socket.write(GREETING);
      onRequest(socket, (request) => {
        if (request.execute === 'qmp_capabilities') socket.write(`{"return": {}, "id": ${request.id}}\n`);
        else held.push(request);
        if (held.length < 2) return;
        socket.write('{"event": "STOP", "timestamp": {"seconds": 1, "microseconds": 2}}\n');
        for (const each of held.splice(0).reverse())
          socket.write(`{"return": "${each.execute}", "id": ${each.id}}\n`);
      });
    },
    async (path) => {
      const client = await QmpClient.connect(path);
      const stopped = client.nextEvent('STOP', 1000);
      const [one, two] = await Promise.all([client.execute('one'), client.execute('two')]);
      assert.is(one, 'one');
      assert.is(two, 'two');
      assert.is((await stopped).name, 'STOP');
      client.close();
    },
  );
});

test('QMP: refusals carry QEMU’s words, silence and lost connections have names', async () => {
  await withServer(
    (socket) => {
      socket.write(GREETING);
      onRequest(socket, (request) => {
        if (request.execute === 'qmp_capabilities') socket.write(`{"return": {}, "id": ${request.id}}\n`);
        if (request.execute === 'bad')
          socket.write(
            `{"error": {"class": "GenericError", "desc": "no such thing"}, "id": ${request.id}}\n`,
          );
        if (request.execute === 'end') socket.destroy();
      });
    },
    async (path) => {
      const client = await QmpClient.connect(path);
      const refusal = await client.execute('bad').catch((error: Error) => error);
      assert.match(String(refusal), /refused bad: no such thing/);
      assert.is(await codeOf(client.execute('silent', {}, 50)), 'vm-qmp-timeout');
      assert.is(await codeOf(client.nextEvent('NEVER', 50)), 'vm-qmp-timeout');
      const waiting = codeOf(client.execute('silent'));
      assert.is(await codeOf(client.execute('end')), 'vm-connection-cut');
      assert.is(await waiting, 'vm-connection-cut', 'everything that waited is told');
      assert.is(await codeOf(client.execute('late', {}, 50)), 'vm-qmp-timeout', 'asked on a new connection');
      client.close();
    },
  );
});

test('QMP: a far end that never greets is a named failure', async () => {
  await withServer(
    () => undefined,
    async (path) => assert.is(await codeOf(QmpClient.connect(path, 60)), 'vm-qmp-timeout'),
  );
});

test('a socket that is not there is waited for only while somebody could make it', async () => {
  assert.is(await codeOf(QmpClient.connect('/nonexistent/socket', 5000, () => false)), 'vm-socket');
});

/** An agent that answers sync with stale bytes before it, and commands by a table. */
function agent(socket: Socket, answers: Record<string, (request: Request) => string>, stale = ''): void {
  onRequest(socket, (request) => {
    if (request.execute === 'guest-sync-delimited') {
      socket.write(stale);
      socket.write('{"error": {"class": "GenericError", "desc": "JSON parse error"}}\n');
      socket.write(Buffer.from([0xff]));
      socket.write(`{"return": ${String(request.arguments.id)}}\n`);
    } else socket.write(answers[request.execute]?.(request) ?? '');
  });
}

test('agent: stale answers and the sentinel’s own error are passed over', async () => {
  await withServer(
    (socket) => agent(socket, { 'guest-ping': () => '{"return": {}}\n' }, '{"return": {"pid": 99}}\n{"retu'),
    async (path) => {
      const client = await AgentClient.connect(path, 1000);
      await client.sync(1000);
      assert.equal(await client.execute('guest-ping'), {});
      client.close();
    },
  );
});

test('agent: after an answer that never came, the stream is synchronised again before the next request', async () => {
  const seen: string[] = [];
  await withServer(
    (socket) => {
      onRequest(socket, ({ execute }) => seen.push(execute));
      agent(socket, { 'guest-ping': () => '{"return": {}}\n' });
    },
    async (path) => {
      const client = await AgentClient.connect(path, 1000);
      assert.is(await codeOf(client.execute('guest-silent', {}, 60)), 'vm-agent-timeout');
      await client.execute('guest-ping');
      assert.equal(seen, ['guest-sync-delimited', 'guest-silent', 'guest-sync-delimited', 'guest-ping']);
      client.close();
    },
  );
});

test('agent: a file is read to its end in pieces, and its handle closed', async () => {
  const content = Buffer.from('0123456789'.repeat(50));
  let at = 0;
  let closed = false;
  await withServer(
    (socket) =>
      agent(socket, {
        'guest-file-open': () => '{"return": 7}\n',
        'guest-file-read': () => {
          const piece = content.subarray(at, (at += 123));
          const eof = at >= content.length;
          return `${JSON.stringify({ return: { count: piece.length, 'buf-b64': piece.toString('base64'), eof } })}\n`;
        },
        'guest-file-close': () => ((closed = true), '{"return": {}}\n'),
      }),
    async (path) => {
      const client = await AgentClient.connect(path, 1000);
      const pieces: Buffer[] = [];
      for await (const piece of client.readFile('/x')) pieces.push(piece);
      assert.ok(Buffer.concat(pieces).equals(content));
      assert.ok(closed);
      client.close();
    },
  );
});

test('agent: the wall clock goes over with all its digits', async () => {
  const lines: string[] = [];
  await withServer(
    (socket) => {
      socket.on('data', (chunk: Buffer) => lines.push(chunk.toString('latin1')));
      agent(socket, { 'guest-set-time': () => '{"return": {}}\n' });
    },
    async (path) => {
      const client = await AgentClient.connect(path, 1000);
      await client.setTime(1795212556874841123n);
      assert.ok(lines.join('').includes('1795212556874841123'));
      client.close();
    },
  );
});

test('guest port: an ended command, boot phases, requests by number, errno as a named failure', async () => {
  await withServer(
    (socket) => {
      socket.write('hypervisor TCGTCGTCGTCG\nboot init 1500\n');
      const reader = new LineReader();
      socket.on('data', (chunk: Buffer) => {
        for (const line of reader.push(chunk)) {
          const [number, verb] = line.split(' ');
          socket.write(`answer ${number} ${verb === 'mount' ? 19 : 0}\n`);
          if (verb === 'go') socket.write('done e1 signal 9 10 20 3000\n');
        }
      });
    },
    async (path) => {
      const port = await GuestPort.connect(path, 1000);
      const ended = port.commandEnd('e1');
      await port.request('go');
      const end = await ended;
      assert.is(end.signal, 9);
      assert.is(end.exitCode, null);
      assert.is(end.stdoutBytes, 10);
      assert.is(port.hypervisor, 'TCGTCGTCGTCG');
      assert.is(port.phases.init, 1500);
      assert.is(await codeOf(port.request('mount', ['/dev/vdb', '/data'])), 'vm-guest-request');
      port.close();
      assert.is(await codeOf(port.request('go')), 'vm-gone');
    },
  );
});

test('guest port: the agent’s death is told', async () => {
  await withServer(
    (socket) => socket.write('agent-died 9\n'),
    async (path) => {
      const port = await GuestPort.connect(path, 1000);
      const error = await new Promise<{ code: string }>((resolve) => port.onAgentDeath(resolve));
      assert.is(error.code, 'vm-agent-died');
      port.close();
    },
  );
});

test('QMP: a cut connection stands again, greeted anew; what was under way is a named failure', async () => {
  let connections = 0;
  await withServer(
    (socket) => {
      connections++;
      socket.write(GREETING);
      onRequest(socket, ({ execute, id }) => {
        if (execute === 'never') socket.destroy();
        else socket.write(`${JSON.stringify({ return: { on: connections, execute }, id })}\n`);
      });
    },
    async (path) => {
      const client = await QmpClient.connect(path);
      assert.is(await codeOf(client.execute('never')), 'vm-connection-cut');
      assert.equal(await client.execute('again'), { on: 2, execute: 'again' });
      client.cut();
      assert.is(await codeOf(client.execute('into the void')), 'vm-connection-cut');
      assert.equal(await client.execute('and again'), { on: 3, execute: 'and again' });
      client.close();
    },
  );
});

test('the guest agent: a cut connection stands again and is synchronised before the next request', async () => {
  const heard: string[] = [];
  await withServer(
    (socket) =>
      onRequest(socket, (request) => {
        heard.push(request.execute);
        if (request.execute === 'guest-sync-delimited')
          socket.write(
            Buffer.concat([
              Buffer.from([0xff]),
              Buffer.from(`{"return": ${String(request.arguments.id)}}\n`),
            ]),
          );
        else if (request.execute === 'guest-slow') socket.destroy();
        else socket.write('{"return": "done"}\n');
      }),
    async (path) => {
      const client = await AgentClient.connect(path, 1000);
      assert.is(await codeOf(client.execute('guest-slow')), 'vm-connection-cut');
      assert.is(await client.execute('guest-info'), 'done');
      assert.equal(heard, ['guest-sync-delimited', 'guest-slow', 'guest-sync-delimited', 'guest-info']);
      client.close();
    },
  );
});

test("the guest's port: a command's end that was held back while the connection was cut is still heard", async () => {
  let connections = 0;
  await withServer(
    (socket) => {
      if (++connections === 1) socket.destroy();
      else socket.write('done e1 exit 0 0 0 5\n');
    },
    async (path) => {
      const port = await GuestPort.connect(path, 1000);
      assert.is((await port.commandEnd('e1')).exitCode, 0);
      port.close();
    },
  );
});

test('a connection whose far end is gone for good is lost by name, within its deadline', async () => {
  let client: QmpClient | undefined;
  await withServer(
    (socket) => {
      socket.write(GREETING);
      onRequest(socket, ({ id }) => socket.write(`${JSON.stringify({ return: {}, id })}\n`));
    },
    async (path) => {
      client = await QmpClient.connect(path, 1000);
    },
  );
  assert.is(await codeOf(client!.execute('query-status')), 'vm-gone');
});

test.run();
