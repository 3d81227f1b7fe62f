import type { Socket } from 'node:net';

/** More than any client sends before it knows that there is a tunnel. */
const maxBytes = 64 * 1024;

/** What a client sends while its upgrade is being decided. */
export interface EarlyBytes {
  /** All of it, for the tunnel (PX-34); the socket is paused. */
  take(): Buffer;
  /** There is no tunnel: whatever came, and still comes, is nobody's (PX-33). */
  drop(): void;
  /** Nothing more is listened for. */
  release(): void;
}

/** Reads a socket that nobody reads yet: a client that has left is not noticed otherwise, and one that ends has left (PX-23). */
export function holdEarlyBytes(socket: Socket, head: Buffer): EarlyBytes {
  const held = [head];
  let size = head.length;
  const onData = (chunk: Buffer): void => {
    held.push(chunk);
    size += chunk.length;
    // Unread it would not be noticed when it leaves.
    if (size > maxBytes) socket.destroy();
  };
  const onEnd = (): void => {
    socket.destroy();
  };
  const release = (): void => {
    socket.off('data', onData);
    socket.off('end', onEnd);
  };
  socket.on('data', onData);
  socket.once('end', onEnd);
  return {
    take() {
      socket.pause();
      release();
      return Buffer.concat(held);
    },
    drop() {
      socket.off('data', onData);
      held.length = 0;
      socket.resume();
    },
    release,
  };
}
