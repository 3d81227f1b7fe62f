import type { Socket } from 'node:net';
import type { CodedError } from '../foundation/errors.ts';
import type { AnswerHead, AnswerHeaders } from './answerHead.ts';

/** Is told what becomes of one request. Either `onEnd`, `onUpgrade` or `onError` is the last that it hears, once. */
export interface ExchangeSink {
  /** So many bytes of the body were sent. */
  onSent(bytes: number): void;
  onHead(head: AnswerHead): void;
  /** The chunk is the sink's until it returns; what it keeps it copies. */
  onData(chunk: Buffer): void;
  /** What came at once was told; more is awaited. */
  onWait(): void;
  onEnd(trailers: AnswerHeaders): void;
  /** The connection is the sink's from now on; `glued` came behind the 101 already. */
  onUpgrade(head: AnswerHead, socket: Socket, glued: Buffer | undefined): void;
  onError(error: CodedError): void;
}

/** A request that is on its way. */
export interface Exchange {
  /** Nothing more is told until it is resumed: the cluster is not read meanwhile. */
  pause(): void;
  resume(): void;
  /** Ends it with its connection, and tells why. */
  abort(reason: CodedError): void;
}

export interface ExchangeLimits {
  /** For the head of the answer once all is sent, milliseconds; 0 for as long as it takes (PX-25). */
  readonly headTimeoutMs: number;
  readonly maxHeadBytes: number;
}
