import type { Socket } from 'node:net';
import type { Clock } from '../foundation/clock.ts';

export interface TunnelOptions {
  readonly client: Socket;
  readonly upstream: Socket;
  readonly clock: Clock;
  /** How long one end may go on sending after the other's FIN, in milliseconds (PX-34). */
  readonly halfCloseMs: number;
  /** Ends both at once when aborted. */
  readonly closed: AbortSignal;
  /** What came from the client, and from upstream. */
  readonly counted: { bytesIn: number; bytesOut: number };
}

/** Bytes in both directions, exactly and with back-pressure, until both ends are done. Resolves when both are closed. */
export function tunnel({
  client,
  upstream,
  clock,
  halfCloseMs,
  closed,
  counted,
}: TunnelOptions): Promise<void> {
  return new Promise((resolve) => {
    let cancelTimer: (() => void) | undefined;
    const destroyBoth = (): void => {
      client.destroy();
      upstream.destroy();
    };
    const onEnd = (): void => {
      cancelTimer ??= clock.after(halfCloseMs, destroyBoth);
    };
    const onClose = (): void => {
      // What is already written to the other end is still delivered.
      if (client.destroyed) upstream.destroySoon();
      else {
        // What the client still sends is read and dropped: with bytes unread, closing would reset what it has not read.
        client.end();
        client.resume();
      }
      if (!client.closed || !upstream.closed) {
        cancelTimer ??= clock.after(halfCloseMs, destroyBoth);
        return;
      }
      cancelTimer?.();
      closed.removeEventListener('abort', destroyBoth);
      resolve();
    };
    for (const [from, to, direction] of [
      [client, upstream, 'bytesIn'],
      [upstream, client, 'bytesOut'],
    ] as const) {
      // Its close follows.
      from.on('error', () => undefined);
      from.once('end', onEnd);
      from.once('close', onClose);
      from.on('data', (chunk: Buffer) => (counted[direction] += chunk.length));
      from.pipe(to);
    }
    closed.addEventListener('abort', destroyBoth, { once: true });
    if (closed.aborted) destroyBoth();
  });
}
