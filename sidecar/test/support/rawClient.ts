import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { until } from './until.ts';

export interface RawClient {
  readonly socket: Socket;
  /** All bytes so far, one character a byte. */
  readonly received: string;
  /** `end` after a FIN, the code of an error after one, undefined while it is open. */
  readonly outcome: string | undefined;
  send(text: string | Buffer): void;
  /** What has been received, once it has this in it. */
  waitFor(text: string): Promise<string>;
  /** What has been received, once the other end is done. */
  waitForEnd(): Promise<string>;
}

/** A client of bytes: what a test writes is what is sent. Its own half stays open after the other's FIN. */
export async function openRawClient(port: number, scheme: 'http' | 'https' = 'http'): Promise<RawClient> {
  const where = { port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true };
  const socket: Socket =
    scheme === 'https' ? connectTls({ ...where, rejectUnauthorized: false }) : connect(where);
  let received = '';
  let outcome: string | undefined;
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  socket.on('end', () => (outcome ??= 'end'));
  socket.on('error', (error: NodeJS.ErrnoException) => (outcome = error.code ?? 'error'));
  socket.on('close', () => (outcome ??= 'closed'));
  await new Promise<void>((resolve, reject) => {
    socket.once(scheme === 'https' ? 'secureConnect' : 'connect', resolve);
    socket.once('error', reject);
  });
  return {
    socket,
    get received() {
      return received;
    },
    get outcome() {
      return outcome;
    },
    send: (text) => socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text),
    async waitFor(text) {
      await until(`client gets ${JSON.stringify(text)}`, () => {
        if (received.includes(text)) return true;
        if (outcome !== undefined) throw new Error(`${outcome} before ${text}, after ${received}`);
        return false;
      });
      return received;
    },
    async waitForEnd() {
      await until('the end', () => outcome !== undefined);
      return received;
    },
  };
}

export interface RawAnswer {
  readonly status: number;
  /** The lines of the head behind its first. */
  readonly headers: readonly string[];
  readonly body: string;
  readonly outcome: string | undefined;
}

export function parseAnswer(received: string, outcome?: string): RawAnswer {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd === -1) throw new Error(`no head: ${outcome ?? ''} ${received}`);
  const [line = '', ...headers] = received.slice(0, headEnd).split('\r\n');
  return { status: Number(line.split(' ')[1]), headers, body: received.slice(headEnd + 4), outcome };
}

/** Sends, and reads until the other end is done. */
export async function exchangeRaw(port: number, text: string, scheme?: 'http' | 'https'): Promise<RawAnswer> {
  const client = await openRawClient(port, scheme);
  client.send(text);
  const received = await client.waitForEnd();
  client.socket.destroy();
  return parseAnswer(received, client.outcome);
}

/** What a body in chunks holds, and its trailers. */
export function decodeChunks(body: string): { readonly data: string; readonly trailers: readonly string[] } {
  let data = '';
  for (let at = 0; ;) {
    const lineEnd = body.indexOf('\r\n', at);
    const size = parseInt(body.slice(at, lineEnd), 16);
    if (lineEnd === -1 || !(size >= 0)) throw new Error(`no chunk at ${at} of ${body.length}`);
    at = lineEnd + 2;
    if (size === 0)
      return {
        data,
        trailers: body
          .slice(at)
          .split('\r\n')
          .filter((line) => line !== ''),
      };
    data += body.slice(at, at + size);
    if (body.slice(at + size, at + size + 2) !== '\r\n') throw new Error(`no end of the chunk at ${at}`);
    at += size + 2;
  }
}
