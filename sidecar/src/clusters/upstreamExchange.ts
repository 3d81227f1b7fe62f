import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { AnswerHead, AnswerHeaders } from './answerHead.ts';
import { AnswerParser, type AnswerSink, refuseStart } from './answerParser.ts';
import { atEndOfTurn, type TurnTask } from '../foundation/endOfTurn.ts';
import { asConnectionError } from './connectErrors.ts';
import type { Exchange, ExchangeLimits, ExchangeSink } from './exchange.ts';
import type { HeadAwaited, HeadDeadline } from './headDeadline.ts';
import { sendBody } from './sendBody.ts';
import { type MessageHead, type UpstreamMessage, writeMessageHead } from './upstreamMessage.ts';

/** Where an exchange takes place: whose it is when it is over. */
export interface Place {
  readonly socket: Socket;
  readonly deadline: HeadDeadline;
  /** The request and its answer are whole. */
  done(keepAliveSeconds: number | undefined): void;
  /** Nothing else may use it: destroyed, or handed over. */
  lost(): void;
  /** Its other end closed it in the moment in which the request was sent, which goes by another connection. */
  repeat(exchange: UpstreamExchange): void;
}

type Phase = 'waiting' | 'running' | 'over';

/**
 * One request and its answer on one connection, which it has for itself meanwhile. It is told of the answer and of the
 * deadline by its own methods: a closure for each would be paid by every request.
 */
export class UpstreamExchange implements Exchange, AnswerSink, HeadAwaited, TurnTask {
  readonly headTimeoutMs: number;
  readonly #isUpgrade: boolean;
  /** Until the first byte of an answer, since it may have to be sent again; a stream would keep its headers. */
  #message: UpstreamMessage | undefined;
  readonly #sink: ExchangeSink;
  readonly #parser: AnswerParser;
  #phase: Phase = 'waiting';
  #place: Place | undefined;
  #isPaused = false;
  /** The cluster sends no more; what it sent may not be told yet. */
  #hasEnded = false;
  /** Nothing of it has gone out yet. */
  #isHeldBack = false;
  /** Of a request without a body, which is all of it. */
  #unsentHead: string | undefined;
  /** It may go by another connection, once. */
  #mayBeStale = false;
  #isRepeated = false;
  #hasHead = false;
  #isSent = false;
  #stopBody: (() => void) | undefined;
  /**
   * What is left to do when the parser has returned: only then it is known what came behind the end. No closure: each kept
   * what hung on it until the next full collection, a third of all that was allocated.
   */
  #ending: 'whole' | AnswerHead | undefined;
  #onAbandoned: (() => void) | undefined;

  constructor(message: UpstreamMessage, sink: ExchangeSink, { headTimeoutMs, maxHeadBytes }: ExchangeLimits) {
    this.#isUpgrade = message.isUpgrade === true;
    this.#message = message;
    this.#sink = sink;
    this.headTimeoutMs = headTimeoutMs;
    this.#parser = new AnswerParser(this, {
      method: message.method,
      isUpgrade: this.#isUpgrade,
      maxHeadBytes,
    });
  }

  get isOver(): boolean {
    return this.#phase === 'over';
  }

  /** Called when it ends without having had a connection. */
  whenAbandoned(run: () => void): void {
    this.#onAbandoned = run;
  }

  /**
   * Sends it. The other end of a connection that was used before may have closed it in this moment, and what changes
   * nothing is sent again then (RFC 9110, 9.2.2), anything else never (PX-26).
   */
  start(place: Place, wasUsed: boolean): void {
    const message = this.#message;
    if (!message) return;
    const { method, body } = message;
    this.#place = place;
    this.#phase = 'running';
    this.#onAbandoned = undefined;
    const mayRepeat = body === null && (method === 'GET' || method === 'HEAD') && !this.#isUpgrade;
    this.#mayBeStale = wasUsed && mayRepeat && !this.#isRepeated;
    let head: MessageHead;
    try {
      head = writeMessageHead(message);
    } catch (thrown) {
      // Nothing of it was sent: the connection is as good as before.
      this.#phase = 'over';
      place.done(undefined);
      this.#sink.onError(asCodedError(thrown));
      return;
    }
    this.#isHeldBack = true;
    atEndOfTurn(this);
    if (body === null) {
      this.#unsentHead = head.text;
      this.#sent();
      return;
    }
    const { socket } = place;
    socket.cork();
    if (Buffer.isBuffer(body)) {
      socket.write(head.text, 'latin1');
      socket.write(body);
      this.#sink.onSent(body.length);
      this.#sent();
    } else this.#sendBody(place, body, head);
  }

  endTurn(): void {
    this.#isHeldBack = false;
    const socket = this.#place?.socket;
    const head = this.#unsentHead;
    this.#unsentHead = undefined;
    if (head === undefined) socket?.uncork();
    else socket?.write(head, 'latin1');
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

  /** Bytes of the cluster, which are another's when it has returned. */
  feed(chunk: Buffer): void {
    if (this.#isHeldBack) {
      // It answers something, but not what has not been asked yet (TH-45).
      this.#lose(refuseStart(chunk, 0));
      return;
    }
    this.#message = undefined;
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

  onHead(head: AnswerHead): void {
    this.#hasHead = true;
    this.#place?.deadline.stop();
    this.#sink.onHead(head);
  }

  onData(chunk: Buffer): void {
    if (this.#phase === 'running') this.#sink.onData(chunk);
  }

  onUpgrade(head: AnswerHead): void {
    const place = this.#place;
    if (this.#phase !== 'running' || !place) return;
    this.#settle();
    place.socket.pause();
    place.lost();
    this.#ending = head;
  }

  onEnd(trailers: AnswerHeaders): void {
    if (this.#phase !== 'running') return;
    this.#settle();
    this.#ending = 'whole';
    this.#sink.onEnd(trailers);
  }

  isClientAwaited(): boolean {
    return !this.#isSent && this.#place?.socket.writableNeedDrain !== true;
  }

  headMissed(): void {
    this.#fail(new CodedError('response-timeout'));
  }

  /** The connection is gone. */
  lose(thrown: unknown): void {
    // After its end nothing is missing.
    if (!this.#hasEnded || !this.#isPaused) this.#lose(thrown);
  }

  #lose(thrown: unknown): void {
    const place = this.#place;
    if (this.#phase === 'running' && this.#mayBeStale && this.#message && place) {
      this.#settle();
      this.#leave();
      this.#phase = 'waiting';
      this.#hasEnded = false;
      this.#isRepeated = true;
      place.repeat(this);
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
    else if (this.#place) this.#sink.onUpgrade(ending, this.#place.socket, this.#parser.unread);
  }

  #sendBody({ socket, deadline }: Place, body: Readable, { text, framing }: MessageHead): void {
    deadline.start(this);
    this.#stopBody = sendBody(socket, text, body, {
      isChunked: framing === 'chunked',
      onProgress: (bytes) => {
        deadline.progress();
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

  #sent(): void {
    this.#isSent = true;
    if (!this.#hasHead) this.#place?.deadline.start(this);
  }

  #free(): void {
    const place = this.#place;
    // Bytes behind the end belong to nobody, and who sends them is not to be trusted with another request (TH-45).
    const isClean = this.#parser.keepsAlive && this.#parser.unread === undefined;
    if (this.#isSent && isClean && !this.#isUpgrade) {
      // Its reader may have had enough in its last bytes; the next one begins afresh.
      place?.socket.resume();
      place?.done(this.#parser.keepAliveSeconds);
    } else {
      place?.lost();
      place?.socket.destroy();
    }
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
    this.#place?.lost();
    this.#place?.socket.destroy();
    this.#place = undefined;
  }

  #settle(): void {
    this.#phase = 'over';
    this.#place?.deadline.stop();
    this.#stopBody?.();
  }
}
