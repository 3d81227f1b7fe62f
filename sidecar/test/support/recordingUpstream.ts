import type { AddressInfo, Socket } from 'node:net';
import { createServer, type TlsOptions, type TLSSocket } from 'node:tls';
import {
  createIssuedPair,
  createSelfSignedPair,
  type PairOptions,
  type SelfSignedPair,
} from './selfSignedPair.ts';
import { until } from './until.ts';

export interface UpstreamConnection {
  readonly socket: TLSSocket;
  /** All bytes so far, one character a byte. */
  readonly received: string;
  /** The other end has said that it sends no more. */
  readonly ended: boolean;
  waitFor(text: string): Promise<void>;
  waitForClose(): Promise<void>;
  send(text: string | Buffer): void;
  reset(): void;
}

export interface RecordingUpstream {
  readonly port: number;
  /** PEM; also what is to be trusted. */
  readonly certificate: string;
  readonly connections: readonly UpstreamConnection[];
  /** Sent one by one as the heads of requests come in; without one nothing is answered. */
  readonly answers: (string | Buffer)[];
  /** The heads of all requests, in their order. */
  readonly heads: readonly string[];
  /** The connection that was opened as the n-th, when it is there. */
  connection(index: number): Promise<UpstreamConnection>;
  /** Another certificate for the next handshakes, of nobody that was trusted so far. @returns it, as PEM */
  renewCertificate(): string;
  close(): Promise<void>;
}

export interface UpstreamOptions extends PairOptions {
  readonly tls?: TlsOptions;
  /** Who signs its certificate; itself without one. */
  readonly issuer?: SelfSignedPair;
}

/**
 * A cluster's API server of which a test sees every byte and says every byte. It reads requests only as far as their
 * heads: a body has to be the last thing on its connection.
 */
export async function startRecordingUpstream(options: UpstreamOptions = {}): Promise<RecordingUpstream> {
  const { addresses = ['127.0.0.1'], tls, issuer, ...rest } = options;
  const subject = { addresses, ...rest };
  const pair = issuer
    ? createIssuedPair(issuer, 'kube-apiserver', subject)
    : createSelfSignedPair('kube-apiserver', subject);
  const connections: UpstreamConnection[] = [];
  const answers: (string | Buffer)[] = [];
  const heads: string[] = [];
  const server = createServer(
    { cert: pair.certificate, key: pair.key, ALPNProtocols: ['http/1.1'], allowHalfOpen: true, ...tls },
    (socket) => {
      let received = '';
      let readUpTo = 0;
      let ended = false;
      socket.on('data', (chunk: Buffer) => {
        received += chunk.toString('latin1');
        for (let end = headEnd(); end !== -1; end = headEnd()) {
          const head = received.slice(readUpTo, end);
          readUpTo = end;
          if (!/^[A-Z]+ \S+ HTTP\/1\.1\r\n/.test(head)) continue;
          heads.push(head);
          const answer = answers.shift();
          if (answer !== undefined) socket.write(toBytes(answer));
        }
      });
      const headEnd = (): number => {
        const at = received.indexOf('\r\n\r\n', readUpTo);
        return at === -1 ? -1 : at + 4;
      };
      socket.on('end', () => {
        ended = true;
      });
      socket.on('error', () => undefined);
      connections.push({
        socket,
        get received() {
          return received;
        },
        get ended() {
          return ended;
        },
        waitFor: (text) => until(`upstream gets ${JSON.stringify(text)}`, () => received.includes(text)),
        waitForClose: () => until('upstream connection closes', () => ended || socket.destroyed),
        // A TLS socket cannot; the one below it can.
        reset: () => below.get(socket.remotePort)?.resetAndDestroy(),
        send: (text) => socket.write(toBytes(text)),
      });
    },
  );
  const below = new Map<number | undefined, Socket>();
  server.on('connection', (socket: Socket) => below.set(socket.remotePort, socket));
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    certificate: pair.certificate,
    connections,
    answers,
    heads,
    async connection(index) {
      await until(`connection ${index}`, () => connections.length > index);
      const [connection] = connections.slice(index);
      if (!connection) throw new Error('not there');
      return connection;
    },
    renewCertificate() {
      const renewed = createSelfSignedPair('kube-apiserver', subject);
      server.setSecureContext({ cert: renewed.certificate, key: renewed.key });
      return renewed.certificate;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        // Also those whose handshake failed.
        for (const socket of below.values()) socket.destroy();
        for (const { socket } of connections) socket.destroy();
      }),
  };
}

function toBytes(data: string | Buffer): Buffer {
  return typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
}

/** An answer with a body of known length. */
export function answerWith(body: string, status = '200 OK', headers = ''): string {
  return `HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
}
