import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { AnswerHead } from '../clusters/answerHead.ts';
import type { Exchange } from '../clusters/exchange.ts';
import type { Credential } from '../credentials/credential.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { ForwardContext } from './context.ts';
import type { EarlyBytes } from './earlyBytes.ts';
import { endingSignal } from './ending.ts';
import { dropHopByHop, type HeaderPairs, headerValues, pairHeaders } from './headerPairs.ts';
import { judgeHead } from './judgeHead.ts';
import { OutcomeReport } from './outcomeReport.ts';
import { passHead } from './passHead.ts';
import { readReason } from './responseHeaders.ts';
import { resetSocket, writeStatusToSocket } from './status.ts';
import { tunnel } from './tunnel.ts';
import { buildUpstreamRequest, type UpstreamRequest } from './upstreamRequest.ts';
import { type Attempt, withCredential } from './withCredential.ts';

/**
 * One upgrade to a cluster: WebSocket or SPDY over a socket of its own, tunnelled after its 101. The same target,
 * headers, credential and identity as for a request (PX-31).
 */
export async function forwardUpgrade(
  request: IncomingMessage,
  socket: Socket,
  early: EarlyBytes,
  context: ForwardContext,
): Promise<void> {
  const outcome = new OutcomeReport(context);
  const closed = endingSignal(context);
  const leaving = new AbortController();
  const onClose = (): void => {
    leaving.abort(new CodedError('connection-reset', 'The client went away'));
  };
  socket.once('close', onClose);
  // It may have happened while the credential was fetched.
  if (socket.destroyed) onClose();
  try {
    await withCredential(context, request.method === 'GET', (credential, isLast) => {
      const upstream = buildUpstreamRequest(request, context, credential, request.headers.upgrade);
      const signal = AbortSignal.any([leaving.signal, closed]);
      return exchange({ socket, early, upstream, credential, isLast, closed, signal, outcome }, context);
    });
  } catch (thrown) {
    const error = asCodedError(thrown);
    if (!leaving.signal.aborted && !closed.aborted) outcome.failed(error);
    context.audit.failed(error, !socket.destroyed);
    writeStatusToSocket(socket, error);
  } finally {
    socket.off('close', onClose);
  }
}

interface Upgrading {
  readonly socket: Socket;
  readonly early: EarlyBytes;
  readonly upstream: UpstreamRequest;
  readonly credential: Credential;
  readonly isLast: boolean;
  /** The access was withdrawn, or is no longer allowed. */
  readonly closed: AbortSignal;
  /** That, or the client went away. */
  readonly signal: AbortSignal;
  readonly outcome: OutcomeReport;
}

/** Asks for the upgrade and hands over, or relays the refusal. */
function exchange(parts: Upgrading, context: ForwardContext): Promise<Attempt> {
  const { socket, upstream, credential, closed, signal } = parts;
  const { limits, cluster, audit } = context;
  const { method, target, headers } = upstream;
  const sentAt = context.clock.now();
  return new Promise((resolve, reject) => {
    let refusal: Refusal | undefined;
    let settled = false;
    const settle = (): boolean => {
      if (settled) return false;
      settled = true;
      signal.removeEventListener('abort', onAbort);
      return true;
    };
    const done = (attempt: Attempt): void => {
      if (settle()) resolve(attempt);
    };
    const fail = (error: CodedError): void => {
      if (settle()) reject(signal.aborted ? asCodedError(signal.reason) : error);
    };
    const onAbort = (): void => {
      asking.abort(asCodedError(signal.reason));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    // It may fail at once.
    const asking: Exchange = cluster.connections.send(
      credential,
      { method, target, headers, body: null, isUpgrade: true },
      {
        onSent: () => undefined,
        onHead(head) {
          context.onHead(context.clock.now() - sentAt);
          judgeHead(
            { head, context, credential, isLast: parts.isLast, exchange: asking },
            {
              isWanted: () => !settled,
              pass: () => {
                refusal = beginRefusal(parts, head, context, asking);
              },
              repeat: () => {
                done('unauthorized');
                asking.abort(new CodedError('connection-reset'));
              },
              refuse: (error) => {
                fail(error);
                asking.abort(error);
              },
            },
          );
        },
        onData: (chunk) => refusal?.write(chunk),
        onWait: () => undefined,
        onEnd() {
          refusal?.end();
          done('done');
        },
        onUpgrade(answer, upgraded, glued) {
          context.onHead(context.clock.now() - sentAt);
          signal.removeEventListener('abort', onAbort);
          parts.outcome.headCame();
          parts.outcome.passedOn();
          audit.answered(101);
          audit.bytesOut += glued?.length ?? 0;
          audit.bytesIn += acceptUpgrade(parts, { answer, upgraded, glued }, context.setCookies());
          tunnel({
            client: socket,
            upstream: upgraded,
            clock: context.clock,
            halfCloseMs: limits.halfCloseMs,
            closed,
            counted: audit,
          }).then(() => {
            if (closed.aborted) audit.failed(asCodedError(closed.reason), false);
            done('done');
          }, reject);
        },
        onError(error) {
          // Never a clean end of what is not whole (PX-23).
          if (refusal) {
            refusal.breakOff();
            done('done');
          } else fail(error);
        },
      },
      {
        headTimeoutMs: upstream.asked.isLongRunning ? 0 : limits.responseHeadersTimeoutMs,
        maxHeadBytes: limits.maxHeaderBytes,
      },
    );
    if (signal.aborted) onAbort();
  });
}

interface Accepted {
  readonly answer: AnswerHead;
  readonly upgraded: Socket;
  /** What came behind the 101 already. */
  readonly glued: Buffer | undefined;
}

/** @returns how many bytes came before it was accepted */
function acceptUpgrade(
  { socket, early }: Upgrading,
  { answer, upgraded, glued }: Accepted,
  setCookies: readonly string[],
): number {
  const passed = dropHopByHop(answer.headers).filter(([name]) =>
    /^(sec-websocket-|x-stream-protocol-version$)/i.test(name),
  );
  writeHead(socket, 101, answer.reason, [
    ['Connection', 'Upgrade'],
    ...headerValues(answer.headers, 'upgrade').map((value) => ['Upgrade', value] as const),
    ...passed,
    ...setCookies.map((cookie) => ['Set-Cookie', cookie] as const),
  ]);
  // Bytes that came glued to either head belong to the tunnel (PX-34).
  if (glued) socket.write(glued);
  const head = early.take();
  if (head.length > 0) upgraded.write(head);
  return head.length;
}

/** The cluster's refusal on its way to the client. */
interface Refusal {
  write(chunk: Buffer): void;
  end(): void;
  breakOff(): void;
}

/** With its status and body; then both ends close, whatever else the client sends (PX-33). */
function beginRefusal(
  { socket, early, outcome }: Upgrading,
  head: AnswerHead,
  context: ForwardContext,
  asking: Exchange,
): Refusal {
  const passed = passHead(head, context, outcome);
  const { status, reason } = head;
  const { audit } = context;
  audit.answered(status);
  early.drop();
  writeHead(socket, status, reason, [...pairHeaders(passed), ['Connection', 'close']]);
  return {
    write(chunk) {
      audit.bytesOut += chunk.length;
      if (socket.write(Buffer.from(chunk))) return;
      asking.pause();
      socket.once('drain', () => {
        asking.resume();
      });
    },
    end: () => socket.end(() => socket.destroySoon()),
    breakOff: () => {
      resetSocket(socket);
    },
  };
}

function writeHead(socket: Socket, status: number, message: string, headers: HeaderPairs): void {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.write(`HTTP/1.1 ${status} ${readReason(message, status)}\r\n${lines}\r\n`, 'latin1');
}
