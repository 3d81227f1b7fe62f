import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorHeader } from '../../src/proxy/status.ts';
import { createManualClock, type ManualClock } from '../support/manualClock.ts';
import { exchangeRaw, openRawClient, parseAnswer, type RawAnswer } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { createSelfSignedPair } from '../support/selfSignedPair.ts';
import { clusterAt, type Proxy, type ProxyOptions, startProxy } from '../support/startProxy.ts';
import { until } from '../support/until.ts';

const pair = createSelfSignedPair();
let upstream: RecordingUpstream;
let proxy: Proxy;
let clock: ManualClock;

beforeEach(async () => {
  upstream = await startRecordingUpstream();
});
afterEach(async () => {
  await proxy.close();
  await upstream.close();
});

function expectStatus(answer: RawAnswer, status: number, code: string, reason: string): void {
  expect([answer.status, answer.outcome]).toEqual([status, 'end']);
  expect(answer.headers).toEqual(
    expect.arrayContaining([
      'Connection: close',
      'Content-Type: application/json',
      'Cache-Control: no-store',
      `${errorHeader}: ${code}`,
      `Content-Length: ${answer.body.length}`,
    ]),
  );
  const status400 = JSON.parse(answer.body) as { message: string };
  expect(status400).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: status400.message,
    reason,
    details: { causes: [{ reason: code, message: status400.message }] },
    code: status,
  });
}

describe.each(['http', 'https'] as const)('over %s', (scheme) => {
  const start = async (options: Partial<ProxyOptions> = {}): Promise<void> => {
    clock = createManualClock();
    proxy = await startProxy({
      clusters: { a: clusterAt(upstream) },
      clock,
      ...(scheme === 'https' && { pair }),
      ...options,
    });
  };
  const exchange = (text: string): Promise<RawAnswer> => exchangeRaw(proxy.port, text, scheme);
  const good = (): string => `GET ${proxy.pathOf('a')}/good HTTP/1.1\r\nHost: ${proxy.host}\r\n`;

  it.each([
    ['nonsense', 'nonsense\r\n\r\n'],
    ['another version', 'GET /x HTTP/1.9\r\n\r\n'],
    ['a bare LF', 'GET /x HTTP/1.1\nHost: a\n\n'],
    ['two framings', 'POST /x HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['a NUL', 'GET /x HTTP/1.1\r\nHost: a\0b\r\n\r\n'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ])('[PX-40, TH-41] %s is answered with a Status, and nothing behind it is read', async (_, text) => {
    await start();
    const client = await openRawClient(proxy.port, scheme);
    client.send(`${text}${good()}\r\n`);
    await client.waitForEnd();
    // The client may say more for a while; that is nobody's.
    client.send(`${good()}\r\n`);
    client.send(`POST ${proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${proxy.host}\r\nUpgrade: websocket\r\n\r\n`);
    expectStatus(parseAnswer(client.received, client.outcome), 400, 'request-malformed', 'BadRequest');
    client.socket.destroy();
    await until('it is gone', async () => (await proxy.countConnections()) === 0);
    expect([upstream.connections, proxy.toDashboard]).toEqual([[], []]);
  });

  it('[PX-27, PX-40, TH-44] headers that are too large have their answer, however much is still sent', async () => {
    await start();
    const client = await openRawClient(proxy.port, scheme);
    client.send(`${good()}X: ${'x'.repeat(70_000)}`);
    const line = `\r\nX: ${'x'.repeat(8_000)}`;
    for (let count = 0; count < 100; count++) {
      client.send(line);
      if (count % 10 === 0) await wait(1);
    }
    client.send('\r\n\r\n');
    await client.waitForEnd();
    expectStatus(parseAnswer(client.received, client.outcome), 431, 'headers-too-large', 'BadRequest');
    // Whoever does not leave is not waited for.
    expect(await proxy.countConnections()).toBe(1);
    clock.advance(2_000);
    await until('it is gone', async () => (await proxy.countConnections()) === 0);
    expect(upstream.connections).toHaveLength(0);
  });

  it.each([8_192, 200_000])('[PX-27] they may have %i bytes where the options say so', async (maxBytes) => {
    await start({ requestHeaderLimits: { maxBytes } });
    upstream.answers.push(answerWith('ok'));
    const padded = (bytes: number): string =>
      `${good()}Connection: close\r\nAccept: ${'a'.repeat(bytes)}\r\n\r\n`;
    expect((await exchange(padded(maxBytes - 1_000))).status).toBe(200);
    expectStatus(await exchange(padded(maxBytes)), 431, 'headers-too-large', 'BadRequest');
  });

  it.each([
    ['nothing', ''],
    ['half a line', 'GET /x'],
    ['half a head', 'GET /x HTTP/1.1\r\nHost: '],
  ])('[PX-27, PX-40, TH-44] who sends %s has 408 when the time is over', async (_, text) => {
    await start({ requestHeaderLimits: { timeoutMs: 100 } });
    const client = await openRawClient(proxy.port, scheme);
    if (text !== '') client.send(text);
    await client.waitForEnd();
    // What is late is nobody's, though the parser would still take it.
    client.send(text === '' ? `${good()}\r\n` : `${proxy.host}\r\n\r\n${good()}\r\n`);
    expectStatus(parseAnswer(client.received, client.outcome), 408, 'headers-timeout', 'Timeout');
    await wait(50);
    expect([upstream.connections, proxy.toDashboard]).toEqual([[], []]);
    client.socket.destroy();
  });

  it('[PX-27, TH-44] who sends a head byte by byte has no more time, and others go on', async () => {
    await start({ requestHeaderLimits: { timeoutMs: 300 } });
    const client = await openRawClient(proxy.port, scheme);
    const head = `${good()}\r\n`;
    const sending = setInterval(() => {
      client.send('X');
    }, 20);
    client.send(head.slice(0, -2));
    upstream.answers.push(answerWith('ok'));
    expect((await exchange(`${good()}Connection: close\r\n\r\n`)).body).toBe('ok');
    await client.waitForEnd();
    clearInterval(sending);
    expectStatus(parseAnswer(client.received, client.outcome), 408, 'headers-timeout', 'Timeout');
    expect(upstream.heads).toHaveLength(1);
    client.socket.destroy();
  });

  it('[PX-27] a body and an answer may take as long as they like', async () => {
    await start({ requestHeaderLimits: { timeoutMs: 100 } });
    const client = await openRawClient(proxy.port, scheme);
    client.send(`POST ${proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${proxy.host}\r\nContent-Length: 2\r\n\r\n1`);
    await wait(300);
    client.send('2');
    const connection = await upstream.connection(0);
    await connection.waitFor('12');
    await wait(300);
    connection.send(answerWith('late'));
    await client.waitFor('late');
    client.socket.destroy();
  });

  it('[PX-40] a request without a Host, or with an expectation that nobody knows, has a Status', async () => {
    await start();
    const withoutHost = await exchange(`GET ${proxy.pathOf('a')}/x HTTP/1.1\r\nConnection: close\r\n\r\n`);
    expectStatus(withoutHost, 400, 'host-refused', 'BadRequest');
    const expecting = await exchange(`${good()}Connection: close\r\nExpect: the-moon\r\n\r\n`);
    expectStatus(expecting, 417, 'expectation-refused', 'BadRequest');
    expect(upstream.connections).toHaveLength(0);
  });
});

describe('where TLS is served', () => {
  it.each([
    ['says nothing', ''],
    ['speaks plain HTTP', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['begins a handshake and stops', '\x16\x03\x01\x02\x00\x01'],
  ])('[TH-44] a client that %s is let go', async (_, text) => {
    proxy = await startProxy({
      clusters: { a: clusterAt(upstream) },
      pair,
      requestHeaderLimits: { timeoutMs: 200 },
    });
    const client = await openRawClient(proxy.port);
    client.send(text);
    await client.waitForEnd();
    client.socket.destroy();
    expect(client.received).not.toContain('HTTP');
    await until('it is gone', async () => (await proxy.countConnections()) === 0);
  });
});
