import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from '../../results/bench-error.ts';
import type { BoxPeerProcess, Session } from '../contract.ts';
import { SERVER_READY_LIMIT_MS } from '../defaults.ts';
import { ownWords } from '../tool-output.ts';

/** Between looks at a server's output; only in setup, never in the timed window. */
const LOOK_EVERY_MS = 10;

/** The servers of running sessions. Keyed by session, since one workload object serves every trial. */
const servers = new WeakMap<object, BoxPeerProcess>();

/**
 * Starts a server on the far side and waits until it says that it listens; connecting to find out would make a one-test
 * server busy. Rejects with `server-not-ready` and the server's own words.
 */
export async function startServer(
  session: Session<unknown>,
  argv: string[],
  listening: RegExp,
  limitMs: number = SERVER_READY_LIMIT_MS,
): Promise<void> {
  const server = await session.box.network.peer.spawn(argv);
  servers.set(session, server);
  for (let waitedMs = 0; !listening.test(server.output()); waitedMs += LOOK_EVERY_MS) {
    if (waitedMs >= limitMs || /error|fail|in use/i.test(server.output()))
      throw new BenchError(
        'server-not-ready',
        `${argv[0]} did not listen on the far side: ${ownWords({ stdout: server.output(), stderr: '' })}`,
        { hint: `is its port (${argv.join(' ')}) taken on the far side?` },
      );
    await sleep(LOOK_EVERY_MS, undefined, { signal: session.signal });
  }
}

/** Ends the session's server, if it has one, and keeps its words for the log; safe to call twice. */
export async function stopServer(session: Session<unknown>): Promise<void> {
  const server = servers.get(session);
  if (!server) return;
  servers.delete(session);
  await server.stop();
  session.log(`--- server\n${server.output()}`);
}
