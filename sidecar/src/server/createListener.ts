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
import { CodedError } from '../foundation/errors.ts';
import { writeStatusToSocket } from '../proxy/status.ts';
import { isUpgradeRequested } from '../proxy/upgradeRequest.ts';
import type { Dispatch } from './dispatch.ts';

const maxHeaderBytes = 64 * 1024;
const headersTimeoutMs = 20_000;
const keepAliveTimeoutMs = 65_000;

/** PEM; the certificate with its chain. */
export interface ServingPair {
  readonly certificate: string;
  readonly key: string;
}

export interface Listener {
  readonly server: Server | TlsServer;
  /** For the next handshakes; without TLS there is none. */
  renewPair(pair: ServingPair): void;
  /** Ends what is open, upgraded sockets included. */
  endSockets(): void;
}

/** The one listener: a strict parser, bounded headers, no deadline on bodies that make progress (PX-27, TH-41, TH-44). */
export function createListener(dispatch: Dispatch, pair?: ServingPair): Listener {
  const http: ServerOptions = {
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: headersTimeoutMs,
    requestTimeout: 0,
    keepAliveTimeout: keepAliveTimeoutMs,
    insecureHTTPParser: false,
    requireHostHeader: true,
    joinDuplicateHeaders: false,
    shouldUpgradeCallback: isUpgradeRequested,
  };
  const tlsServer = pair && createTlsServer({ ...http, ...tlsOptions(pair) });
  const server = tlsServer ?? createServer(http);
  // The bytes are bounded; Node's bound on the number refuses what fits, or cuts it in other versions (PX-27).
  server.maxHeadersCount = 0;
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  /** More than one where requests come before the first of them is answered. */
  const unfinished = new WeakMap<Duplex, Set<ServerResponse>>();
  const onRequest: RequestListener = (request, response) => {
    const { socket } = request;
    const responses = unfinished.get(socket) ?? new Set();
    unfinished.set(socket, responses.add(response));
    response.once('close', () => {
      responses.delete(response);
      // Node ends what is idle when the server closes, and waits for what becomes so later (FA-42).
      if (!server.listening && responses.size === 0) socket.destroySoon();
    });
    dispatch.request(request, response);
  };
  server.on('request', onRequest);
  // Without a listener Node would answer 100 before anybody looked at the request (PX-24).
  server.on('checkContinue', onRequest);
  server.on('upgrade', (request, socket: Socket, head) => {
    dispatch.upgrade(request, socket, head);
  });
  server.on('connect', (_request, socket: Socket) => {
    writeStatusToSocket(socket, new CodedError('method-refused'));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const isAnswerAwaited = [...(unfinished.get(socket) ?? [])].some(
      ({ headersSent, writableFinished, req }) => !writableFinished && (headersSent || req.complete),
    );
    if (!socket.writable || error.code === 'ECONNRESET' || isAnswerAwaited) {
      // Never into the middle of another answer, as its end, or in its place (PX-23).
      if (socket instanceof Socket) socket.resetAndDestroy();
      else socket.destroy();
      return;
    }
    const line =
      error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
    socket.end(`HTTP/1.1 ${line}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  });
  return {
    server,
    renewPair: (next) => tlsServer?.setSecureContext(tlsOptions(next)),
    endSockets() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function tlsOptions({ certificate, key }: ServingPair): SecureContextOptions {
  return { cert: certificate, key, minVersion: 'TLSv1.2' };
}
