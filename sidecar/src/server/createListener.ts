import {
  createServer,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions } from 'node:tls';
import type { Clock } from '../foundation/clock.ts';
import { CodedError, type ErrorCode } from '../foundation/errors.ts';
import { formatLastAnswer, resetSocket, writeStatus, writeStatusToSocket } from '../proxy/status.ts';
import { isUpgradeRequested } from '../proxy/upgradeRequest.ts';
import type { RequestMetrics } from '../telemetry/requestMetrics.ts';
import type { Dispatch } from './dispatch.ts';
import { OpenResponses } from './openResponses.ts';

const keepAliveTimeoutMs = 65_000;
/** After which silence the other end's system is asked whether it is still there (PX-25). */
const tcpKeepAliveMs = 15_000;
/** So much later than its deadline is a client noticed at the most. */
const checkIntervalMs = 1_000;
/** How long what a refused client still sends is taken and dropped, so that its answer is not lost to a reset. */
const lingerMs = 2_000;

/** PEM; the certificate with its chain. */
export interface ServingPair {
  readonly certificate: string;
  readonly key: string;
}

export interface ListenerOptions {
  /** For the line and the headers of a request; a TLS handshake has the same time. */
  readonly requestHeaderLimits: { readonly maxBytes: number; readonly timeoutMs: number };
  /** Undefined for plain http. */
  readonly pair?: ServingPair | undefined;
  readonly clock: Clock;
  readonly metrics?: Pick<RequestMetrics, 'refused'> | undefined;
}

export interface Listener {
  readonly server: Server | TlsServer;
  /** For the next handshakes; without TLS there is none. */
  renewPair(pair: ServingPair): void;
  /** Ends what is open, upgraded sockets included. */
  endSockets(): void;
}

/** The one listener: a strict parser, bounded headers, no deadline on bodies that make progress (PX-27, TH-41, TH-44). */
export function createListener(dispatch: Dispatch, options: ListenerOptions): Listener {
  const { requestHeaderLimits, pair, clock, metrics } = options;
  const http: ServerOptions = {
    maxHeaderSize: requestHeaderLimits.maxBytes,
    headersTimeout: requestHeaderLimits.timeoutMs,
    connectionsCheckingInterval: Math.min(checkIntervalMs, requestHeaderLimits.timeoutMs),
    requestTimeout: 0,
    keepAlive: true,
    keepAliveInitialDelay: tcpKeepAliveMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    insecureHTTPParser: false,
    // Node's own answer would be no Status; dispatch refuses instead (PX-40).
    requireHostHeader: false,
    joinDuplicateHeaders: false,
    shouldUpgradeCallback: isUpgradeRequested,
  };
  const tlsServer =
    pair &&
    createTlsServer({ ...http, ...tlsOptions(pair), handshakeTimeout: requestHeaderLimits.timeoutMs });
  const server = tlsServer ?? createServer(http);
  // The bytes are bounded; Node's bound on the number refuses what fits, or cuts it in other versions (PX-27).
  server.maxHeadersCount = 0;
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const unfinished = new WeakMap<Duplex, OpenResponses>();
  /** Answered for what was no request: nothing that still comes is one. */
  const refused = new WeakSet<Duplex>();
  /** The same for every response: a closure and its wrapper for each cost as much as the response itself. */
  function onClose(this: ServerResponse): void {
    const { socket } = this.req;
    const responses = unfinished.get(socket);
    responses?.delete(this);
    // Node ends what is idle when the server closes, and waits for what becomes so later (FA-42).
    if (!server.listening && responses?.size === 0) socket.destroySoon();
  }
  const handle =
    (listener: RequestListener): RequestListener =>
    (request, response) => {
      const { socket } = request;
      if (refused.has(socket)) return;
      let responses = unfinished.get(socket);
      if (responses === undefined) unfinished.set(socket, (responses = new OpenResponses()));
      responses.add(response);
      response.on('close', onClose);
      listener(request, response);
    };
  const onRequest = handle((request, response) => {
    dispatch.request(request, response);
  });
  server.on('request', onRequest);
  // Without a listener Node would answer 100 before anybody looked at the request (PX-24).
  server.on('checkContinue', onRequest);
  server.on(
    'checkExpectation',
    handle((_request, response) => {
      writeStatus(response, new CodedError('expectation-refused'));
    }),
  );
  /** Behind a request that is not answered yet, whose answer would come into what follows (PX-36). */
  const takeSocket = (socket: Socket, run: () => void): void => {
    if (refused.has(socket)) return;
    const responses = unfinished.get(socket)?.list() ?? [];
    if (responses.every(({ writableFinished }) => writableFinished)) run();
    else resetSocket(socket);
  };
  server.on('upgrade', (request, socket: Socket, head) => {
    takeSocket(socket, () => {
      dispatch.upgrade(request, socket, head);
    });
  });
  server.on('connect', (_request, socket: Socket) => {
    takeSocket(socket, () => {
      writeStatusToSocket(socket, new CodedError('method-refused'));
    });
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // The parser says so again of whatever else comes, and at the end.
    if (refused.has(socket)) return;
    const responses = unfinished.get(socket)?.list() ?? [];
    const isAnswerAwaited = responses.some(
      ({ headersSent, writableFinished, req }) => !writableFinished && (headersSent || req.complete),
    );
    const code = codeOf(error);
    if (!socket.writable || code === undefined || isAnswerAwaited) {
      // Never into the middle of another answer, as its end, or in its place (PX-23).
      resetSocket(socket);
      return;
    }
    refused.add(socket);
    metrics?.refused(code);
    socket.on('error', () => undefined);
    socket.end(formatLastAnswer(new CodedError(code)));
    // A request whose body is broken ends now, with all that was done for it.
    if (responses.length > 0 && socket instanceof Socket) socket.destroySoon();
    else
      socket.once(
        'close',
        clock.after(lingerMs, () => socket.destroy()),
      );
  });
  return {
    server,
    renewPair: (next) => tlsServer?.setSecureContext(tlsOptions(next)),
    endSockets() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** What to answer to what was no request; undefined where there is nobody to answer, or no HTTP to do it in. */
function codeOf({ code = '' }: NodeJS.ErrnoException): ErrorCode | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers-too-large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'headers-timeout';
  return code.startsWith('HPE_') ? 'request-malformed' : undefined;
}

function tlsOptions({ certificate, key }: ServingPair): SecureContextOptions {
  return { cert: certificate, key, minVersion: 'TLSv1.2' };
}
