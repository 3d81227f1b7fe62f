import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';

export interface SendBodyOptions {
  readonly isChunked: boolean;
  /** So many bytes were sent, or the cluster takes more again. */
  readonly onProgress: (bytes: number) => void;
  /** All is sent. */
  readonly onEnd: () => void;
  /** Who sends it is gone. */
  readonly onGone: () => void;
}

/**
 * The head and then the body, no faster than the cluster reads (PX-22).
 * @returns stops it: what the client still sends is read and dropped, so that it can read its answer
 */
export function sendBody(
  socket: Socket,
  head: string,
  body: Readable,
  { isChunked, onProgress, onEnd, onGone }: SendBodyOptions,
): () => void {
  const onData = (chunk: Buffer): void => {
    onProgress(chunk.length);
    if (isChunked) {
      socket.cork();
      socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
      socket.write(chunk);
      socket.write('\r\n', 'latin1');
      socket.uncork();
    } else {
      socket.write(chunk);
    }
    if (socket.writableNeedDrain) body.pause();
  };
  const onDrain = (): void => {
    onProgress(0);
    body.resume();
  };
  const finish = (): void => {
    stop();
    if (isChunked) socket.write('0\r\n\r\n', 'latin1');
    onEnd();
  };
  const stop = (): void => {
    body.off('data', onData);
    body.off('end', finish);
    body.off('error', onGone);
    body.off('close', onGone);
    socket.off('drain', onDrain);
  };
  socket.write(head, 'latin1');
  body.on('data', onData);
  body.once('end', finish);
  body.once('error', onGone);
  body.once('close', onGone);
  socket.on('drain', onDrain);
  return () => {
    stop();
    body.on('error', () => undefined);
    body.resume();
  };
}
