import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export interface RunningRegistry {
  /** `localhost:5xxxx`. */
  name: string;
  port: number;
  stop(): Promise<void>;
}

/** Debian's docker-registry on a free port of the loopback. */
export async function startRegistry(
  folder: string,
  options: { tls?: { cert: string; key: string }; htpasswd?: string } = {},
): Promise<RunningRegistry> {
  const port = await freePort();
  const home = join(folder, `registry-${port}`);
  mkdirSync(home, { recursive: true });
  const config = {
    version: '0.1',
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(home, 'data') } },
    http: {
      addr: `127.0.0.1:${port}`,
      ...(options.tls ? { tls: { certificate: options.tls.cert, key: options.tls.key } } : {}),
    },
    ...(options.htpasswd ? { auth: { htpasswd: { realm: 'tare tests', path: options.htpasswd } } } : {}),
  };
  // YAML is a superset of JSON.
  writeFileSync(join(home, 'config.yml'), JSON.stringify(config));
  const child = spawn('docker-registry', ['serve', join(home, 'config.yml')], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  for (let i = 0; !(await answers(port)); i++) {
    if (i === 200 || child.exitCode !== null) throw new Error('docker-registry did not start');
    await pause(50);
  }
  return {
    name: `localhost:${port}`,
    port,
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** An authority of the test's own and a certificate of localhost signed by it. */
export function makeCertificates(folder: string): { ca: string; cert: string; key: string } {
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' });
  const subject = ['-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  openssl(
    'req',
    '-x509',
    ...subject,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.crt'),
    '-subj',
    '/CN=tare test CA',
    '-days',
    '2',
  );
  openssl('req', ...subject, '-keyout', at('server.key'), '-out', at('server.csr'), '-subj', '/CN=localhost');
  writeFileSync(at('san'), 'subjectAltName=DNS:localhost,IP:127.0.0.1');
  openssl(
    'x509',
    '-req',
    '-in',
    at('server.csr'),
    '-CA',
    at('ca.crt'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-out',
    at('server.crt'),
    '-days',
    '2',
    '-extfile',
    at('san'),
  );
  return { ca: at('ca.crt'), cert: at('server.crt'), key: at('server.key') };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
