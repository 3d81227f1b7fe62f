import type { Socket } from 'node:net';
import { CodedError } from '../foundation/errors.ts';
import { awaitSocket } from './awaitSocket.ts';
import type { ClusterConnection, ClusterProxy } from './connection.ts';

const maxHeadBytes = 16 * 1024;
const statusLine = /^HTTP\/1\.[01] ([2-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const fieldLine = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*$/;

/** Has an HTTP proxy lead the socket on to a cluster (RFC 9110, 9.3.6), for clusters without TLS as well. */
export async function askHttpProxy(
  socket: Socket,
  { hostname, port }: ClusterConnection,
  { credentials }: ClusterProxy,
  signal: AbortSignal,
): Promise<void> {
  const authority = `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`;
  const basic =
    credentials && Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
  socket.write(
    [
      `CONNECT ${authority} HTTP/1.1`,
      `Host: ${authority}`,
      ...(basic === undefined ? [] : [`Proxy-Authorization: Basic ${basic}`]),
      '\r\n',
    ].join('\r\n'),
  );
  const { head, isAll } = await readHead(socket, signal);
  const status = readStatus(head);
  if (status === 407) throw new CodedError('proxy-auth-required');
  if (status >= 502 && status <= 504) throw new CodedError('proxy-target-unreachable');
  if (status >= 300)
    throw new CodedError(
      'proxy-refused',
      `The proxy refuses to lead to the API server, with status ${status}`,
    );
  // API servers never speak first: what came along is not the cluster's.
  if (!isAll) throw new CodedError('proxy-answer-invalid');
}

/** The lines of an answer, and whether they are all that came. */
function readHead(
  socket: Socket,
  signal: AbortSignal,
): Promise<{ readonly head: string; readonly isAll: boolean }> {
  let received = '';
  return awaitSocket(
    socket,
    'readable',
    () => {
      received += (socket.read() as Buffer | null)?.toString('latin1') ?? '';
      const end = received.indexOf('\r\n\r\n');
      if ((end === -1 ? received.length : end) > maxHeadBytes) throw new CodedError('proxy-answer-invalid');
      if (end === -1) return undefined;
      return { head: received.slice(0, end), isAll: received.length === end + 4 };
    },
    signal,
  );
}

function readStatus(head: string): number {
  const [first = '', ...fields] = head.split('\r\n');
  const status = statusLine.exec(first)?.[1];
  if (status === undefined || !fields.every((line) => fieldLine.test(line)))
    throw new CodedError('proxy-answer-invalid');
  return Number(status);
}
