import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Who is asked, on 127.0.0.1. */
export interface Endpoint {
  readonly port: number;
  /** Of its certificate; absent for plain HTTP. */
  readonly ca?: string;
}

export interface ClientRequest {
  readonly path: string;
  readonly token: string;
  /** As a browser sends it, or as kubectl does. */
  readonly carrier: 'cookie' | 'bearer';
}

export interface Connection {
  /** One at a time. */
  send(head: Buffer): Promise<{ readonly status: string; readonly bytes: number }>;
  close(): void;
}

const browserHeaders =
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36\r\n' +
  'Accept-Language: en-US,en;q=0.9\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n';

/** `extra` are lines that each end with CRLF. */
export function buildHead(port: number, { path, token, carrier }: ClientRequest, extra = ''): Buffer {
  const common = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: application/json\r\n`;
  const own =
    carrier === 'bearer'
      ? `User-Agent: kubectl/v1.36.0 (linux/amd64)\r\nAuthorization: Bearer ${token}\r\n`
      : `${browserHeaders}Cookie: cluster-inventory-session.0=${token}\r\n`;
  return Buffer.from(`${common}${own}${extra}\r\n`, 'latin1');
}

/** A plain or a TLS socket, once it may be written to. */
export function openSocket({ port, ca }: Endpoint): Promise<Socket> {
  const host = '127.0.0.1';
  const socket = ca === undefined ? connect(port, host) : connectTls({ port, host, ca });
  socket.setNoDelay(true);
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once(ca === undefined ? 'connect' : 'secureConnect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** For answers with a length. */
export async function openConnection(endpoint: Endpoint): Promise<Connection> {
  const socket = await openSocket(endpoint);
  let waiting:
    | { resolve: (answer: { status: string; bytes: number }) => void; reject: (error: Error) => void }
    | undefined;
  let head: string | undefined = '';
  let status = '';
  let received = 0;
  let wanted = 0;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
    if (head !== undefined) {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      status = head.slice(9, 12);
      wanted = end + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
      head = undefined;
      if (Number.isNaN(wanted)) {
        socket.destroy(new Error(`an answer ${status} without a length`));
        return;
      }
    }
    if (received < wanted) return;
    const { resolve } = waiting ?? {};
    const answer = { status, bytes: received };
    waiting = undefined;
    head = '';
    received = 0;
    resolve?.(answer);
  });
  const fail = (error?: Error): void => waiting?.reject(error ?? new Error('the connection was closed'));
  socket.on('error', fail);
  socket.on('close', () => fail());
  return {
    send: (bytes) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket.write(bytes);
      }),
    close: () => socket.destroy(),
  };
}
