import { connect } from 'node:net';

export interface RawAnswer {
  status: number;
  /** Names in lower case; repeated headers in order. */
  headers: Map<string, string[]>;
  body: string;
}

/** Sends one request exactly as written, over a socket of its own, and reads until the server closes. */
export function sendRaw(port: number, requestLine: string, headers: Record<string, string> = {}, body = '') {
  const all = { Host: `127.0.0.1:${port}`, Connection: 'close', ...headers };
  const lengthLine = body === '' ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return new Promise<RawAnswer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`${requestLine} HTTP/1.1\r\n${head.join('')}${lengthLine}\r\n${body}`);
    });
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(parseAnswer(Buffer.concat(chunks).toString('latin1'))));
  });
}

function parseAnswer(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^:]+): ?(.*)$/.exec(line) ?? [];
    headers.set(name.toLowerCase(), [...(headers.get(name.toLowerCase()) ?? []), value]);
  }
  return { status: Number(statusLine.split(' ')[1]), headers, body: text.slice(end + 4) };
}
