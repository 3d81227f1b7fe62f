import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exchangeRaw, openRawClient, type RawClient } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { type SidecarProcess, startSidecarProcess } from '../support/sidecarProcess.ts';
import { clusterAt } from '../support/startProxy.ts';
import { until } from '../support/until.ts';

/** Clients that send too much, too slowly or nothing: what the sidecar holds for them is bounded (TH-44). */
let upstream: RecordingUpstream;
let sidecar: SidecarProcess;
let clients: RawClient[] = [];

const mebibyte = 1024 * 1024;

beforeEach(async () => {
  upstream = await startRecordingUpstream();
  sidecar = await startSidecarProcess({ clusters: { a: clusterAt(upstream) } });
  upstream.answers.push(answerWith('ok'));
  expect(await ask()).toBe(200);
});

afterEach(async () => {
  for (const { socket } of clients) socket.destroy();
  clients = [];
  expect(sidecar.ended).toBeUndefined();
  expect(sidecar.log).not.toMatch(/uncaught|unhandled|internal-error/i);
  await sidecar.close();
  await upstream.close();
});

const head = (method = 'GET', headers: readonly string[] = []): string =>
  [`${method} ${sidecar.pathOf('a')}/x HTTP/1.1`, `Host: 127.0.0.1:${sidecar.port}`, ...headers, ''].join(
    '\r\n',
  );

async function ask(): Promise<number> {
  return (await exchangeRaw(sidecar.port, `${head('GET', ['Connection: close'])}\r\n`)).status;
}

async function open(count: number, text: string): Promise<void> {
  for (let opened = 0; opened < count; opened += 200) {
    const next = await Promise.all(
      Array.from({ length: Math.min(200, count - opened) }, () => openRawClient(sidecar.port)),
    );
    for (const client of next) client.send(text);
    clients.push(...next);
  }
}

async function expectServed(): Promise<void> {
  for (const path of ['/livez', '/metrics'])
    expect((await fetch(`http://127.0.0.1:${sidecar.adminPort}${path}`)).status).toBe(200);
  upstream.answers.length = 0;
  upstream.answers.push(answerWith('ok'));
  expect(await ask()).toBe(200);
}

it.each([
  ['say nothing', ''],
  ['stop in their request line', 'GET /clus'],
  ['stop in their headers', 'GET / HTTP/1.1\r\nHost: x\r\nAccept: a'],
])(
  '[TH-44] 10,000 sockets that %s cost little, and the others nothing',
  async (_, text) => {
    const before = await sidecar.hold();
    await open(10_000, text);
    await expectServed();
    const during = await sidecar.hold();
    expect(during.heapUsed - before.heapUsed).toBeLessThan(64 * mebibyte);
    for (const { socket } of clients) socket.destroy();
    await until('they are gone', async () => (await sidecar.hold()).descriptors <= before.descriptors + 5);
  },
  60_000,
);

it('[TH-44] a body that comes slowly, of many at once, is waited for and holds up nobody', async () => {
  await open(200, `${head('POST', ['Content-Length: 1000'])}\r\nx`);
  await until('all are sent on', () => upstream.heads.length === 201);
  for (let round = 0; round < 5; round++) {
    for (const client of clients) client.send('x');
    await expectServed();
    await wait(50);
  }
  expect(clients.every(({ outcome }) => outcome === undefined)).toBe(true);
}, 60_000);

it('[TH-44, PX-27] headers of 20 KiB and 2,500 of them pass; what goes on without an end is 431, of many at once', async () => {
  const large = head('GET', ['Connection: close', `Accept: ${'a'.repeat(20 * 1024)}`]);
  const many = head('GET', [
    'Connection: close',
    ...Array.from({ length: 2_500 }, (_, index) => `If-A: ${index}`),
  ]);
  for (const text of [large, many]) {
    upstream.answers.push(answerWith('ok'));
    expect((await exchangeRaw(sidecar.port, `${text}\r\n`)).status).toBe(200);
  }
  expect(upstream.heads.at(-2)).toContain('a'.repeat(20 * 1024));
  expect(upstream.heads.at(-1)?.match(/If-A: /g)).toHaveLength(2_500);
  const sent = upstream.heads.length;
  const before = await sidecar.hold();
  await open(100, head());
  const block = `X-A: ${'a'.repeat(4_000)}\r\n`;
  for (let round = 0; round < 30; round++) for (const client of clients) client.send(block);
  await until('all are refused', () => clients.every(({ outcome }) => outcome !== undefined));
  for (const { received } of clients) if (received !== '') expect(received).toMatch(/^HTTP\/1\.1 431 /);
  expect(upstream.heads).toHaveLength(sent);
  expect((await sidecar.hold()).heapUsed - before.heapUsed).toBeLessThan(32 * mebibyte);
  await expectServed();
}, 60_000);

it('[TH-44] extensions of chunks without an end are refused', async () => {
  const client = await openRawClient(sidecar.port);
  clients.push(client);
  client.send(`${head('POST', ['Transfer-Encoding: chunked'])}\r\n1;`);
  const drip = 'a'.repeat(4_000);
  for (let count = 0; count < 64 && client.outcome === undefined; count++) {
    client.send(drip);
    await wait(1);
  }
  const received = await client.waitForEnd();
  expect(received === '' || /^HTTP\/1\.1 4\d\d /.test(received)).toBe(true);
  await expectServed();
});

it('[TH-44, TH-42] 300 requests at once on one socket are each answered and each asked once', async () => {
  const count = 300;
  upstream.answers.push(...Array.from({ length: count }, () => answerWith('ok')));
  const client = await openRawClient(sidecar.port);
  clients.push(client);
  client.send(`${head()}\r\n`.repeat(count));
  await until('all are answered', () => client.received.split('\r\n\r\nok').length === count + 1, 30_000);
  expect(upstream.heads.length).toBe(count + 1);
  await expectServed();
}, 60_000);
