import { randomBytes } from 'node:crypto';
import { AgentClient } from '../control/agent-client.ts';
import { GuestPort } from '../control/guest-port.ts';
import { AGENT_TIMEOUT_MS } from '../defaults.ts';
import type { Emulator } from './emulator.ts';
import type { Sockets } from './command-line.ts';

/** Bytes of entropy given to a guest; what the kernel's generator holds. */
const ENTROPY_BYTES = 64;

/** Both ways into a guest: its agent, and its first process. */
export interface GuestLink {
  agent: AgentClient;
  port: GuestPort;
  /** Commands run in the user's system ('enter') instead of in our tree ('run'): words of guest/boot.c. */
  runAs: 'run' | 'enter';
  close(): void;
}

export async function openGuestLink(
  emulator: Pick<Emulator, 'running'>,
  sockets: Sockets,
  runAs: GuestLink['runAs'] = 'run',
): Promise<GuestLink> {
  const alive = (): boolean => emulator.running;
  const [port, agent] = await Promise.all([
    GuestPort.connect(sockets.guest, AGENT_TIMEOUT_MS, alive),
    AgentClient.connect(sockets.agent, AGENT_TIMEOUT_MS, alive),
  ]);
  port.onAgentDeath((error) => {
    agent.abandon(error);
    port.abandon(error);
  });
  return {
    agent,
    port,
    runAs,
    close() {
      agent.close();
      port.close();
    },
  };
}

/** The host's wall clock and fresh randomness, given to a guest: after boot, and above all after a saved state. */
export async function putClockAndEntropyRight(port: GuestPort): Promise<void> {
  await Promise.all([
    port.request('clock', [String(unixNs())]),
    port.request('entropy', [randomBytes(ENTROPY_BYTES).toString('hex')]),
  ]);
}

/** The wall clock, ns since 1970, to the µs that Node's clocks allow. */
function unixNs(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
}
