import type { Socket } from 'node:net';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { Clock } from '../foundation/clock.ts';
import type { AnswerHead, AnswerHeaders } from './answerHead.ts';
import { AnswerParser, refuseStart } from './answerParser.ts';
import { atEndOfTurn } from '../foundation/endOfTurn.ts';
import { asConnectionError } from './connectErrors.ts';
import type { Exchange, ExchangeLimits, ExchangeSink } from './exchange.ts';
import { HeadDeadline } from './headDeadline.ts';
import { sendBody } from './sendBody.ts';
import { type UpstreamMessage, writeMessageHead } from './upstreamMessage.ts';

export interface ExchangeOptions extends ExchangeLimits {
  readonly clock: Clock;
}

/** Where an exchange takes place: whose it is when it is over. */
export interface Place {
  readonly socket: Socket;
  /** The request and its answer are whole. */
  onDone(keepAliveSeconds: number | undefined): void;
  /** Nothing else may use it: destroyed, or handed over. */
  onLost(): void;
}

type Phase = 'waiting' | 'running' | 'over';

/** One request and its answer on one connection, which it has for itself meanwhile. */
export class UpstreamExchange implements Exchange {
  readonly #message: UpstreamMessage;
  readonly #sink: ExchangeSink;
  readonly #deadline: HeadDeadline;
  readonly #parser: AnswerParser;
  #phase: Phase = 'waiting';
  #place: Place | undefined;
  #isPaused = false;
  /** The cluster sends no more; what it sent may not be told yet. */
  #hasEnded = false;
  /** Nothing of it has gone out yet. */
  #isHeldBack = false;
  #isRepeated = false;
  #hasHead = false;
  #hasBytes = false;
  #isSent = false;
  #stopBody: (() => void) | undefined;
  /**
   * What is left to do when the parser has returned: only then it is known what came behind the end. No closure: each kept
   * what hung on it until the next full collection, a third of all that was allocated.
   */
  #ending: 'whole' | AnswerHead | undefined;
  #onAbandoned: (() => void) | undefined;
  /** Called instead of an error, once, where the request may go by another connection. */
  #onStale: (() => void) | undefined;

  constructor(message: UpstreamMessage, sink: ExchangeSink, options: ExchangeOptions) {
    this.#message = message;
    this.#sink = sink;
    this.#deadline = new HeadDeadline({
      clock: options.clock,
      timeoutMs: options.headTimeoutMs,
      isClientAwaited: () => !this.#isSent && this.#place?.socket.writableNeedDrain !== true,
      onMissed: () => {
        this.#fail(new CodedError('response-timeout'));
      },
    });
    this.#parser = new AnswerParser(
      {
        onHead: (head) => {
          this.#hasHead = true;
          this.#deadline.stop();
          sink.onHead(head);
        },
        onData: (chunk, isLast) => {
          if (this.#phase === 'running') sink.onData(chunk, isLast);
        },
        onUpgrade: (head) => {
          this.#handOver(head);
        },
        onEnd: (trailers) => {
          if (this.#phase === 'running') this.#end(trailers);
        },
      },
      { ...message, maxHeadBytes: options.maxHeadBytes },
    );
  }

  get isOver(): boolean {
    return this.#phase === 'over';
  }

  /** Called when it ends without having had a connection. */
  whenAbandoned(run: () => void): void {
    this.#onAbandoned = run;
  }

  /**
   * Sends it. `onStale` is given for a connection that was used before: its other end may have closed it in this moment,
   * and what changes nothing is sent again then (RFC 9110, 9.2.2), anything else never (PX-26).
   */
  start(place: Place, onStale?: () => void): void {
    const { method, body } = this.#message;
    this.#place = place;
    this.#phase = 'running';
    const mayRepeat = body === null && (method === 'GET' || method === 'HEAD') && !this.#message.isUpgrade;
    if (mayRepeat && !this.#isRepeated) this.#onStale = onStale;
    let head: ReturnType<typeof writeMessageHead>;
    try {
      head = writeMessageHead(this.#message);
    } catch (thrown) {
      // Nothing of it was sent: the connection is as good as before.
      this.#phase = 'over';
      place.onDone(undefined);
      this.#sink.onError(asCodedError(thrown));
      return;
    }
    const { socket } = place;
    socket.cork();
    this.#isHeldBack = true;
    atEndOfTurn(() => {
      this.#isHeldBack = false;
      socket.uncork();
    });
    if (body === null || Buffer.isBuffer(body)) {
      socket.write(head.text, 'latin1');
      if (body) {
        socket.write(body);
        this.#sink.onSent(body.length);
      }
      this.#sent();
    } else {
      this.#deadline.start();
      this.#stopBody = sendBody(socket, head.text, body, {
        isChunked: head.framing === 'chunked',
        onProgress: (bytes) => {
          this.#deadline.progress();
          this.#sink.onSent(bytes);
        },
        onEnd: () => {
          this.#stopBody = undefined;
          this.#sent();
        },
        onGone: () => {
          this.#fail(new CodedError('connection-reset', 'The client went away'));
        },
      });
    }
  }

  pause(): void {
    // Its connection may be another's by now.
    if (!this.#isRunning()) return;
    this.#isPaused = true;
    this.#parser.pause();
    this.#place?.socket.pause();
  }

  resume(): void {
    if (!this.#isPaused || !this.#isRunning()) return;
    this.#isPaused = false;
    this.#guard(() => {
      this.#parser.resume();
      if (this.#hasEnded && this.#isAwaiting()) this.#parser.finish();
    });
    // What was there may have paused it again.
    if (!this.#isAwaiting()) return;
    this.#place?.socket.resume();
    this.#sink.onWait();
  }

  abort(reason: CodedError): void {
    this.#fail(reason);
  }

  /** Bytes of the cluster. */
  feed(chunk: Buffer): void {
    if (this.#isHeldBack) {
      // It answers something, but not what has not been asked yet (TH-45).
      this.#lose(refuseStart(chunk, 0));
      return;
    }
    this.#hasBytes = true;
    this.#guard(() => {
      this.#parser.feed(chunk);
    });
    if (this.#isAwaiting()) this.#sink.onWait();
  }

  /** The cluster sends no more. A socket that is paused says so, too, where nothing of it is unread. */
  feedEnd(): void {
    this.#hasEnded = true;
    if (this.#isPaused) return;
    this.#guard(() => {
      this.#parser.finish();
    });
  }

  /** The connection is gone. */
  lose(thrown: unknown): void {
    // After its end nothing is missing.
    if (!this.#hasEnded || !this.#isPaused) this.#lose(thrown);
  }

  #lose(thrown: unknown): void {
    const onStale = this.#onStale;
    if (this.#phase === 'running' && onStale && !this.#hasBytes) {
      this.#settle();
      this.#leave();
      this.#phase = 'waiting';
      this.#hasEnded = false;
      this.#isRepeated = true;
      onStale();
      return;
    }
    this.#fail(asConnectionError(thrown));
  }

  #isRunning(): boolean {
    return this.#phase === 'running';
  }

  #isAwaiting(): boolean {
    return this.#isRunning() && !this.#isPaused;
  }

  #guard(read: () => void): void {
    try {
      read();
    } catch (thrown) {
      this.#lose(thrown);
    }
    const ending = this.#ending;
    if (ending === undefined) return;
    this.#ending = undefined;
    if (ending === 'whole') this.#free();
    else this.#handOn(ending);
  }

  #sent(): void {
    this.#isSent = true;
    if (!this.#hasHead) this.#deadline.start();
  }

  #handOver(head: AnswerHead): void {
    const place = this.#place;
    if (this.#phase !== 'running' || !place) return;
    this.#settle();
    place.socket.pause();
    place.onLost();
    this.#ending = head;
  }

  #handOn(head: AnswerHead): void {
    if (this.#place) this.#sink.onUpgrade(head, this.#place.socket, this.#parser.unread);
  }

  #free(): void {
    const place = this.#place;
    // Bytes behind the end belong to nobody, and who sends them is not to be trusted with another request (TH-45).
    const isClean = this.#parser.keepsAlive && this.#parser.unread === undefined;
    if (this.#isSent && isClean && !this.#message.isUpgrade) {
      // Its reader may have had enough in its last bytes; the next one begins afresh.
      place?.socket.resume();
      place?.onDone(this.#parser.keepAliveSeconds);
    } else {
      place?.onLost();
      place?.socket.destroy();
    }
  }

  #end(trailers: AnswerHeaders): void {
    this.#settle();
    this.#ending = 'whole';
    this.#sink.onEnd(trailers);
  }

  #fail(error: CodedError): void {
    if (this.#phase === 'over') return;
    const isWaiting = this.#phase === 'waiting';
    this.#settle();
    this.#leave();
    if (isWaiting) this.#onAbandoned?.();
    this.#sink.onError(error);
  }

  #leave(): void {
    this.#place?.onLost();
    this.#place?.socket.destroy();
    this.#place = undefined;
  }

  #settle(): void {
    this.#phase = 'over';
    this.#deadline.stop();
    this.#stopBody?.();
    this.#onStale = undefined;
  }
}
