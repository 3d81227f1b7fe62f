import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:tls';
import { answerWith } from './recordingUpstream.ts';
import { createSelfSignedPair } from './selfSignedPair.ts';

/** What a cluster does with a request; `well` is an answer with the cluster's name. */
export const clusterFaults = [
  'well',
  'resets',
  'closes',
  'hangs',
  'stops in its head',
  'stops in its body',
  'stops in a chunk',
  'says no HTTP',
  'sends headers without end',
  'sends a body without end',
  'drips',
  'says more than it was asked',
  'refuses upgrades badly',
  'opens a tunnel and resets it',
] as const;
export type ClusterFault = (typeof clusterFaults)[number];

export interface FaultyCluster {
  readonly port: number;
  readonly certificate: string;
  readonly connections: number;
  fault: ClusterFault;
  close(): Promise<void>;
}

const block = Buffer.alloc(64 * 1024, 'x');
const chunkedHead = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const switched = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

/** Reads no bodies: to a request that has one it answers, and what comes of it may look like nothing. */
export async function startFaultyCluster(name: string): Promise<FaultyCluster> {
  const pair = createSelfSignedPair('kube-apiserver', { addresses: ['127.0.0.1'] });
  const sockets = new Set<Socket>();
  const server = createServer({ cert: pair.certificate, key: pair.key }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    let head = '';
    socket.on('data', (chunk: Buffer) => {
      head = (head + chunk.toString('latin1')).slice(-100_000);
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      const isUpgrade = /\r\nupgrade: /i.test(head.slice(0, end));
      const hasBody = /\r\n(content-length: [1-9]|transfer-encoding:)/i.test(head.slice(0, end));
      head = hasBody ? '' : head.slice(end + 4);
      answer(socket, isUpgrade, hasBody);
    });
  });

  function answer(socket: Socket, isUpgrade: boolean, hasBody: boolean): void {
    const repeat = (data: Buffer | string): void => {
      const pump = (): void => {
        if (socket.destroyed) return;
        if (socket.write(data)) setImmediate(pump);
        else socket.once('drain', pump);
      };
      pump();
    };
    const acts: Readonly<Record<ClusterFault, () => void>> = {
      well: () => {
        if (isUpgrade) socket.write(`${switched}${name}`);
        // The rest of a body is not to be taken for a request.
        else socket.write(answerWith(name, '200 OK', hasBody ? 'Connection: close\r\n' : ''));
        if (hasBody) socket.end();
      },
      resets: () => socket.destroy(),
      closes: () => socket.end(),
      hangs: () => undefined,
      'stops in its head': () => socket.end('HTTP/1.1 200 OK\r\nContent-Le'),
      'stops in its body': () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart'),
      'stops in a chunk': () => socket.end(`${chunkedHead}10\r\npart`),
      'says no HTTP': () => socket.write('\x15\x03\x01 no HTTP\r\n\r\n'),
      'sends headers without end': () => {
        socket.write('HTTP/1.1 200 OK\r\n');
        repeat(`X-A: ${'a'.repeat(1_000)}\r\n`);
      },
      'sends a body without end': () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        repeat(block);
      },
      drips: () => {
        const bytes = [...Buffer.from(answerWith(name)).values()];
        const next = (): void => {
          const byte = bytes.shift();
          if (byte === undefined || socket.destroyed) return;
          socket.write(Buffer.from([byte]));
          setTimeout(next, 2);
        };
        next();
      },
      'says more than it was asked': () => socket.write(answerWith(name) + answerWith('of nobody')),
      'refuses upgrades badly': () => socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\npart'),
      'opens a tunnel and resets it': () => socket.write(switched, () => socket.destroy()),
    };
    acts[cluster.fault]();
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cluster: FaultyCluster = {
    port: (server.address() as AddressInfo).port,
    certificate: pair.certificate,
    get connections() {
      return sockets.size;
    },
    fault: 'well',
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
  return cluster;
}
