import { type ClientRequest, type IncomingMessage, request as sendRequest } from 'node:http';
import type { Socket } from 'node:net';
import { asConnectionError } from '../clusters/connectErrors.ts';
import type { Credential } from '../credentials/credential.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { ForwardContext } from './context.ts';
import { dropHopByHop, type HeaderPairs, headerValues, pairHeaders } from './headerPairs.ts';
import { createOutcomeReport, type OutcomeReport } from './outcomeReport.ts';
import { buildResponseHeaders, readReason } from './responseHeaders.ts';
import { writeStatusToSocket } from './status.ts';
import { tunnel } from './tunnel.ts';
import { buildUpstreamRequest, type UpstreamRequest } from './upstreamRequest.ts';
import { type Attempt, isRejected, withCredential } from './withCredential.ts';

/**
 * One upgrade to a cluster: WebSocket or SPDY over a socket of its own, tunnelled after its 101. The same target,
 * headers, credential and identity as for a request (PX-31).
 */
export async function forwardUpgrade(
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
  context: ForwardContext,
): Promise<void> {
  const outcome = createOutcomeReport(context);
  const leaving = new AbortController();
  const onClose = (): void => {
    leaving.abort(new CodedError('connection-reset', 'The client went away'));
  };
  socket.once('close', onClose);
  // It may have happened while the credential was fetched.
  if (socket.destroyed) onClose();
  try {
    await withCredential(context, request.method === 'GET', async (credential, isLast) => {
      const upstream = buildUpstreamRequest(request, context, credential, request.headers.upgrade);
      const signal = AbortSignal.any([leaving.signal, context.closed]);
      const sentAt = context.clock.now();
      const connected = await context.cluster.connections.dial(credential, signal);
      return exchange(
        { socket, head, connected, upstream, credential, isLast, signal, outcome, sentAt },
        context,
      );
    });
  } catch (thrown) {
    const error = asCodedError(thrown);
    if (!leaving.signal.aborted && !context.closed.aborted) outcome.failed(error);
    context.audit.failed(error, !socket.destroyed);
    writeStatusToSocket(socket, error);
  } finally {
    socket.off('close', onClose);
  }
}

interface Exchange {
  readonly socket: Socket;
  readonly head: Buffer;
  readonly connected: Socket;
  readonly upstream: UpstreamRequest;
  readonly credential: Credential;
  readonly isLast: boolean;
  readonly signal: AbortSignal;
  readonly outcome: OutcomeReport;
  /** When it was begun: connecting is in it. */
  readonly sentAt: number;
}

/** Asks for the upgrade and hands over; the answer is read by Node's strict parser. */
function exchange(parts: Exchange, context: ForwardContext): Promise<Attempt> {
  const { connected, upstream, signal } = parts;
  const { limits, cluster, audit } = context;
  return new Promise((resolve, reject) => {
    // Without an agent: one would dial by itself.
    const asked: ClientRequest = sendRequest({
      createConnection: () => connected,
      method: upstream.method,
      path: upstream.target,
      headers: [...upstream.headers, ...ownLength(upstream)],
      setHost: false,
      maxHeaderSize: limits.maxHeaderBytes,
      insecureHTTPParser: false,
    });
    const fail = (thrown: unknown): void => {
      cancelTimer();
      signal.removeEventListener('abort', onAbort);
      connected.destroy();
      reject(signal.aborted ? asCodedError(signal.reason) : asConnectionError(thrown));
    };
    const onAbort = (): void => {
      fail(signal.reason);
    };
    const answered = (): void => {
      context.onHead(context.clock.now() - parts.sentAt);
      cancelTimer();
      signal.removeEventListener('abort', onAbort);
    };
    const cancelTimer = upstream.asked.isLongRunning
      ? () => undefined
      : context.clock.after(limits.responseHeadersTimeoutMs, () => {
          fail(new CodedError('response-timeout'));
        });
    signal.addEventListener('abort', onAbort, { once: true });
    asked.on('error', fail);
    asked.once('upgrade', (response, upgraded, upstreamHead) => {
      answered();
      parts.outcome.headCame();
      parts.outcome.passedOn();
      audit.answered(101);
      audit.bytesIn += parts.head.length;
      audit.bytesOut += upstreamHead.length;
      acceptUpgrade(parts, response, upstreamHead, context.setCookies());
      tunnel({
        client: parts.socket,
        upstream: upgraded,
        clock: context.clock,
        halfCloseMs: limits.halfCloseMs,
        closed: context.closed,
        counted: audit,
      }).then(() => {
        if (context.closed.aborted) audit.failed(asCodedError(context.closed.reason), false);
        resolve('done');
      }, reject);
    });
    asked.once('response', (response) => {
      answered();
      if (isRejected(response.statusCode, context)) {
        connected.destroy();
        if (!parts.isLast) {
          resolve('unauthorized');
          return;
        }
        cluster.credentials.reject(parts.credential);
        reject(new CodedError('plugin-credential-rejected'));
        return;
      }
      const explain =
        response.statusCode === 403 && !upstream.asked.isProxySubresource && context.explainForbidden;
      if (!explain) {
        relayRefusal(parts, response, context).then(resolve, fail);
        return;
      }
      explain(cluster, parts.credential).then((fault) => {
        if (fault === undefined) relayRefusal(parts, response, context).then(resolve, fail);
        else fail(fault);
      }, fail);
    });
    asked.end();
  });
}

/** Without a length Node would announce a body in chunks for a POST, and an upgrade has none (PX-32). */
function ownLength({ method, headers }: UpstreamRequest): string[] {
  const isKnown = headerValues(pairHeaders(headers), 'content-length').length > 0;
  return method === 'GET' || isKnown ? [] : ['Content-Length', '0'];
}

function acceptUpgrade(
  { socket, head, connected }: Exchange,
  response: IncomingMessage,
  upstreamHead: Buffer,
  setCookies: readonly string[],
): void {
  const headers = pairHeaders(response.rawHeaders);
  const passed = dropHopByHop(headers).filter(([name]) =>
    /^(sec-websocket-|x-stream-protocol-version$)/i.test(name),
  );
  writeHead(socket, 101, response.statusMessage, [
    ['Connection', 'Upgrade'],
    ...headerValues(headers, 'upgrade').map((value) => ['Upgrade', value] as const),
    ...passed,
    ...setCookies.map((cookie) => ['Set-Cookie', cookie] as const),
  ]);
  // Bytes that came glued to either head belong to the tunnel (PX-34).
  if (upstreamHead.length > 0) socket.write(upstreamHead);
  if (head.length > 0) connected.write(head);
}

/** The cluster's refusal with its status and body; then both ends close, whatever else the client sends (PX-33). */
async function relayRefusal(
  { socket, connected, upstream, outcome }: Exchange,
  response: IncomingMessage,
  context: ForwardContext,
): Promise<Attempt> {
  outcome.headCame();
  const status = response.statusCode ?? 502;
  const headers = buildResponseHeaders({
    upstream: pairHeaders(response.rawHeaders),
    status,
    connection: context.cluster.connection,
    clusterPrefix: context.clusterPrefix,
    rest: context.rest,
  });
  outcome.passedOn();
  const { audit } = context;
  audit.answered(status);
  socket.resume();
  // With nobody to write to, nobody would read to its end either (PX-23).
  socket.once('close', () => connected.destroy());
  writeHead(socket, status, response.statusMessage, [...headers, ['Connection', 'close']]);
  const isCut = await new Promise<boolean>((resolve) => {
    response.once('close', () => {
      resolve(!response.complete);
    });
    response.on('error', () => undefined);
    response.on('data', (chunk: Buffer) => (audit.bytesOut += chunk.length));
    if (upstream.method === 'HEAD') response.resume();
    else response.pipe(socket, { end: false });
  });
  connected.destroy();
  if (isCut) socket.resetAndDestroy();
  else socket.end(() => socket.destroySoon());
  return 'done';
}

function writeHead(socket: Socket, status: number, message: string | undefined, headers: HeaderPairs): void {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.write(`HTTP/1.1 ${status} ${readReason(message, status)}\r\n${lines}\r\n`, 'latin1');
}
