import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createCertificateAuthority } from './certificates.ts';

export interface ClusterRequest {
  readonly path: string;
  /** What came as a bearer token; empty without one. */
  readonly token: string;
}

/** What a cluster does with a request instead of answering it. */
export const clusterFaults = [
  'breaks off',
  'hangs',
  'answers half',
  'sends headers without end',
  'is slow',
  'answers no HTTP',
  'answers twice',
] as const;
export type ClusterFault = (typeof clusterFaults)[number];

/** A cluster's API server that says who it is and which token it was asked with, and keeps watches open. */
export interface TokenCluster {
  readonly name: string;
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  readonly requests: readonly ClusterRequest[];
  readonly connections: number;
  readonly watches: number;
  /** For each request from now on; undefined heals it, and ends what hangs. */
  setFault(fault: ClusterFault | undefined): void;
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
  let fault: ClusterFault | undefined;
  const faulty = new Set<Socket>();
  const misbehave = (how: ClusterFault, { socket }: ServerResponse, body: string): void => {
    if (!socket) return;
    faulty.add(socket);
    socket.once('close', () => faulty.delete(socket));
    const whole = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const dribble = (next: () => string | undefined): void => {
      const text = socket.destroyed ? undefined : next();
      if (text === undefined) return;
      socket.write(text);
      setTimeout(() => dribble(next), 5);
    };
    let sent = 0;
    const acts: Readonly<Record<ClusterFault, () => void>> = {
      'breaks off': () => socket.destroy(),
      hangs: () => undefined,
      'answers half': () => socket.write(whole.slice(0, -10), () => socket.destroy()),
      'sends headers without end': () => {
        socket.write('HTTP/1.1 200 OK\r\n');
        dribble(() => `X-A: ${'a'.repeat(4000)}\r\n`);
      },
      'is slow': () => dribble(() => (sent < whole.length ? whole.charAt(sent++) : undefined)),
      'answers no HTTP': () => socket.end('no HTTP\r\n\r\n'),
      'answers twice': () => socket.end(whole + whole),
    };
    acts[how]();
  };
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url ?? '/';
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    requests.push({ path, token });
    if (requests.length > maxRequests) requests.shift();
    request.resume();
    const isAccepted = accepts({ path, token });
    if (fault) {
      misbehave(fault, response, JSON.stringify({ kind: 'Answer', cluster: name, token }));
      return;
    }
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
    setFault(next) {
      fault = next;
      if (next === undefined) for (const socket of faulty) socket.destroy();
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
