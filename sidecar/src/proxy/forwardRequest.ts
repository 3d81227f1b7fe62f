import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { AnswerHead, AnswerHeaders } from '../clusters/answerHead.ts';
import type { Exchange, ExchangeSink } from '../clusters/exchange.ts';
import type { Credential } from '../credentials/credential.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import { atEndOfTurn, type TurnTask } from '../foundation/endOfTurn.ts';
import type { ForwardContext } from './context.ts';
import { endedBy } from './ending.ts';
import { GatheredBody } from './gatheredBody.ts';
import { type HeadJudged, judgeHead } from './judgeHead.ts';
import { OutcomeReport } from './outcomeReport.ts';
import { passHead } from './passHead.ts';
import { keepTrailers, readReason } from './responseHeaders.ts';
import { breakOff, writeStatus } from './status.ts';
import { buildUpstreamRequest, hasBody, type UpstreamRequest } from './upstreamRequest.ts';
import { type Attempt, withCredential } from './withCredential.ts';

/**
 * One request to a cluster and its answer. Errors before the answer begins are answered as a Status; after that the
 * client's connection is reset, never a clean end (PX-23).
 */
export async function forwardRequest(
  request: IncomingMessage,
  response: ServerResponse,
  context: ForwardContext,
): Promise<void> {
  const body = context.body ?? (hasBody(request) ? request : null);
  const mayRepeat =
    context.body !== undefined || (body === null && (request.method === 'GET' || request.method === 'HEAD'));
  const outcome = new OutcomeReport(context);
  try {
    await withCredential(context, mayRepeat, (credential, isLast) => {
      const upstream = buildUpstreamRequest(request, context, credential, undefined);
      // Only now is the client told to send its body (PX-24).
      if (body === request && request.headers.expect !== undefined && !response.headersSent)
        response.writeContinue();
      return new Promise<Attempt>((resolve, reject) => {
        new Sending({ response, context, credential, isLast, outcome }, { resolve, reject }).start(
          upstream,
          body,
        );
      });
    });
  } catch (thrown) {
    const error = asCodedError(thrown);
    // Who left, or whose access was withdrawn, says nothing about the cluster.
    if (!response.destroyed && !endedBy(context)) outcome.failed(error);
    context.audit.failed(error, !response.destroyed);
    if (response.headersSent) breakOff(response);
    else if (!response.destroyed) writeStatus(response, error);
  }
}

interface SendingParts {
  readonly response: ServerResponse;
  readonly context: ForwardContext;
  readonly credential: Credential;
  readonly isLast: boolean;
  readonly outcome: OutcomeReport;
}

interface SendingEnd {
  readonly resolve: (attempt: Attempt) => void;
  readonly reject: (error: CodedError) => void;
}

/** One attempt: the request on its way to the cluster, and the answer on its way to the client. */
class Sending implements ExchangeSink, HeadJudged, TurnTask {
  readonly #parts: SendingParts;
  readonly #end: SendingEnd;
  readonly #body: GatheredBody;
  #exchange: Exchange | undefined;
  #sentAt = 0;
  #settled = false;
  #hasHead = false;
  #isFlushed = false;
  /** What the client is sent goes out at the end of the turn, in one piece with all that came in it. */
  #isTurnAwaited = false;
  #isEnding = false;
  #isDrainAwaited = false;
  #onHoldEnded: (() => void) | undefined;

  constructor(parts: SendingParts, end: SendingEnd) {
    this.#parts = parts;
    this.#end = end;
    this.#body = new GatheredBody(parts.response);
  }

  start({ method, target, headers, asked }: UpstreamRequest, body: IncomingMessage | Buffer | null): void {
    const { response, context, credential } = this.#parts;
    const { cluster, held, limits, clock } = context;
    this.#sentAt = clock.now();
    // Either may have happened while the credential was fetched.
    const ended = endedBy(context);
    if (ended ?? response.destroyed) {
      this.#finish(ended ?? clientGone());
      return;
    }
    response.on('close', this.#onClientGone);
    // Of an access that was withdrawn the cluster's connections say so themselves.
    if (held) {
      this.#onHoldEnded = (): void => this.#exchange?.abort(asCodedError(held.reason));
      held.addEventListener('abort', this.#onHoldEnded, { once: true });
    }
    // It may fail at once.
    this.#exchange = cluster.connections.send(credential, { method, target, headers, body }, this, {
      headTimeoutMs: asked.isLongRunning ? 0 : limits.responseHeadersTimeoutMs,
      maxHeadBytes: limits.maxHeaderBytes,
    });
  }

  onSent(bytes: number): void {
    this.#parts.context.audit.bytesIn += bytes;
  }

  onHead(head: AnswerHead): void {
    const { context, credential, isLast } = this.#parts;
    context.onHead(context.clock.now() - this.#sentAt);
    if (this.#exchange) judgeHead({ head, context, credential, isLast, exchange: this.#exchange }, this);
  }

  isWanted(): boolean {
    return !this.#settled && !this.#parts.response.destroyed;
  }

  pass(head: AnswerHead): void {
    const { response, context, outcome } = this.#parts;
    const { status, reason } = head;
    response.writeHead(status, readReason(reason, status), passHead(head, context, outcome));
    this.#hasHead = true;
    context.audit.answered(status);
  }

  repeat(): void {
    this.#refuse('unauthorized');
  }

  refuse(error: CodedError): void {
    this.#refuse(error);
  }

  onData(chunk: Buffer): void {
    if (!this.isWanted()) return;
    this.#parts.context.audit.bytesOut += chunk.length;
    this.#isFlushed = true;
    this.#awaitTurn();
    if (!this.#body.add(chunk)) this.#waitForClient();
  }

  endTurn(): void {
    this.#isTurnAwaited = false;
    if (this.#isEnding) this.#body.end();
    else if (!this.#body.flush()) this.#waitForClient();
    this.#body.release();
  }

  onWait(): void {
    // A watch sends nothing until something happens; its reader is to know that it began (PX-21).
    if (!this.#hasHead || this.#isFlushed || this.#settled) return;
    this.#isFlushed = true;
    // Node would flush them as UTF-8; what a cluster says is bytes.
    this.#parts.response.write('', 'latin1');
  }

  onEnd(trailers: AnswerHeaders): void {
    if (this.#settled) return;
    const { response } = this.#parts;
    const passed = keepTrailers(trailers);
    if (passed.length > 0) response.addTrailers(passed);
    this.#isEnding = true;
    this.#awaitTurn();
    this.#finish('done');
  }

  onUpgrade(_head: AnswerHead, socket: Socket): void {
    // Not asked for, so that no parser lets it pass.
    socket.destroy();
    this.#finish(new CodedError('response-invalid'));
  }

  onError(error: CodedError): void {
    this.#finish(endedBy(this.#parts.context) ?? error);
  }

  #awaitTurn(): void {
    if (this.#isTurnAwaited) return;
    this.#isTurnAwaited = true;
    atEndOfTurn(this);
  }

  #waitForClient(): void {
    this.#exchange?.pause();
    if (this.#isDrainAwaited) return;
    this.#isDrainAwaited = true;
    this.#parts.response.once('drain', () => {
      this.#isDrainAwaited = false;
      this.#exchange?.resume();
    });
  }

  readonly #onClientGone = (): void => {
    if (!this.#parts.response.writableFinished) this.#exchange?.abort(clientGone());
  };

  /** What the cluster answered is not passed on; the connection cannot be used again. */
  #refuse(end: Attempt | CodedError): void {
    this.#finish(end);
    this.#exchange?.abort(new CodedError('connection-reset'));
  }

  #finish(end: Attempt | CodedError): void {
    if (this.#settled) return;
    this.#settled = true;
    const { response, context } = this.#parts;
    response.off('close', this.#onClientGone);
    if (this.#onHoldEnded) context.held?.removeEventListener('abort', this.#onHoldEnded);
    if (end instanceof CodedError) {
      // What came before it is the client's, though a reset follows.
      this.#body.flush();
      this.#end.reject(end);
    } else this.#end.resolve(end);
  }
}

function clientGone(): CodedError {
  return new CodedError('connection-reset', 'The client went away');
}
