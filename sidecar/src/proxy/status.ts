import type { ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { type CodedError, errorDefinition } from '../foundation/errors.ts';

/** Tells an error of the sidecar from an answer of the cluster (PX-40). */
export const errorHeader = 'X-Cluster-Inventory-Error';

/** A `metav1.Status` for an error: its code and its message, no address, file name or stack. */
export function buildStatus(error: CodedError): { readonly httpStatus: number; readonly body: string } {
  const { status, reason } = errorDefinition(error.code);
  const body = JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: error.message,
    reason,
    details: { causes: [{ reason: error.code, message: error.message }] },
    code: status,
  });
  return { httpStatus: status, body: `${body}\n` };
}

function buildHeaders(error: CodedError, body: string): [string, string][] {
  const { retryAfterSeconds } = errorDefinition(error.code);
  return [
    ...(retryAfterSeconds === undefined
      ? []
      : ([['Retry-After', String(retryAfterSeconds)]] as [string, string][])),
    ['Content-Type', 'application/json'],
    ['Content-Length', String(Buffer.byteLength(body))],
    ['Cache-Control', 'no-store'],
    ['X-Content-Type-Options', 'nosniff'],
    [errorHeader, error.code],
  ];
}

/** For a response that has not begun; ends the connection where the request's body was not read. */
export function writeStatus(response: ServerResponse, error: CodedError): void {
  const { httpStatus, body } = buildStatus(error);
  const { req: request } = response;
  const headers = buildHeaders(error, body);
  const hasUnreadBody =
    !request.complete &&
    (request.headers['transfer-encoding'] !== undefined ||
      Number(request.headers['content-length'] ?? 0) > 0);
  if (hasUnreadBody) headers.push(['Connection', 'close']);
  response.writeHead(httpStatus, headers.flat());
  response.end(body);
}

/** For a response that has begun: a reset, which no client takes for its end (PX-23). */
export function breakOff(response: ServerResponse): void {
  // One that waits behind another has no socket yet. What it has begun to say would never end there, so that both end.
  resetSocket(response.req.socket);
}

/**
 * Ends a connection so that nobody takes it for the end of an answer. Under TLS Node resets none; there it ends without
 * the notice that makes an end a clean one. One that is being ended the system does not reset, and Node would keep its
 * descriptor for ever.
 */
export function resetSocket(socket: Duplex): void {
  // What still happens to it is nobody's.
  socket.on('error', () => undefined);
  const isEnding = socket.writableEnded && !socket.writableFinished;
  if (socket instanceof Socket && !(socket instanceof TLSSocket) && !isEnding) socket.resetAndDestroy();
  else socket.destroy();
}

/** A whole answer, after which the connection ends. */
export function formatLastAnswer(error: CodedError): string {
  const { httpStatus, body } = buildStatus(error);
  const headers = buildHeaders(error, body).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${httpStatus} ${STATUS_CODES[httpStatus] ?? ''}\r\n${headers.join('')}Connection: close\r\n\r\n${body}`;
}

/** For an upgrade before its 101: a real answer, and the end of the connection (PX-36). */
export function writeStatusToSocket(socket: Socket, error: CodedError): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(formatLastAnswer(error));
  // What the client still sends is nobody's (PX-33), nor are its errors; it may not keep the socket open either.
  socket.on('error', () => undefined);
  socket.resume();
  socket.once('finish', () => socket.destroySoon());
}
