import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createCertificateAuthority } from './certificates.ts';

export interface ClusterRequest {
  readonly path: string;
  /** What came as a bearer token; empty without one. */
  readonly token: string;
}

/** A cluster's API server that says who it is and which token it was asked with, and keeps watches open. */
export interface TokenCluster {
  readonly name: string;
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  readonly requests: readonly ClusterRequest[];
  readonly connections: number;
  readonly watches: number;
  /** Into every open watch. */
  sendToWatches(text: string): void;
  close(): Promise<void>;
}

export interface TokenClusterOptions {
  readonly name: string;
  /** A request that is not accepted is a 401. */
  readonly accepts?: (request: ClusterRequest) => boolean;
  /** How many requests are remembered; all without. */
  readonly maxRequests?: number;
}

export async function startTokenCluster({
  name,
  accepts = () => true,
  maxRequests = Infinity,
}: TokenClusterOptions): Promise<TokenCluster> {
  const authority = await createCertificateAuthority(`${name} CA`);
  const { certificate, key } = await authority.issueServer({ dns: [], ips: ['127.0.0.1'] });
  const requests: ClusterRequest[] = [];
  const sockets = new Set<Socket>();
  const watches = new Set<ServerResponse>();
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url ?? '/';
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    requests.push({ path, token });
    if (requests.length > maxRequests) requests.shift();
    request.resume();
    const isAccepted = accepts({ path, token });
    response.writeHead(isAccepted ? 200 : 401, { 'content-type': 'application/json' });
    if (isAccepted && path.includes('watch=true')) {
      response.flushHeaders();
      watches.add(response);
      response.once('close', () => watches.delete(response));
    } else response.end(JSON.stringify({ kind: isAccepted ? 'Answer' : 'Status', cluster: name, token }));
  };
  const server = createServer({ cert: certificate, key }, answer);
  // A connection that nobody uses any more is for the other end to close.
  server.keepAliveTimeout = 0;
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    name,
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: authority.certificate,
    requests,
    get connections() {
      return sockets.size;
    },
    get watches() {
      return watches.size;
    },
    sendToWatches(text) {
      for (const response of watches) response.write(text);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
