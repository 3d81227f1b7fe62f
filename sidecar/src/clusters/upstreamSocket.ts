import type { Socket } from 'node:net';
import { CodedError } from '../foundation/errors.ts';
import type { UpstreamExchange } from './upstreamExchange.ts';

export interface BeginOptions {
  /** It is free again, for so long as its server says. */
  readonly onDone: (keepAliveSeconds: number | undefined) => void;
  /** It was closed before a byte of the answer came, though it had served others: the request goes by another one. */
  readonly onStale: () => void;
}

/** A connection to a cluster for one exchange after the other. Between them it says nothing, or is dropped (TH-45). */
export class UpstreamSocket {
  readonly #socket: Socket;
  #exchange: UpstreamExchange | undefined;
  #isUsed = false;
  #error: unknown;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  get isDestroyed(): boolean {
    return this.#socket.destroyed || !this.#socket.writable;
  }

  /** Sends a request; before it is done no other may begin. */
  begin(exchange: UpstreamExchange, { onDone, onStale }: BeginOptions): void {
    const wasUsed = this.#isUsed;
    this.#isUsed = true;
    this.#exchange = exchange;
    exchange.start(
      {
        socket: this.#socket,
        onDone: (keepAliveSeconds) => {
          this.#exchange = undefined;
          onDone(keepAliveSeconds);
        },
        onLost: () => {
          this.#exchange = undefined;
          this.#letGo();
        },
      },
      wasUsed ? onStale : undefined,
    );
  }

  destroy(): void {
    this.#socket.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#exchange) this.#exchange.feed(chunk);
    else this.#socket.destroy();
  };

  readonly #onEnd = (): void => {
    this.#exchange?.feedEnd();
    // Whoever sends no more is of no further use.
    if (this.#exchange === undefined) this.#socket.destroy();
  };

  readonly #onError = (error: Error): void => {
    this.#error = error;
  };

  readonly #onClose = (): void => {
    this.#exchange?.lose(this.#error ?? new CodedError('connection-reset'));
  };

  /** It is another's, or nobody's: errors of a socket that nobody listens to would end the process. */
  #letGo(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('close', this.#onClose);
  }
}
