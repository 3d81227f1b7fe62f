import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  createGzip,
  gunzipSync,
  gzipSync,
} from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  decodeChunks,
  exchangeRaw,
  openRawClient,
  parseAnswer,
  type RawAnswer,
} from '../support/rawClient.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';
import { until } from '../support/until.ts';

let upstream: RecordingUpstream;
let proxy: Proxy;

beforeEach(async () => {
  upstream = await startRecordingUpstream();
  proxy = await startProxy({ clusters: { a: clusterAt(upstream) } });
});

afterEach(async () => {
  await proxy.close();
  await upstream.close();
});

const list = JSON.stringify({
  kind: 'PodList',
  items: Array.from({ length: 5_000 }, (_, index) => ({
    metadata: { name: `pod-${index}`, uid: `${index * 7919}` },
  })),
});
const gzipped = gzipSync(list);

const ask = (method: string, headers: readonly string[] = [], rest = '/api/v1/pods') =>
  exchangeRaw(proxy.port, proxy.request(`${method} ${proxy.pathOf('a')}${rest}`, headers));

const valueOf = ({ headers }: Pick<RawAnswer, 'headers'>, name: string): string | undefined =>
  headers
    .find((line) => line.toLowerCase().startsWith(`${name}:`))
    ?.slice(name.length + 1)
    .trim();

const withBody = (body: Buffer, headers: string): Buffer =>
  Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${headers}Content-Length: ${body.length}\r\n\r\n`), body]);
const inChunks = (body: Buffer, size: number): Buffer =>
  Buffer.concat(
    Array.from({ length: Math.ceil(body.length / size) }, (_, index) => {
      const chunk = body.subarray(index * size, (index + 1) * size);
      return Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]);
    }),
  );
const bytesOf = (body: string): Buffer => Buffer.from(body, 'latin1');

it.each([
  ['gzip', gzipped, gunzipSync],
  ['br', brotliCompressSync(list, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }), brotliDecompressSync],
] as const)(
  '[S07, PX-20] a list in %s: its bytes, its length and its encoding agree',
  async (encoding, body, decode) => {
    upstream.answers.push(withBody(body, `Content-Encoding: ${encoding}\r\nVary: Accept-Encoding\r\n`));
    const answer = await ask('GET', [`Accept-Encoding: ${encoding}`]);
    expect(upstream.heads[0]).toMatch(new RegExp(`\r\nAccept-Encoding: ${encoding}\r\n`));
    expect(valueOf(answer, 'content-encoding')).toBe(encoding);
    expect(valueOf(answer, 'content-length')).toBe(String(body.length));
    expect(valueOf(answer, 'transfer-encoding')).toBeUndefined();
    expect(bytesOf(answer.body).equals(body)).toBe(true);
    expect(decode(bytesOf(answer.body)).toString()).toBe(list);
  },
);

it('[S07, PX-20] without Accept-Encoding none is asked for, and plain bytes come as they are', async () => {
  upstream.answers.push(withBody(Buffer.from(list), 'Content-Type: application/json\r\n'));
  const answer = await ask('GET');
  expect(upstream.heads[0]).not.toMatch(/accept-encoding/i);
  expect(valueOf(answer, 'content-encoding')).toBeUndefined();
  expect(valueOf(answer, 'content-length')).toBe(String(list.length));
  expect(answer.body).toBe(list);
});

it('[S07, PX-24] HEAD keeps length and encoding, and has no body', async () => {
  upstream.answers.push(
    `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${gzipped.length}\r\n\r\n`,
  );
  const answer = await ask('HEAD', ['Accept-Encoding: gzip']);
  expect(valueOf(answer, 'content-encoding')).toBe('gzip');
  expect(valueOf(answer, 'content-length')).toBe(String(gzipped.length));
  expect([answer.body, answer.outcome]).toEqual(['', 'end']);
});

it('[S07, PX-24] a 304 has its ETag and no body', async () => {
  upstream.answers.push('HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Encoding: gzip\r\n\r\n');
  const answer = await ask('GET', ['Accept-Encoding: gzip', 'If-None-Match: "1"']);
  expect([answer.status, valueOf(answer, 'etag'), answer.body, answer.outcome]).toEqual([
    304,
    '"1"',
    '',
    'end',
  ]);
});

it('[S07, PX-20, PX-24] in chunks with trailers: the same bytes, then the trailers', async () => {
  upstream.answers.push(
    Buffer.concat([
      Buffer.from(
        'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n',
      ),
      inChunks(gzipped, 1_000),
      Buffer.from('0\r\nX-Sum: 42\r\n\r\n'),
    ]),
  );
  const answer = await ask('GET', ['Accept-Encoding: gzip']);
  const { data, trailers } = decodeChunks(answer.body);
  expect(valueOf(answer, 'content-encoding')).toBe('gzip');
  expect(valueOf(answer, 'content-length')).toBeUndefined();
  expect(gunzipSync(bytesOf(data)).toString()).toBe(list);
  expect(trailers.map((line) => line.toLowerCase())).toEqual(['x-sum: 42']);
});

it('[S07, PX-20] bytes that are no gzip at all pass, too: nobody looks at them', async () => {
  upstream.answers.push(withBody(Buffer.from('no gzip'), 'Content-Encoding: gzip\r\n'));
  expect((await ask('GET', ['Accept-Encoding: gzip'])).body).toBe('no gzip');
});

it('[S07, PX-42] a bomb is not unpacked here', async () => {
  const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024), { level: 9 });
  const { rss } = process.memoryUsage();
  upstream.answers.push(withBody(bomb, 'Content-Encoding: gzip\r\n'));
  const answer = await ask('GET', ['Accept-Encoding: gzip']);
  expect(bytesOf(answer.body).equals(bomb)).toBe(true);
  expect(process.memoryUsage().rss - rss).toBeLessThan(100 * 1024 * 1024);
});

it('[S07, PX-21] events of a watch in gzip are not held back', async () => {
  const client = await openRawClient(proxy.port);
  client.send(proxy.request(`GET ${proxy.pathOf('a')}/api/v1/pods?watch=1`, ['Accept-Encoding: gzip']));
  const connection = await upstream.connection(0);
  await connection.waitFor('\r\n\r\n');
  connection.send('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n');
  await client.waitFor('\r\n\r\n');
  const gzip = createGzip();
  gzip.on('data', (chunk: Buffer) => {
    connection.send(
      Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]),
    );
  });
  const received = (): string => {
    const { body } = parseAnswer(client.received);
    // As much of it as there is; without its end no gzip is whole.
    const compressed = decodeChunks(`${body}0\r\n\r\n`).data;
    return compressed === ''
      ? ''
      : gunzipSync(bytesOf(compressed), { finishFlush: constants.Z_SYNC_FLUSH }).toString();
  };
  let sent = '';
  for (const event of ['first\n', 'second\n', 'third\n']) {
    sent += event;
    gzip.write(event);
    gzip.flush(constants.Z_SYNC_FLUSH);
    // Before anything of the next one is there to push it out.
    await until(event, () => received() === sent);
  }
  client.socket.destroy();
});
