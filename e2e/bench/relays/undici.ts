import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Dispatcher, Pool } from 'undici';
import { readRelayArguments } from './relayArguments.ts';

/** node:http and undici's dispatch with nothing between: the limit of a relay that is built of them. */
const { upstream, ca, port } = readRelayArguments();
const pool = new Pool(upstream, {
  connect: { ca },
  pipelining: 1,
  keepAliveTimeout: 30_000,
  headersTimeout: 0,
  bodyTimeout: 0,
});

type RequestHead = Pick<Dispatcher.DispatchOptions, 'path' | 'method' | 'headers'>;

function buildHead({ url = '/', method = 'GET', headers }: IncomingMessage, dropped: RegExp): RequestHead {
  const passed = Object.entries(headers).filter(([name]) => !dropped.test(name));
  return { path: url, method, headers: Object.fromEntries(passed) };
}

const hopByHop = /^(connection|keep-alive|host|transfer-encoding|upgrade|te|trailer|proxy-.*)$/;

function relay(request: IncomingMessage, response: ServerResponse): void {
  const hasBody = request.headers['content-length'] ?? request.headers['transfer-encoding'];
  const head = buildHead(request, hopByHop);
  pool.dispatch(
    { ...head, body: hasBody === undefined ? null : request },
    {
      onRequestStart(controller) {
        response.once('close', () => {
          if (!response.writableFinished) controller.abort(new Error('the client left'));
        });
        response.on('drain', () => controller.resume());
      },
      onResponseStart(_controller, status, headers) {
        delete headers['connection'];
        delete headers['keep-alive'];
        delete headers['transfer-encoding'];
        response.writeHead(status, headers);
        response.flushHeaders();
      },
      onResponseData(controller, chunk) {
        if (!response.write(chunk)) controller.pause();
      },
      onResponseEnd: () => response.end(),
      onResponseError: () => response.destroy(),
    },
  );
}

function relayUpgrade(request: IncomingMessage, client: Duplex): void {
  client.on('error', () => client.destroy());
  pool.dispatch(
    { ...buildHead(request, /^(connection|host|upgrade)$/), upgrade: request.headers.upgrade ?? 'websocket' },
    {
      onRequestStart: () => undefined,
      onResponseStart: () => client.destroy(),
      onRequestUpgrade(_controller, status, headers, cluster) {
        const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
        client.write(`HTTP/1.1 ${status} Switching Protocols\r\n${lines.join('')}\r\n`);
        cluster.pipe(client).pipe(cluster);
        client.on('close', () => cluster.destroy());
        cluster.on('close', () => client.destroy()).on('error', () => client.destroy());
      },
      onResponseError: () => client.destroy(),
    },
  );
}

createServer(relay).on('upgrade', relayUpgrade).listen({ port, host: '127.0.0.1', backlog: 1024 });
