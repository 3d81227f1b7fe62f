import { Agent, createServer, request as requestUpstream } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiServer } from './apiServer.ts';

/** What goes wrong between a client and an API server, until another fault or none is set. */
export type RelayFault =
  /** Every connection is reset, and each new one too. */
  | { readonly kind: 'cut' }
  /** What is open stays open, and nothing passes any more, either way; not even after the fault. */
  | { readonly kind: 'half-open' }
  /** Answers trickle: so many bytes, then so long nothing. */
  | { readonly kind: 'slow'; readonly bytes: number; readonly pauseMs: number }
  /** Each request waits before it is passed on. */
  | { readonly kind: 'delayed'; readonly delayMs: number }
  /** What is answered instead of the API server's answer, to watches alone or to every request. */
  | {
      readonly kind: 'answer';
      readonly to: 'watches' | 'all';
      readonly status: number;
      readonly body: string;
      /** The fault ends with its first answer. */
      readonly isOnce?: boolean;
    };

export interface RelayedRequest {
  /** With its query. */
  readonly path: string;
  readonly isWatch: boolean;
  /** Of `performance.now()`. */
  readonly at: number;
}

/** TLS in front of a real API server, by a certificate of the same CA, with faults on demand. */
export interface Relay {
  readonly url: string;
  readonly requests: readonly RelayedRequest[];
  /** Watches that the API server has accepted and that are open. */
  readonly watches: number;
  setFault(fault: RelayFault | undefined): void;
  /** Says this in every open watch, in between what the API server says. */
  injectIntoWatches(text: string): void;
  /** Ends every open watch as an API server does. */
  endWatches(): void;
  /** The next bytes of any watch are passed on as far as the middle of a line, and then the connection is reset. */
  cutNextLine(): void;
  close(): Promise<void>;
}

/** One request on its way. Once its connection is half-open, nothing of it is passed on. */
interface Exchange {
  readonly isWatch: boolean;
  readonly response: ServerResponse;
  readonly socket: Socket;
}

export async function startRelay({
  url: target,
  ca,
  certificateAuthority,
}: Pick<ApiServer, 'url' | 'ca' | 'certificateAuthority'>): Promise<Relay> {
  const { certificate, key } = await certificateAuthority.issueServer({ dns: [], ips: ['127.0.0.1'] });
  const agent = new Agent({ ca, keepAlive: true });
  const requests: RelayedRequest[] = [];
  const sockets = new Set<Socket>();
  const frozen = new WeakSet<Socket>();
  const exchanges = new Set<Exchange>();
  let fault: RelayFault | undefined;
  let isLineToBeCut = false;

  const pass = async (exchange: Exchange, upstream: IncomingMessage): Promise<void> => {
    const { response, socket, isWatch } = exchange;
    response.writeHead(upstream.statusCode ?? 502, upstream.headers);
    response.flushHeaders();
    for await (const chunk of upstream as AsyncIterable<Buffer>) {
      if (frozen.has(socket) || response.writableEnded) return;
      if (isWatch && isLineToBeCut) {
        isLineToBeCut = false;
        // The half has to be gone before the reset, which would overtake it.
        response.write(chunk.subarray(0, chunk.length / 2), () => setTimeout(() => socket.destroy(), 50));
        return;
      }
      if (fault?.kind !== 'slow') response.write(chunk);
      else await trickle(response, chunk, fault);
    }
    if (!frozen.has(socket)) response.end();
  };

  const forward = async (request: IncomingMessage, exchange: Exchange): Promise<void> => {
    const { response, socket } = exchange;
    if (fault?.kind === 'delayed') await sleep(fault.delayMs);
    if (response.destroyed) return;
    const upstream = requestUpstream(new URL(request.url ?? '/', target), {
      agent,
      method: request.method,
      headers: request.headers,
    });
    exchanges.add(exchange);
    response.once('close', () => {
      exchanges.delete(exchange);
      upstream.destroy();
    });
    upstream.on('response', (answer) => {
      pass(exchange, answer).catch(() => socket.destroy());
    });
    upstream.on('error', () => {
      if (!frozen.has(socket)) socket.destroy();
    });
    request.pipe(upstream);
  };

  const server = createServer({ cert: certificate, key }, (request, response) => {
    const { socket } = request;
    const path = request.url ?? '/';
    const isWatch = path.includes('watch=true');
    requests.push({ path, isWatch, at: performance.now() });
    if (frozen.has(socket)) return;
    if (fault?.kind === 'answer' && (isWatch || fault.to === 'all')) {
      response.writeHead(fault.status, { 'content-type': 'application/json' }).end(fault.body);
      if (fault.isOnce) fault = undefined;
      return;
    }
    void forward(request, { isWatch, response, socket });
  });
  server.on('connection', (socket: Socket) => {
    if (fault?.kind === 'cut') socket.resetAndDestroy();
  });
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    if (fault?.kind === 'half-open') frozen.add(socket);
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  const openWatches = (): Exchange[] =>
    [...exchanges].filter(
      ({ isWatch, response, socket }) => isWatch && response.headersSent && !frozen.has(socket),
    );
  return {
    url: `https://127.0.0.1:${port}`,
    requests,
    get watches() {
      return openWatches().length;
    },
    setFault(next) {
      fault = next;
      for (const socket of sockets) {
        if (next?.kind === 'cut') socket.destroy();
        if (next?.kind === 'half-open') frozen.add(socket);
      }
    },
    injectIntoWatches(text) {
      for (const { response } of openWatches()) response.write(text);
    },
    endWatches() {
      for (const { response } of openWatches()) response.end();
    },
    cutNextLine() {
      isLineToBeCut = true;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          agent.destroy();
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function trickle(
  response: ServerResponse,
  chunk: Buffer,
  { bytes, pauseMs }: { readonly bytes: number; readonly pauseMs: number },
): Promise<void> {
  for (let offset = 0; offset < chunk.length; offset += bytes) {
    response.write(chunk.subarray(offset, offset + bytes));
    await sleep(pauseMs);
  }
}
