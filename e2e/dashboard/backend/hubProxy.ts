import * as http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as https from 'node:https';
import * as net from 'node:net';
import type { Duplex } from 'node:stream';
import * as tls from 'node:tls';

/** The API server that the dashboard knows by itself. */
export interface Hub {
  /** `https://host:port`, or `http://host:port` for a `kubectl proxy`. */
  url: string;
  /** PEM; what an http URL needs none of. */
  ca?: string;
  /** The context's own credential: used when a request brings none. */
  token?: string;
}

export interface HubProxy {
  forward(request: IncomingMessage, response: ServerResponse, apiTarget: string, token?: string): void;
  /** Passes a WebSocket's bytes through, whatever the answer is. */
  tunnel(request: IncomingMessage, socket: Duplex, head: Buffer, apiTarget: string, token?: string): void;
  close(): void;
}

const WEBSOCKET_TOKEN_PREFIX = 'base64url.bearer.authorization.k8s.io.';
const NOT_FORWARDED = new Set([
  'host',
  'connection',
  'upgrade',
  'authorization',
  'cookie',
  'keep-alive',
  'te',
]);

export function createHubProxy(hub: Hub): HubProxy {
  const { hostname, port, host, protocol } = new URL(hub.url);
  const isTls = protocol === 'https:';
  const trust = hub.ca === undefined ? {} : { ca: hub.ca };
  const agent = isTls ? new https.Agent({ ...trust, keepAlive: true }) : new http.Agent({ keepAlive: true });
  const { request: sendRequest } = isTls ? https : http;
  const tunnels = new Set<Duplex>();

  const buildHeaders = (request: IncomingMessage, token: string | undefined): string[] => {
    const headers = ['Host', host];
    let protocolToken: string | undefined;
    for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
      const name = request.rawHeaders[i] ?? '';
      let value = request.rawHeaders[i + 1] ?? '';
      if (NOT_FORWARDED.has(name.toLowerCase())) continue;
      if (name.toLowerCase() === 'sec-websocket-protocol') {
        const protocols = value.split(',').map((protocol) => protocol.trim());
        protocolToken = protocols.find((protocol) => protocol.startsWith(WEBSOCKET_TOKEN_PREFIX));
        value = protocols.filter((protocol) => !protocol.startsWith(WEBSOCKET_TOKEN_PREFIX)).join(', ');
        if (value === '') continue;
      }
      headers.push(name, value);
    }
    const authorization = resolveAuthorization(
      token,
      request.headers.authorization,
      protocolToken,
      hub.token,
    );
    if (authorization !== undefined) headers.push('Authorization', authorization);
    return headers;
  };

  return {
    forward(request, response, apiTarget, token) {
      const upstream = sendRequest({
        agent,
        hostname,
        port,
        path: apiTarget,
        method: request.method,
        headers: buildHeaders(request, token),
      });
      upstream.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, withoutConnection(answer.rawHeaders));
        response.flushHeaders();
        answer.on('error', () => response.destroy()).pipe(response);
      });
      upstream.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
      response.on('close', () => upstream.destroy());
      request.pipe(upstream);
    },

    tunnel(request, socket, head, apiTarget, token) {
      const address = { host: hostname, port: Number(port) };
      const servername = net.isIP(hostname) ? '' : hostname;
      const upstream = isTls ? tls.connect({ ...address, ...trust, servername }) : net.connect(address);
      upstream.once(isTls ? 'secureConnect' : 'connect', () => {
        const headers = [...buildHeaders(request, token), 'Connection', 'Upgrade', 'Upgrade', 'websocket'];
        const lines = [`${request.method} ${apiTarget} HTTP/1.1`];
        for (let i = 0; i + 1 < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
        upstream.write(`${lines.join('\r\n')}\r\n\r\n`);
        upstream.write(head);
        socket.pipe(upstream).pipe(socket);
      });
      tunnels.add(socket);
      const end = () => {
        tunnels.delete(socket);
        socket.destroy();
        upstream.destroy();
      };
      for (const side of [socket, upstream]) side.on('error', end).on('close', end);
    },

    close() {
      agent.destroy();
      for (const socket of tunnels) socket.destroy();
    },
  };
}

/** A cookie outranks the Authorization header, which outranks a WebSocket's protocol and the context's own. */
function resolveAuthorization(
  sessionToken: string | undefined,
  header: string | undefined,
  protocolToken: string | undefined,
  ownToken: string | undefined,
): string | undefined {
  if (sessionToken !== undefined) return `Bearer ${sessionToken}`;
  if (header !== undefined) return header;
  if (protocolToken !== undefined) {
    return `Bearer ${Buffer.from(protocolToken.slice(WEBSOCKET_TOKEN_PREFIX.length), 'base64url').toString()}`;
  }
  return ownToken === undefined ? undefined : `Bearer ${ownToken}`;
}

function withoutConnection(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (/^(connection|keep-alive|transfer-encoding)$/i.test(name)) continue;
    kept.push(name, rawHeaders[i + 1] ?? '');
  }
  return kept;
}
