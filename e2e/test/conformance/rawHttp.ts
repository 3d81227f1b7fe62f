import { connect, type TLSSocket } from 'node:tls';

/** One request, as it is written to the wire. */
export interface RawRequest {
  readonly method: string;
  /** Path and query, sent as they are. */
  readonly target: string;
  readonly headers: readonly HeaderLine[];
  readonly body?: Buffer | undefined;
  /** The body goes in chunks of this many bytes, and no length is told. */
  readonly chunkBytes?: number | undefined;
  /** The body waits until the server asks for it. */
  readonly expectContinue?: boolean | undefined;
}

export type HeaderLine = readonly [name: string, value: string];

/** How the end of a body is told. */
export type Framing = 'length' | 'chunked' | 'until close' | 'none';

export interface RawAnswer {
  readonly status: number;
  /** In their order and spelling. */
  readonly headers: readonly HeaderLine[];
  readonly framing: Framing;
  /** Without the chunks' own bytes. */
  readonly body: Buffer;
  readonly trailers: readonly HeaderLine[];
}

export interface Server {
  readonly port: number;
  /** PEM. */
  readonly ca: string;
}

export interface ExchangeOptions {
  /** Called once, when the head of the answer is there. */
  readonly onHead?: (() => void) | undefined;
  /** Ends the exchange as soon as the body so far satisfies it: for an answer that does not end by itself. */
  readonly isEnough?: ((body: Buffer) => boolean) | undefined;
}

const deadlineMs = 25_000;

/** Sends a request on a connection of its own and reads its answer, byte for byte, by no HTTP library's leave. */
export async function exchange(
  server: Server,
  request: RawRequest,
  { onHead, isEnough }: ExchangeOptions = {},
): Promise<RawAnswer> {
  const reader = await open(server);
  try {
    const line = `${request.method} ${request.target} HTTP/1.1`;
    reader.socket.write(
      [line, ...buildHeaders(server, request).map((each) => each.join(': ')), '', ''].join('\r\n'),
    );
    let head = request.expectContinue ? await readHead(reader) : undefined;
    // One that refuses says so instead of asking for the body.
    if (head === undefined || head.status === 100) {
      writeBody(reader.socket, request);
      head = await readHead(reader);
    }
    onHead?.();
    return await readAnswer(reader, head, request.method, isEnough);
  } finally {
    reader.socket.destroy();
  }
}

export interface Upgraded {
  readonly status: number;
  readonly headers: readonly HeaderLine[];
  readonly reader: WireReader;
  readonly socket: TLSSocket;
}

/** Sends a request for an upgrade; what follows its 101 is the caller's. */
export async function upgrade(server: Server, request: RawRequest): Promise<Upgraded> {
  const reader = await open(server);
  const line = `${request.method} ${request.target} HTTP/1.1`;
  reader.socket.write(
    [line, ...buildHeaders(server, request).map((each) => each.join(': ')), '', ''].join('\r\n'),
  );
  const { status, headers } = await readHead(reader);
  return { status, headers, reader, socket: reader.socket };
}

/** The bytes of a connection, in their order. */
export interface WireReader {
  readonly socket: TLSSocket;
  /** So many bytes; fewer, and then none, once the other end is done. */
  read(count: number): Promise<Buffer>;
  /** Up to this text and with it. */
  readThrough(text: string): Promise<string>;
  /** Whatever is there; nothing at all once the other end is done. */
  readSome(): Promise<Buffer>;
}

async function open({ port, ca }: Server): Promise<WireReader> {
  const socket = connect({ host: '127.0.0.1', port, ca, ALPNProtocols: ['http/1.1'] });
  let buffered = Buffer.alloc(0);
  let isDone = false;
  let failure: Error | undefined;
  let wake: () => void = () => undefined;
  const timer = setTimeout(
    () => socket.destroy(new Error(`no whole answer in ${deadlineMs} ms, after ${buffered.toString()}`)),
    deadlineMs,
  );
  socket.on('data', (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk]);
    wake();
  });
  socket.on('error', (error: Error) => (failure = error));
  for (const event of ['end', 'close', 'error'])
    socket.on(event, () => {
      isDone = true;
      wake();
    });
  socket.on('close', () => clearTimeout(timer));
  const waitUntil = async (isThere: () => boolean): Promise<void> => {
    while (!isThere() && !isDone) await new Promise<void>((resolve) => (wake = resolve));
    if (!isThere() && failure) throw failure;
  };
  const take = (count: number): Buffer => {
    const taken = buffered.subarray(0, count);
    buffered = buffered.subarray(count);
    return taken;
  };
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  return {
    socket,
    async read(count) {
      await waitUntil(() => buffered.length >= count);
      return take(count);
    },
    async readThrough(text) {
      await waitUntil(() => buffered.includes(text));
      const at = buffered.indexOf(text);
      if (at === -1) throw new Error(`the end before ${JSON.stringify(text)}, after ${buffered.toString()}`);
      return take(at + text.length).toString('latin1');
    },
    async readSome() {
      await waitUntil(() => buffered.length > 0);
      return take(buffered.length);
    },
  };
}

function buildHeaders({ port }: Server, request: RawRequest): readonly HeaderLine[] {
  const { body, chunkBytes, expectContinue } = request;
  return [
    ['Host', `127.0.0.1:${port}`],
    ...request.headers,
    ...(expectContinue ? [['Expect', '100-continue'] as const] : []),
    ...(body === undefined
      ? []
      : [
          chunkBytes === undefined
            ? (['Content-Length', String(body.length)] as const)
            : (['Transfer-Encoding', 'chunked'] as const),
        ]),
  ];
}

function writeBody(socket: TLSSocket, { body, chunkBytes }: RawRequest): void {
  if (body === undefined) return;
  if (chunkBytes === undefined) {
    socket.write(body);
    return;
  }
  for (let at = 0; at < body.length; at += chunkBytes) {
    const chunk = body.subarray(at, at + chunkBytes);
    socket.write(
      Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]),
    );
  }
  socket.write('0\r\n\r\n');
}

interface Head {
  readonly status: number;
  readonly headers: readonly HeaderLine[];
}

async function readHead(reader: WireReader): Promise<Head> {
  const [statusLine = '', ...lines] = (await reader.readThrough('\r\n\r\n')).trimEnd().split('\r\n');
  const status = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(statusLine)?.[1];
  if (status === undefined) throw new Error(`no status line: ${statusLine}`);
  return { status: Number(status), headers: lines.map(readHeaderLine) };
}

function readHeaderLine(line: string): HeaderLine {
  const colonAt = line.indexOf(': ');
  // An empty value may lack its space.
  if (colonAt === -1) return [line.replace(/:$/, ''), ''];
  return [line.slice(0, colonAt), line.slice(colonAt + 2)];
}

async function readAnswer(
  reader: WireReader,
  { status, headers }: Head,
  method: string,
  isEnough: (body: Buffer) => boolean = () => false,
): Promise<RawAnswer> {
  const valueOf = (name: string): string | undefined =>
    headers.find(([each]) => each.toLowerCase() === name)?.[1];
  const length = valueOf('content-length');
  const hasNoBody = method === 'HEAD' || status === 204 || status === 304;
  const answer = { status, headers, trailers: [] };
  if (hasNoBody) return { ...answer, framing: 'none', body: await readNothing(reader) };
  if (length !== undefined)
    return { ...answer, framing: 'length', body: await readWhole(reader, Number(length)) };
  const parts: Buffer[] = [];
  if (valueOf('transfer-encoding') !== 'chunked') {
    for (;;) {
      const part = await reader.readSome();
      parts.push(part);
      if (part.length === 0 || isEnough(Buffer.concat(parts)))
        return { ...answer, framing: 'until close', body: Buffer.concat(parts) };
    }
  }
  for (;;) {
    const size = parseInt(await reader.readThrough('\r\n'), 16);
    if (size === 0) break;
    parts.push(await readWhole(reader, size));
    await readWhole(reader, 2);
    if (isEnough(Buffer.concat(parts))) return { ...answer, framing: 'chunked', body: Buffer.concat(parts) };
  }
  const trailers: HeaderLine[] = [];
  for (;;) {
    const line = (await reader.readThrough('\r\n')).trimEnd();
    if (line === '') return { ...answer, framing: 'chunked', body: Buffer.concat(parts), trailers };
    trailers.push(readHeaderLine(line));
  }
}

async function readWhole(reader: WireReader, count: number): Promise<Buffer> {
  const bytes = await reader.read(count);
  if (bytes.length < count) throw new Error(`the end after ${bytes.length} of ${count} bytes`);
  return bytes;
}

/** What comes though nothing may: it would be the beginning of the next answer to whoever reads on. */
async function readNothing(reader: WireReader): Promise<Buffer> {
  return Promise.race([
    reader.readSome(),
    new Promise<Buffer>((resolve) => setTimeout(() => resolve(Buffer.alloc(0)), 100)),
  ]);
}
