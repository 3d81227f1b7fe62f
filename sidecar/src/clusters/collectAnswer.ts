import type { Credential } from '../credentials/credential.ts';
import type { Clock } from '../foundation/clock.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { AnswerHead } from './answerHead.ts';
import type { ClusterConnections } from './liveCluster.ts';
import type { UpstreamMessage } from './upstreamMessage.ts';

export interface CollectOptions {
  readonly clock: Clock;
  /** For the whole answer, milliseconds. */
  readonly timeoutMs: number;
  readonly maxHeadBytes: number;
  readonly maxBodyBytes: number;
  readonly signal?: AbortSignal;
}

export interface CollectedAnswer {
  readonly head: AnswerHead;
  readonly body: Buffer;
}

/**
 * Asks a cluster for what fits into memory.
 * @throws CodedError of stage `connection` for what is no answer; `response-invalid` for one that is too large
 */
export function collectAnswer(
  connections: ClusterConnections,
  credential: Credential,
  message: UpstreamMessage,
  { clock, timeoutMs, maxHeadBytes, maxBodyBytes, signal }: CollectOptions,
): Promise<CollectedAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let head: AnswerHead | undefined;
    const settle = (): void => {
      cancelTimer();
      signal?.removeEventListener('abort', onAbort);
    };
    const fail = (error: CodedError): void => {
      settle();
      reject(error);
    };
    const onAbort = (): void => {
      asking.abort(asCodedError(signal?.reason));
    };
    const cancelTimer = clock.after(timeoutMs, () => {
      asking.abort(new CodedError('response-timeout'));
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    // It may fail at once.
    const asking = connections.send(
      credential,
      message,
      {
        onSent: () => undefined,
        onHead: (answer) => (head = answer),
        onData(chunk) {
          size += chunk.length;
          if (size > maxBodyBytes) throw new CodedError('response-invalid');
          chunks.push(Buffer.from(chunk));
        },
        onWait: () => undefined,
        onEnd() {
          settle();
          if (head) resolve({ head, body: Buffer.concat(chunks) });
        },
        onUpgrade: (_head, socket) => socket.destroy(),
        onError: fail,
      },
      { headTimeoutMs: timeoutMs, maxHeadBytes },
    );
    if (signal?.aborted) onAbort();
  });
}
