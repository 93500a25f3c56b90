import { createConnection, type Socket } from 'node:net';
import { BenchError } from '../../../results/bench-error.ts';

/** How often a socket that QEMU has yet to make is tried again. QEMU makes all of them within 50 ms. */
const RETRY_MS = 2;

/**
 * Connects to one of QEMU's unix sockets; QEMU makes them as it starts, so a missing one is tried again until `alive`
 * says there is nobody to wait for, or the deadline has passed.
 *
 * @throws BenchError `vm-socket`.
 */
export async function connectSocket(
  path: string,
  timeoutMs: number,
  alive: () => boolean = () => true,
): Promise<Socket> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await connectOnce(path);
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code;
      const early = code === 'ENOENT' || code === 'ECONNREFUSED';
      if (!early || !alive() || performance.now() > deadline)
        throw new BenchError('vm-socket', `cannot connect to ${path}: ${(cause as Error).message}`, {
          cause,
        });
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function connectOnce(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
  });
}
