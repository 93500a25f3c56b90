import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { statusOf, type MachineRecord } from '../../runtimes/qemu/lifecycle/machine-record.ts';

const LOOK_AGAIN_MS = 200;
const PIECE_BYTES = 64 * 1024;

/** The serial console from its first byte, as it is; followed until the machine ends or we are interrupted. */
export async function printConsole(
  record: MachineRecord,
  follow: boolean,
  out: (chunk: Buffer) => void,
  signal: AbortSignal,
): Promise<void> {
  const file = await open(record.sockets.console, 'r');
  try {
    for (let at = 0; ;) {
      const alive = statusOf(record) === 'running';
      const { buffer, bytesRead } = await file.read(Buffer.alloc(PIECE_BYTES), 0, PIECE_BYTES, at);
      if (bytesRead > 0) out(buffer.subarray(0, bytesRead));
      at += bytesRead;
      if (bytesRead > 0) continue;
      if (!follow || !alive || signal.aborted) return;
      await sleep(LOOK_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await file.close();
  }
}
