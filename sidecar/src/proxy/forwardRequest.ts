import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { asConnectionError } from '../clusters/connectErrors.ts';
import type { Credential } from '../credentials/credential.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { ForwardContext } from './context.ts';
import { type HeaderPairs, pairHeaders } from './headerPairs.ts';
import { createOutcomeReport, type OutcomeReport } from './outcomeReport.ts';
import { buildResponseHeaders, readReason } from './responseHeaders.ts';
import { breakOff, writeStatus } from './status.ts';
import { buildUpstreamRequest, hasBody, type UpstreamRequest } from './upstreamRequest.ts';
import { type Attempt, isRejected, withCredential } from './withCredential.ts';

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
    let controller: Dispatcher.DispatchController | undefined;
    let settled = false;
    let abortReason: CodedError | undefined;

    const abort = (reason: CodedError): void => {
      abortReason ??= reason;
      controller?.abort(reason);
    };
    const onClientGone = (): void => {
      if (!response.writableFinished) abort(new CodedError('connection-reset', 'The client went away'));
    };
    const onClosed = (): void => {
      abort(asCodedError(closed.reason));
    };
    const finish = (end: Attempt | CodedError): void => {
      if (settled) return;
      settled = true;
      response.off('close', onClientGone);
      closed.removeEventListener('abort', onClosed);
      if (end instanceof CodedError) reject(end);
      else resolve(end);
    };

    response.once('close', onClientGone);
    closed.addEventListener('abort', onClosed, { once: true });
    // Either may have happened while the credential was fetched.
    if (response.destroyed) onClientGone();
    if (closed.aborted) onClosed();
    if (abortReason) {
      finish(abortReason);
      return;
    }

    const writeHead = (
      current: Dispatcher.DispatchController,
      status: number,
      statusMessage: string | undefined,
    ): void => {
      outcome.headCame();
      const headers = buildResponseHeaders({
        upstream: pairHeaders(rawHeadersOf(current)),
        status,
        connection: cluster.connection,
        clusterPrefix: context.clusterPrefix,
        rest: context.rest,
      });
      outcome.passedOn();
      response.writeHead(status, readReason(statusMessage, status), headers.flat());
      // A watch sends nothing until something happens; its reader is to know that it began (PX-21).
      response.flushHeaders();
      audit.answered(status);
    };

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(started) {
        controller = started;
        if (abortReason) started.abort(abortReason);
        if (Buffer.isBuffer(body)) audit.bytesIn = body.length;
        // The body is read from now on, in this same turn: who listens here takes nothing from it.
        else body?.on('data', (chunk: Buffer) => (audit.bytesIn += chunk.length));
      },
      onResponseStart(current, status, _headers, statusMessage) {
        if (status < 200) return;
        context.onHead(clock.now() - sentAt);
        if (isRejected(status, context)) {
          if (isLast) cluster.credentials.reject(credential);
          finish(isLast ? new CodedError('plugin-credential-rejected') : 'unauthorized');
          current.abort(new CodedError('connection-reset'));
          return;
        }
        const explain = status === 403 && !upstream.asked.isProxySubresource && context.explainForbidden;
        if (!explain) {
          writeHead(current, status, statusMessage);
          return;
        }
        // Whose fault it is decides what is answered; until then nothing of the body is read.
        current.pause();
        const refuse = (fault: CodedError): void => {
          finish(fault);
          current.abort(fault);
        };
        explain(cluster, credential)
          .then((fault) => {
            if (settled || response.destroyed) return;
            if (fault !== undefined) {
              refuse(fault);
              return;
            }
            writeHead(current, status, statusMessage);
            current.resume();
          })
          // The handler's own turn is over: what a head throws here nobody else would catch.
          .catch((thrown: unknown) => {
            refuse(asCodedError(thrown));
          });
      },
      onResponseData(current, chunk) {
        if (settled || response.destroyed) return;
        audit.bytesOut += chunk.length;
        if (response.write(chunk)) return;
        current.pause();
        response.once('drain', () => {
          current.resume();
        });
      },
      onResponseEnd(_current, trailers) {
        if (settled) return;
        const pairs = Object.entries(trailers).flatMap(([name, value]): HeaderPairs =>
          value === undefined ? [] : [value].flat().map((each) => [name, each] as const),
        );
        if (pairs.length > 0)
          response.addTrailers(pairs.map(([name, value]): [string, string] => [name, value]));
        response.end();
        finish('done');
      },
      onResponseError(_current, error) {
        finish(abortReason ?? asConnectionError(error));
      },
    };

    try {
      cluster.connections.dispatcher(credential).dispatch(
        {
          path: upstream.target,
          method: upstream.method,
          headers: upstream.headers,
          body,
          headersTimeout: upstream.asked.isLongRunning ? 0 : limits.responseHeadersTimeoutMs,
          bodyTimeout: 0,
        },
        handler,
      );
    } catch (thrown) {
      finish(asConnectionError(thrown));
    }
  });
}

function rawHeadersOf({ rawHeaders }: Dispatcher.DispatchController): string[] {
  return Array.isArray(rawHeaders)
    ? rawHeaders.map((each) => (typeof each === 'string' ? each : each.toString('latin1')))
    : [];
}
