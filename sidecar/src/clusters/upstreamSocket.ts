import type { Socket } from 'node:net';
import type { Clock } from '../foundation/clock.ts';
import { CodedError } from '../foundation/errors.ts';
import { HeadDeadline } from './headDeadline.ts';
import type { IncomingBytes } from './incomingBytes.ts';
import type { Place, UpstreamExchange } from './upstreamExchange.ts';

/** Whose connection it is. */
export interface SocketOwner {
  /** It is free again, for so long as its server says. */
  onFree(keepAliveSeconds: number | undefined): void;
  /** It was closed before a byte of the answer came, though it had served others: the request goes by another one. */
  onStale(exchange: UpstreamExchange): void;
  /** Nothing runs on it any more, nor ever will. */
  onGone(): void;
}

export interface OpenedSocket {
  readonly socket: Socket;
  /** Undefined for one that is to be handed over, which tells what comes itself. */
  readonly incoming?: IncomingBytes | undefined;
}

/** A connection to a cluster for one exchange after the other. Between them it says nothing, or is dropped (TH-45). */
export class UpstreamSocket implements Place {
  readonly socket: Socket;
  readonly deadline: HeadDeadline;
  readonly #owner: SocketOwner;
  #exchange: UpstreamExchange | undefined;
  #wasUsed = false;
  #error: unknown;

  constructor({ socket, incoming }: OpenedSocket, clock: Clock, owner: SocketOwner) {
    this.socket = socket;
    this.deadline = new HeadDeadline(clock);
    this.#owner = owner;
    if (incoming) incoming.takeBy(this.#onData);
    else socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  get isDestroyed(): boolean {
    return this.socket.destroyed || !this.socket.writable;
  }

  /** Sends a request; before it is done no other may begin. */
  begin(exchange: UpstreamExchange): void {
    const wasUsed = this.#wasUsed;
    this.#wasUsed = true;
    this.#exchange = exchange;
    exchange.start(this, wasUsed);
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** What runs on it is told at once: its socket may be gone already, with bytes that nobody has read. */
  end(reason: CodedError): void {
    this.#exchange?.abort(reason);
    this.socket.destroy();
  }

  done(keepAliveSeconds: number | undefined): void {
    this.#exchange = undefined;
    this.#owner.onFree(keepAliveSeconds);
  }

  /** It is another's, or nobody's: errors of a socket that nobody listens to would end the process. */
  lost(): void {
    this.#exchange = undefined;
    this.deadline.close();
    this.socket.off('data', this.#onData);
    this.socket.off('end', this.#onEnd);
    this.socket.off('close', this.#onClose);
    this.#owner.onGone();
  }

  repeat(exchange: UpstreamExchange): void {
    this.#owner.onStale(exchange);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#exchange) this.#exchange.feed(chunk);
    else this.socket.destroy();
  };

  readonly #onEnd = (): void => {
    this.#exchange?.feedEnd();
    // Whoever sends no more is of no further use.
    if (this.#exchange === undefined) this.socket.destroy();
  };

  readonly #onError = (error: Error): void => {
    this.#error = error;
  };

  readonly #onClose = (): void => {
    this.deadline.close();
    this.#exchange?.lose(this.#error ?? new CodedError('connection-reset'));
    if (this.#exchange === undefined) this.#owner.onGone();
  };
}
