import fc from 'fast-check';
import { type AddressInfo, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readFuzzParameters } from '../support/fuzzParameters.ts';
import { decodeChunks, openRawClient, parseAnswer } from '../support/rawClient.ts';
import { answerWith } from '../support/recordingUpstream.ts';
import { createSelfSignedPair } from '../support/selfSignedPair.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';

/** Answers of chance from one cluster: what its own client gets of them, and that nobody else gets anything. */
let proxy: Proxy;
const toClose: (() => unknown)[] = [];
let hostile: FuzzedAnswer | undefined;

/** Answers `/own/<number>` with that number, and anything else with what is set. */
async function startCluster(name: string): Promise<{ readonly port: number; readonly certificate: string }> {
  const pair = createSelfSignedPair('kube-apiserver', { addresses: ['127.0.0.1'] });
  // What comes by itself behind an answer would else be held back until the next request: no client of HTTP/1.1 can tell
  // it from that one's answer then.
  const server = createServer({ cert: pair.certificate, key: pair.key, noDelay: true }, (socket) => {
    toClose.push(() => socket.destroy());
    socket.on('error', () => undefined);
    let received = '';
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      for (let end = received.indexOf('\r\n\r\n'); end !== -1; end = received.indexOf('\r\n\r\n')) {
        const number = /^GET \/own\/(\d+) /.exec(received)?.[1];
        received = received.slice(end + 4);
        if (number === undefined) void answerHostile(socket);
        else socket.write(answerWith(`${name} ${number}`));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  toClose.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, certificate: pair.certificate };
}

async function answerHostile(socket: Socket): Promise<void> {
  if (!hostile) return;
  const { text, end } = write(hostile);
  const cut = hostile.cut % (text.length + 1);
  socket.write(Buffer.from(text.slice(0, cut), 'latin1'));
  await new Promise((resolve) => setImmediate(resolve));
  socket.write(Buffer.from(text.slice(cut), 'latin1'));
  // What is whole is followed by the next request on the same connection, if the sidecar keeps it.
  if (end === 'stays') return;
  await new Promise((resolve) => setTimeout(resolve, 2));
  if (end === 'resets') socket.destroy();
  else socket.end();
}

beforeAll(async () => {
  proxy = await startProxy({
    clusters: { a: clusterAt(await startCluster('a')), b: clusterAt(await startCluster('b')) },
    limits: { responseHeadersTimeoutMs: 2_000 },
  });
});

afterAll(async () => {
  await proxy.close();
  for (const each of toClose.reverse()) each();
});

const foreign = 'of-another-answer';
const secret = 'not-for-browsers';
const body = 'the body';
const glued = fc.constantFrom(
  '',
  '',
  answerWith(foreign),
  foreign,
  `\r\n\r\n${answerWith(foreign)}`,
  `HTTP/1.1 200 OK\r\nX: ${foreign}`,
);
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

/** Whole ones say where they end, so that nothing behind them is of the same answer. */
const framings: Readonly<Record<string, readonly [headers: string, body: string, isWhole: boolean]>> = {
  length: [`Content-Length: ${body.length}\r\n`, body, true],
  'no body': ['Content-Length: 0\r\n', '', true],
  chunks: ['Transfer-Encoding: chunked\r\n', `${chunk(body)}0\r\n\r\n`, true],
  'chunks with more': [
    'transfer-encoding: Chunked\r\n',
    `3;a=b\r\nthe\r\n5;c\r\n body\r\n0\r\nX-T: t\r\n\r\n`,
    true,
  ],
  close: ['', body, false],
  'too long': [`Content-Length: ${body.length + 100}\r\n`, body, false],
  'chunks without an end': ['Transfer-Encoding: chunked\r\n', chunk(body), false],
  both: [
    `Content-Length: ${body.length}\r\nTransfer-Encoding: chunked\r\n`,
    `${chunk(body)}0\r\n\r\n`,
    false,
  ],
  'two lengths': ['Content-Length: 2\r\nContent-Length: 3\r\n', body, false],
  'a bad chunk': ['Transfer-Encoding: chunked\r\n', `0x8\r\n${body}\r\n0\r\n\r\n`, false],
  'no end of a chunk': ['Transfer-Encoding: chunked\r\n', `8\r\n${body}0\r\n\r\n`, false],
};
const line = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.constantFrom('HTTP/1.1 200 OK', 'HTTP/1.1 404 Not Found', 'HTTP/1.1 500 ', 'HTTP/1.1 299'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('HTTP/1.1 204 No Content', 'HTTP/1.1 304 Not Modified', 'HTTP/1.0 200 OK'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('HTTP/1.1 302 Found', 'HTTP/1.1 401 Unauthorized', 'HTTP/1.1 403 Forbidden'),
  },
  fc.constantFrom('HTTP/1.1 101 Switching Protocols', 'HTTP/1.1 100 Continue', 'HTTP/1.1 103 Early Hints'),
  fc.constantFrom(
    'HTTP/1.1 1000 OK',
    'HTTP/1.1 99',
    'HTTP/3.0 200 OK',
    'nonsense',
    '',
    'HTTP/1.1  200 OK',
    'HTTP/1.1 200 \x01\xff',
  ),
);
/** What a cluster may not tell a browser (PX-15). */
const droppedNames = [
  'Set-Cookie',
  'Clear-Site-Data',
  'Service-Worker-Allowed',
  'Alt-Svc',
  'Strict-Transport-Security',
  'X-Reload',
  'WWW-Authenticate',
  'Refresh',
  'Link',
  'NEL',
  'Report-To',
  'Reporting-Endpoints',
  'SourceMap',
  'Set-Login',
  'Access-Control-Allow-Origin',
  'Access-Control-Allow-Credentials',
  'X-Cluster-Inventory-Error',
  'Keep-Alive',
  'Proxy-Authenticate',
  'Content-Security-Policy',
] as const;
const cased = (text: string): fc.Arbitrary<string> =>
  fc.mixedCase(fc.constant(text), {
    toggleCase: (letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()),
  });
const header = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom(...droppedNames).chain(cased), fc.constant(secret))
      .map((pair) => pair.join(': ')),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'X-A: b',
      'ETag: "\xe9"',
      'Content-Type: text/html',
      'X-Empty:',
      'Connection: close',
      'Connection: X-B',
      'X-B: c',
      'Cache-Control: public',
    ),
  },
  fc.constantFrom(
    'Location: https://evil.example/',
    'Location: /x',
    'Location: ../../../x',
    'Content-Encoding: gzip',
  ),
  fc.constantFrom(
    'X : y',
    ' folded',
    'X: a\nSet-Cookie: b',
    'X: a\rSet-Cookie: b',
    'nothing',
    ': x',
    'X: \0',
    `X: ${'y'.repeat(70_000)}`,
  ),
);
const answer = fc.record({
  interim: fc.constantFrom(
    '',
    '',
    '',
    'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\n',
  ),
  line,
  headers: fc.array(header, { maxLength: 4 }),
  framing: fc.constantFrom(...Object.keys(framings)),
  glued,
  cut: fc.nat({ max: 1_000 }),
  ending: fc.constantFrom('ends', 'resets', 'stays'),
});
type FuzzedAnswer = typeof answer extends fc.Arbitrary<infer Value> ? Value : never;

function write(fuzzed: FuzzedAnswer): { readonly text: string; readonly end: string } {
  const [framingLines, framed, isFramed] = framings[fuzzed.framing] ?? ['', '', true];
  // What follows a hint is the answer, and asked for.
  const isWhole = isFramed && !fuzzed.line.includes(' 103 ');
  const lines = fuzzed.headers.map((each) => `${each}\r\n`).join('');
  return {
    text: `${fuzzed.interim}${fuzzed.line}\r\n${lines}${framingLines}\r\n${framed}${isWhole ? fuzzed.glued : ''}`,
    // Else it is waited for, as it has to be.
    end: isWhole || fuzzed.ending !== 'stays' ? fuzzed.ending : 'ends',
  };
}

const never = new RegExp(`^(${droppedNames.join('|')}):`, 'i');

/** @returns what came, in words */
function judge(received: string, outcome: string | undefined): string {
  expect(received, 'nothing of an answer that nobody asked for').not.toContain(foreign);
  if (!received.includes('\r\n\r\n')) {
    expect([received, outcome]).toEqual(['', 'ECONNRESET']);
    return 'reset';
  }
  const { status, headers, body: got } = parseAnswer(received, outcome);
  const isOwn = headers.some((each) => /^X-Cluster-Inventory-Error: [a-z-]+$/.test(each));
  if (isOwn) {
    expect([400, 404, 502, 504]).toContain(status);
    expect(JSON.parse(got)).toMatchObject({ kind: 'Status', code: status });
    expect(received).not.toContain(secret);
    return `own ${status}`;
  }
  const policies = headers.filter((each) => /^content-security-policy:/i.test(each));
  expect(policies).toEqual(["Content-Security-Policy: default-src 'none'; sandbox"]);
  expect(
    headers.filter((each) => never.test(each) && !policies.includes(each)),
    'never a dropped header',
  ).toEqual([]);
  expect(received).not.toContain(secret);
  expect(received).not.toContain('evil.example');
  expect(status).toBeGreaterThanOrEqual(200);
  if (outcome !== 'end') return 'cut';
  const isChunked = headers.some((each) => /^transfer-encoding: chunked$/i.test(each));
  const data = isChunked ? decodeChunks(got).data : got;
  expect(['', body]).toContain(data);
  const length = headers.find((each) => /^content-length:/i.test(each))?.slice(16);
  if (length !== undefined && status !== 304 && status !== 204) expect(data).toHaveLength(Number(length));
  return `whole ${status}`;
}

it('[PX-15, PX-16, PX-23, PX-42, TH-13, TH-45, TH-48] any answer is one, or an error, and nobody else’s', async () => {
  const parameters = readFuzzParameters('answers', 600);
  const outcomes = new Map<string, number>();
  let number = 0;
  await fc.assert(
    fc.asyncProperty(answer, async (fuzzed) => {
      hostile = fuzzed;
      const ask = async (name: 'a' | 'b', path: string) => {
        const { body: got, ...rest } = await exchangeOrReset(
          proxy.request(`GET ${proxy.pathOf(name)}${path}`),
        );
        return { ...rest, body: got };
      };
      number++;
      const { received, outcome } = await ask('a', '/hostile');
      const what = judge(received, outcome);
      outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
      const [next, other] = await Promise.all([ask('a', `/own/${number}`), ask('b', `/own/${number}`)]);
      expect(next.body, 'the next one').toBe(`a ${number}`);
      expect(other.body, 'the other cluster').toBe(`b ${number}`);
    }),
    parameters,
  );
  process.stdout.write(`${JSON.stringify(Object.fromEntries([...outcomes].sort()))}\n`);
  if (parameters.path === undefined && parameters.numRuns >= 500)
    for (const wanted of ['whole 200', 'cut', 'own 502'])
      expect(outcomes.get(wanted) ?? 0, wanted).toBeGreaterThan(0);
}, 300_000);

async function exchangeOrReset(
  text: string,
): Promise<{ readonly received: string; readonly body: string; readonly outcome: string | undefined }> {
  const client = await openRawClient(proxy.port);
  client.send(text);
  const received = await client.waitForEnd();
  client.socket.destroy();
  const { outcome } = client;
  const got = received.includes('\r\n\r\n') ? parseAnswer(received, outcome).body : '';
  return { received, body: got, outcome };
}
