import { createHash } from 'node:crypto';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:tls';
import { answerParent } from '../childProcess.ts';
import { paceEach } from '../pace.ts';

/**
 * A cluster's API server that costs next to nothing: TLS, keep-alive, and 2 KB of JSON to every GET. With `?bytes=N` so
 * many bytes, with `&stalled=true` only the first of them; with `?watch=true` a stream that stays open; `/exec?` is
 * a WebSocket that answers each small frame by one.
 */
export interface UpstreamQuestions {
  start: [{ readonly certificate: string; readonly key: string }, { readonly port: number }];
  /** An event into each open watch, one after the other; how many there were. */
  emit: [{ readonly everyMs: number }, number];
  countWatches: [null, number];
}

const bodyBytes = 2048;
const stalledBytes = 32 * 1024;
const filler = Buffer.alloc(256 * 1024, 'x');
const watches = new Set<Socket>();

function buildHeaders(length: string): string {
  return (
    `HTTP/1.1 200 OK\r\nAudit-Id: 00000000-0000-0000-0000-000000000000\r\nCache-Control: no-cache, private\r\n` +
    `Content-Type: application/json\r\nDate: ${new Date().toUTCString()}\r\n${length}\r\n\r\n`
  );
}

function buildAnswer(): Buffer {
  const frame = JSON.stringify({ kind: 'ConfigMap', apiVersion: 'v1', data: { text: '' } });
  const body = frame.replace('""', JSON.stringify('x'.repeat(bodyBytes - frame.length)));
  return Buffer.from(`${buildHeaders(`Content-Length: ${Buffer.byteLength(body)}`)}${body}`);
}

/** `at` is on the system's monotonic clock, which all processes share. */
function buildEvent(type: string): string {
  const object = {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: 'settings', labels: { app: 'shop' } },
  };
  const line = `${JSON.stringify({ type, at: String(process.hrtime.bigint()), object })}\n`;
  return `${line.length.toString(16)}\r\n${line}\r\n`;
}

function startWatch(socket: Socket): void {
  socket.write(`${buildHeaders('Transfer-Encoding: chunked')}${buildEvent('ADDED')}`);
  watches.add(socket);
  socket.once('close', () => watches.delete(socket));
}

/** As fast as they are taken, never more than one piece ahead of it. */
function sendBytes(socket: Socket, count: number): void {
  socket.write(buildHeaders(`Content-Length: ${count}`));
  let left = count;
  const sendSome = (): void => {
    let isTaken = true;
    while (left > 0 && isTaken) {
      const piece = left < filler.length ? filler.subarray(0, left) : filler;
      left -= piece.length;
      isTaken = socket.write(piece);
    }
    if (left > 0) socket.once('drain', sendSome);
  };
  sendSome();
}

const smallFrame = Buffer.concat([Buffer.from([0x82, 8]), Buffer.alloc(8, 'e')]);
/** A header of two bytes, a mask, and as much as we send. */
const maskedBytes = smallFrame.length + 4;

function upgrade(socket: Socket, head: string): void {
  const header = (name: string): string => new RegExp(`\r\n${name}: *([^\r]*)`, 'i').exec(head)?.[1] ?? '';
  const accept = createHash('sha1')
    .update(`${header('sec-websocket-key')}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n` +
      `Sec-WebSocket-Protocol: ${header('sec-websocket-protocol')}\r\n\r\n`,
  );
  let received = 0;
  socket.on('data', (chunk: Buffer) => {
    for (received += chunk.length; received >= maskedBytes; received -= maskedBytes) socket.write(smallFrame);
  });
}

function serve(socket: Socket, answer: Buffer): void {
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  let rest = '';
  const read = (chunk: Buffer): void => {
    rest += chunk.toString('latin1');
    for (let end = rest.indexOf('\r\n\r\n'); end !== -1; end = rest.indexOf('\r\n\r\n')) {
      const head = rest.slice(0, end + 4);
      rest = rest.slice(end + 4);
      const line = head.slice(0, head.indexOf('\r'));
      if (!line.includes('?')) socket.write(answer);
      else if (line.includes('watch=true')) startWatch(socket);
      else if (line.includes('/exec?')) {
        socket.off('data', read);
        upgrade(socket, head);
      } else {
        const count = Number(/bytes=(\d+)/.exec(line)?.[1]);
        if (line.includes('stalled=true'))
          socket.write(`${buildHeaders(`Content-Length: ${count}`)}${'x'.repeat(stalledBytes)}`);
        else sendBytes(socket, count);
      }
    }
  };
  socket.on('data', read);
}

answerParent<UpstreamQuestions>({
  start: ({ certificate, key }) =>
    new Promise((resolve) => {
      const answer = buildAnswer();
      const options = { cert: certificate, key, ALPNProtocols: ['http/1.1'] };
      const server = createServer(options, (socket) => serve(socket, answer));
      server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () =>
        resolve({ port: (server.address() as AddressInfo).port }),
      );
    }),
  emit: ({ everyMs }) => paceEach([...watches], everyMs, (socket) => socket.write(buildEvent('MODIFIED'))),
  countWatches: () => watches.size,
});
