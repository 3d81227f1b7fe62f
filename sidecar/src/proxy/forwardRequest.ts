import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AnswerHead } from '../clusters/answerHead.ts';
import type { Exchange, ExchangeSink } from '../clusters/exchange.ts';
import type { Credential } from '../credentials/credential.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import { atEndOfTurn } from '../foundation/endOfTurn.ts';
import type { ForwardContext } from './context.ts';
import { judgeHead } from './judgeHead.ts';
import { createOutcomeReport, type OutcomeReport } from './outcomeReport.ts';
import { buildResponseHeaders, keepTrailers, readReason } from './responseHeaders.ts';
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
  const outcome = createOutcomeReport(context);
  try {
    await withCredential(context, mayRepeat, (credential, isLast) => {
      const upstream = buildUpstreamRequest(request, context, credential, undefined);
      // Only now is the client told to send its body (PX-24).
      if (body === request && request.headers.expect !== undefined && !response.headersSent)
        response.writeContinue();
      return dispatch(response, context, { upstream, credential, body, isLast, outcome });
    });
  } catch (thrown) {
    const error = asCodedError(thrown);
    // Who left, or whose access was withdrawn, says nothing about the cluster.
    if (!response.destroyed && !context.closed.aborted) outcome.failed(error);
    context.audit.failed(error, !response.destroyed);
    if (response.headersSent) breakOff(response);
    else if (!response.destroyed) writeStatus(response, error);
  }
}

interface Dispatched {
  readonly upstream: UpstreamRequest;
  readonly credential: Credential;
  readonly body: IncomingMessage | Buffer | null;
  readonly isLast: boolean;
  readonly outcome: OutcomeReport;
}

function dispatch(
  response: ServerResponse,
  context: ForwardContext,
  { upstream, credential, body, isLast, outcome }: Dispatched,
): Promise<Attempt> {
  const { cluster, closed, limits, audit, clock } = context;
  const sentAt = clock.now();
  return new Promise((resolve, reject) => {
    // When it is the cluster alone that may close, its connections say so themselves.
    const isHeld = closed !== cluster.closed;
    let settled = false;
    let hasHead = false;
    let isFlushed = false;
    let isEnding = false;

    const onClientGone = (): void => {
      if (!response.writableFinished)
        exchange.abort(new CodedError('connection-reset', 'The client went away'));
    };
    const onClosed = (): void => {
      exchange.abort(asCodedError(closed.reason));
    };
    const onDrain = (): void => {
      exchange.resume();
    };
    const finish = (end: Attempt | CodedError): void => {
      if (settled) return;
      settled = true;
      response.off('close', onClientGone);
      if (isHeld) closed.removeEventListener('abort', onClosed);
      if (end instanceof CodedError) reject(end);
      else resolve(end);
    };

    // Either may have happened while the credential was fetched.
    if (closed.aborted || response.destroyed) {
      finish(
        closed.aborted
          ? asCodedError(closed.reason)
          : new CodedError('connection-reset', 'The client went away'),
      );
      return;
    }

    const writeHead = ({ status, reason, headers }: AnswerHead): void => {
      outcome.headCame();
      const passed = buildResponseHeaders({
        upstream: headers,
        status,
        connection: cluster.connection,
        clusterPrefix: context.clusterPrefix,
        rest: context.rest,
      });
      outcome.passedOn();
      response.writeHead(status, readReason(reason, status), passed);
      hasHead = true;
      audit.answered(status);
    };
    /** What the cluster answered is not passed on; the connection cannot be used again. */
    const refuse = (end: Attempt | CodedError): void => {
      finish(end);
      exchange.abort(new CodedError('connection-reset'));
    };

    const sink: ExchangeSink = {
      onSent(bytes) {
        audit.bytesIn += bytes;
      },
      onHead(head) {
        context.onHead(clock.now() - sentAt);
        const isWanted = (): boolean => !settled && !response.destroyed;
        judgeHead(
          { head, context, credential, isLast, exchange, isWanted },
          {
            pass: () => {
              writeHead(head);
            },
            repeat: () => {
              refuse('unauthorized');
            },
            refuse,
          },
        );
      },
      onData(chunk, isLastChunk) {
        if (settled || response.destroyed) return;
        audit.bytesOut += chunk.length;
        isFlushed = true;
        // With the end of the answer in the same packet.
        if (isLastChunk) {
          atEndOfTurn(() => response.end(chunk));
          isEnding = true;
        } else if (!response.write(chunk)) {
          exchange.pause();
          response.once('drain', onDrain);
        }
      },
      onWait() {
        // A watch sends nothing until something happens; its reader is to know that it began (PX-21).
        if (!hasHead || isFlushed || settled) return;
        isFlushed = true;
        // Node would flush them as UTF-8; what a cluster says is bytes.
        response.write('', 'latin1');
      },
      onEnd(trailers) {
        if (settled) return;
        const passed = keepTrailers(trailers);
        if (passed.length > 0) response.addTrailers(passed);
        if (!isEnding) response.end();
        finish('done');
      },
      onUpgrade(_head, socket) {
        // Not asked for, so that no parser lets it pass.
        socket.destroy();
        finish(new CodedError('response-invalid'));
      },
      onError(error) {
        finish(closed.aborted ? asCodedError(closed.reason) : error);
      },
    };

    response.once('close', onClientGone);
    if (isHeld) closed.addEventListener('abort', onClosed, { once: true });
    // It may fail at once.
    const exchange: Exchange = cluster.connections.send(
      credential,
      { method: upstream.method, target: upstream.target, headers: upstream.headers, body },
      sink,
      {
        headTimeoutMs: upstream.asked.isLongRunning ? 0 : limits.responseHeadersTimeoutMs,
        maxHeadBytes: limits.maxHeaderBytes,
      },
    );
  });
}
