import type { Socket } from 'node:net';
import { CodedError } from '../foundation/errors.ts';

/**
 * Waits for what a socket is to become or to say. One that fails, closes or is given up before that is destroyed.
 * @param take asked at each event; undefined as long as it is not there, and what it throws is the failure
 */
export function awaitSocket<Result>(
  socket: Socket,
  event: string,
  take: () => Result | undefined,
  signal: AbortSignal,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      socket.off(event, look);
      socket.off('error', fail);
      socket.off('close', onClose);
      signal.removeEventListener('abort', onAbort);
    };
    const fail = (thrown: unknown): void => {
      settle();
      // What still happens to it is nobody's.
      socket.on('error', () => undefined);
      socket.destroy();
      reject(
        thrown instanceof Error ? thrown : new CodedError('connection-failed', undefined, { cause: thrown }),
      );
    };
    const look = (): void => {
      try {
        const result = take();
        if (result === undefined) return;
        settle();
        resolve(result);
      } catch (thrown) {
        fail(thrown);
      }
    };
    const onClose = (): void => {
      fail(new CodedError('connection-reset'));
    };
    const onAbort = (): void => {
      fail(signal.reason);
    };
    socket.on(event, look);
    socket.on('error', fail);
    socket.on('close', onClose);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    // Since it was last waited for.
    else if (socket.destroyed) onClose();
    // What is there already tells of itself no more.
    else look();
  });
}
