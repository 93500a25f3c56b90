import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from '../../../results/bench-error.ts';
import { CLONE } from '../../launch/constants.ts';
import { diesWithUs, startPlan, type Launched } from '../../launch/launch.ts';
import type { Op } from '../../launch/ops.ts';
import type { Subnet } from '../../network/subnet.ts';

const FOLDERS = ['/usr/local/bin', '/usr/bin', '/bin'];
/** It listens within 10 ms; beyond this it is broken. */
const START_TIMEOUT_MS = 5_000;
const LOOK_AGAIN_MS = 1;

export interface PasstRequest {
  launcher: string;
  /** Where its socket and its pid file go. */
  socket: string;
  namespacePath: string;
  subnet: Subnet;
  prefix: number;
  mtu: number;
  /** Its cgroup and its CPUs. */
  launchOps: Op[];
}

/** passt's program on this host. */
export function findPasst(): string | undefined {
  return FOLDERS.map((folder) => `${folder}/passt`).find((path) => existsSync(path));
}

/**
 * passt, listening: it takes the guest's packets apart and opens sockets of its own in the peer's namespace. It ends with
 * its one client (QEMU), and with us. Nothing comes in by itself, and the gateway is the peer's real address.
 *
 * @throws BenchError `vm-network-failed` with passt's words.
 */
export async function startPasst(request: PasstRequest): Promise<Launched> {
  const pidFile = `${request.socket}.pid`;
  const launched = await startPlan({
    launcher: request.launcher,
    plan: [
      diesWithUs(),
      { op: 'session' },
      { op: 'setns', path: request.namespacePath, type: CLONE.NEWNET },
      ...request.launchOps,
      { op: 'close-fds', from: 3, keepSlot: -1 },
      {
        op: 'exec',
        argv: passtArgv(request, pidFile),
        env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'LC_ALL=C'],
        search: 1,
      },
    ],
  });
  let ended = false;
  void launched.exited.then(() => (ended = true));
  // Its pid is written after it listens.
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!written(pidFile)) {
    if (ended || performance.now() > deadline) {
      await launched.stop('SIGKILL');
      throw new BenchError(
        'vm-network-failed',
        `passt ${ended ? 'ended' : 'did not listen'} before QEMU could connect:\n${ownWords(launched.stderr())}`,
        { hint: 'network: user or tap go without passt' },
      );
    }
    await sleep(LOOK_AGAIN_MS);
  }
  return launched;
}

/** Its command line. Root it stays by name, in a user namespace that it makes: as nobody it could not bind in our folder. */
export function passtArgv(request: PasstRequest, pidFile: string): string[] {
  const { subnet, prefix } = request;
  return [
    'passt',
    ...['--foreground', '--one-off', '--stderr', '--runas', '0:0'],
    ...['--socket', request.socket, '--pid', pidFile],
    ...['--ipv4-only', '--address', subnet.inside, '--netmask', String(prefix), '--gateway', subnet.peer],
    ...['--mtu', String(request.mtu), '--no-map-gw', '--dns', 'none', '--search', 'none'],
    ...['--no-dhcp', '--no-dhcpv6', '--no-ndp', '--no-ra', '--tcp-ports', 'none', '--udp-ports', 'none'],
  ];
}

function written(path: string): boolean {
  try {
    return readFileSync(path, 'utf8').trim() !== '';
  } catch {
    return false;
  }
}

/** Without a system logger it complains of that after each of its lines. */
function ownWords(stderr: string): string {
  return stderr
    .split('\n')
    .filter((line) => !/to syslog/.test(line))
    .join('\n')
    .trim();
}
