import type { Socket } from 'node:net';
import { BenchError } from '../../../results/bench-error.ts';
import { RECONNECT_TIMEOUT_MS } from '../defaults.ts';
import { connectSocket } from './connect.ts';

/** What happens to a connection, told to whoever speaks on it. */
export interface SocketEvents {
  data(chunk: Buffer): void;
  /** It was cut, and another one is being made: answers on the way are lost. */
  dropped(): void;
  /** A new one stands; the other end has forgotten all about us. */
  back(): void;
  /** There will be none any more. */
  lost(error: BenchError): void;
}

/**
 * A connection to one of QEMU's sockets that is made again when it was cut while QEMU lives: QEMU listens again at once.
 * Within RECONNECT_TIMEOUT_MS it stands again or is lost by name; when QEMU has ended, at once.
 */
export class LastingSocket {
  private socket: Socket;
  private closed = false;
  private standing = true;
  private readonly path: string;
  private readonly what: string;
  private readonly alive: () => boolean;
  private events: SocketEvents | undefined;

  private constructor(socket: Socket, path: string, what: string, alive: () => boolean) {
    this.socket = socket;
    this.path = path;
    this.what = what;
    this.alive = alive;
  }

  /** @param what names the connection in an error: "QEMU closed <what>". @throws BenchError `vm-socket`. */
  static async connect(
    path: string,
    what: string,
    timeoutMs: number,
    alive: () => boolean = () => true,
  ): Promise<LastingSocket> {
    return new LastingSocket(await connectSocket(path, timeoutMs, alive), path, what, alive);
  }

  /** Once, before anything is sent. */
  listen(events: SocketEvents): void {
    this.events = events;
    this.attach();
  }

  /** False while there is no connection: nothing is kept for later, since the other end would not know what it is about. */
  write(bytes: string | Uint8Array): boolean {
    if (this.standing && !this.closed) this.socket.write(bytes);
    return this.standing && !this.closed;
  }

  /** Ends the connection as a fault would: it is made again. */
  cut(): void {
    this.socket.destroy();
  }

  close(): void {
    this.closed = true;
    this.socket.destroy();
  }

  private attach(): void {
    const { socket } = this;
    socket.on('data', (chunk: Buffer) => this.events?.data(chunk));
    socket.on('error', () => undefined);
    socket.once('close', () => void this.again());
  }

  private async again(): Promise<void> {
    this.standing = false;
    const gone = new BenchError('vm-gone', `QEMU closed ${this.what}`);
    if (this.closed || !this.alive()) return this.events?.lost(gone);
    this.events?.dropped();
    try {
      this.socket = await connectSocket(this.path, RECONNECT_TIMEOUT_MS, () => this.alive() && !this.closed);
    } catch {
      return this.events?.lost(gone);
    }
    if (this.closed) {
      this.socket.destroy();
      return this.events?.lost(gone);
    }
    this.standing = true;
    this.attach();
    this.events?.back();
  }
}
