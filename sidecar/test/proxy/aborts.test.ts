import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exchangeRaw, openRawClient, parseAnswer, type RawClient } from '../support/rawClient.ts';
import {
  answerWith,
  type RecordingUpstream,
  startRecordingUpstream,
  type UpstreamConnection,
} from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';
import { until } from '../support/until.ts';

/** Either end breaks off, at each moment of a request and its answer. */
let upstream: RecordingUpstream;
let proxy: Proxy;
const failures: unknown[] = [];
const onFailure = (error: unknown): void => void failures.push(error);

beforeEach(async () => {
  failures.length = 0;
  process.on('uncaughtException', onFailure);
  process.on('unhandledRejection', onFailure);
  upstream = await startRecordingUpstream();
  proxy = await startProxy({ clusters: { a: clusterAt(upstream) } });
});

afterEach(async () => {
  await proxy.close();
  await upstream.close();
  process.off('uncaughtException', onFailure);
  process.off('unhandledRejection', onFailure);
  expect(failures).toEqual([]);
});

const ok = 'HTTP/1.1 200 OK\r\n';
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
const breaks = {
  'a reset': (connection: UpstreamConnection) => {
    connection.reset();
  },
  'a FIN': (connection: UpstreamConnection) => {
    connection.socket.end();
  },
};
const leaves = {
  'a reset': (client: RawClient) => {
    client.socket.resetAndDestroy();
  },
  'a close': (client: RawClient) => {
    client.socket.destroy();
  },
};

async function open(
  text: string,
): Promise<{ readonly client: RawClient; readonly connection: UpstreamConnection }> {
  const client = await openRawClient(proxy.port);
  client.send(text);
  const connection = await upstream.connection(0);
  await connection.waitFor('\r\n\r\n');
  return { client, connection };
}

const upgrade = (): string =>
  `GET ${proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${proxy.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;

async function expectNextAnswered(): Promise<void> {
  upstream.answers.push(answerWith('the next'));
  expect((await exchangeRaw(proxy.port, proxy.request(`GET ${proxy.pathOf('a')}/x`))).body).toBe('the next');
}

const inHead = {
  'before its first byte': '',
  'in its status line': 'HTTP/1.1 2',
  'behind its status line': ok,
  'in the name of a header': `${ok}Content-Le`,
  'in the value of a header': `${ok}Content-Length: 1`,
  'between two headers': `${ok}X-A: b\r\n`,
  'before the last line feed of its head': `${ok}Content-Length: 0\r\n\r`,
};
const inBody = {
  'between head and body': `${ok}Content-Length: 10\r\n\r\n`,
  'in a body of known length': `${ok}Content-Length: 10\r\n\r\n123456789`,
  'between head and chunks': chunked,
  'in the size of a chunk': `${chunked}5`,
  'behind the size of a chunk': `${chunked}5\r\n`,
  'in a chunk': `${chunked}5\r\nabc`,
  'behind the bytes of a chunk': `${chunked}5\r\nabcde`,
  'behind a chunk': `${chunked}5\r\nabcde\r\n`,
  'in the last chunk': `${chunked}5\r\nabcde\r\n0`,
  'before the end of the last chunk': `${chunked}5\r\nabcde\r\n0\r\n`,
  'in a trailer': `${chunked}5\r\nabcde\r\n0\r\nX-A: b`,
  'before the end of the trailers': `${chunked}5\r\nabcde\r\n0\r\nX-A: b\r\n`,
};

describe.each(Object.entries(breaks))('a cluster that breaks off by %s', (_, breakOff) => {
  it.each(Object.entries(inHead))(
    '[PX-23, PX-36, FA-31] %s is 502, for requests and upgrades',
    async (_moment, sent) => {
      for (const text of [proxy.request(`GET ${proxy.pathOf('a')}/x`), upgrade()]) {
        const client = await openRawClient(proxy.port);
        const index = upstream.connections.length;
        client.send(text);
        const connection = await upstream.connection(index);
        await connection.waitFor('\r\n\r\n');
        connection.send(sent);
        breakOff(connection);
        const { status, headers, body } = parseAnswer(await client.waitForEnd(), client.outcome);
        expect(status).toBe(502);
        expect(headers.join()).toMatch(/X-Cluster-Inventory-Error: (connection-reset|response-invalid)/);
        expect(JSON.parse(body)).toMatchObject({ kind: 'Status', code: 502 });
      }
      await expectNextAnswered();
    },
  );

  it.each(Object.entries(inBody))(
    '[PX-23, FA-31] %s is a reset, never a clean end',
    async (_moment, sent) => {
      const { client, connection } = await open(proxy.request(`GET ${proxy.pathOf('a')}/x`));
      connection.send(sent);
      await client.waitFor('200 OK');
      breakOff(connection);
      const received = await client.waitForEnd();
      expect(client.outcome).toBe('ECONNRESET');
      expect(received).not.toMatch(/\r\n0\r\n(.*\r\n)?\r\n$/);
      await expectNextAnswered();
    },
  );

  it.each(Object.entries(inBody))('[PX-23] %s of a refused upgrade is one, too', async (_moment, sent) => {
    const { client, connection } = await open(upgrade());
    connection.send(sent.replace('200 OK', '403 Forbidden'));
    await client.waitFor('403 Forbidden');
    breakOff(connection);
    await client.waitForEnd();
    expect(client.outcome).toBe('ECONNRESET');
    await expectNextAnswered();
  });

  it.each([
    ['a known length', `${ok}Content-Length: 2\r\n\r\nok`, 'ok'],
    ['chunks', `${chunked}2\r\nok\r\n0\r\n\r\n`, '2\r\nok\r\n0\r\n\r\n'],
    ['no body', `HTTP/1.1 204 No Content\r\n\r\n`, ''],
  ])('[PX-20] behind the last byte of %s is none', async (_kind, sent, body) => {
    const { client, connection } = await open(proxy.request(`GET ${proxy.pathOf('a')}/x`));
    connection.send(sent);
    const received = await client.waitForEnd();
    breakOff(connection);
    expect([parseAnswer(received).body, client.outcome]).toEqual([body, 'end']);
    await expectNextAnswered();
  });

  it('[PX-23, PX-26] in the middle of an upload is 502, and sends none of it again', async () => {
    const { client, connection } = await open(
      `${proxy.request(`PUT ${proxy.pathOf('a')}/x`, ['Content-Length: 1000'])}part`,
    );
    await connection.waitFor('part');
    breakOff(connection);
    const received = await client.waitForEnd();
    if (received !== '') expect(parseAnswer(received).status).toBe(502);
    else expect(client.outcome).toBe('ECONNRESET');
    await expectNextAnswered();
    expect(upstream.heads.filter((head) => head.startsWith('PUT'))).toHaveLength(1);
  });
});

describe.each(Object.entries(leaves))('a client that leaves by %s', (_, leave) => {
  /** Within the second that it may take, and what a busy machine adds. */
  const expectClosed = (connection: UpstreamConnection): Promise<void> =>
    until('upstream is closed', () => connection.ended || connection.socket.destroyed, 5_000);

  it.each([
    ['its request line', () => `GET ${proxy.pathOf('a')}`],
    ['its headers', () => `GET ${proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${proxy.host}\r\nAcc`],
  ])('[PX-23] in %s was never there', async (_moment, text) => {
    const client = await openRawClient(proxy.port);
    client.send(text());
    await until('it is there', async () => (await proxy.countConnections()) === 1);
    leave(client);
    await until('it is gone', async () => (await proxy.countConnections()) === 0);
    await expectNextAnswered();
    expect(upstream.heads).toHaveLength(1);
  });

  it.each([
    ['in a body of known length', ['Content-Length: 10'], 'part'],
    ['in the size of a chunk', ['Transfer-Encoding: chunked'], '4\r\npart\r\n1'],
    ['behind the size of a chunk', ['Transfer-Encoding: chunked'], '4\r\npart\r\n10\r\n'],
    ['before the last chunk', ['Transfer-Encoding: chunked'], '4\r\npart\r\n'],
    ['in the last chunk', ['Transfer-Encoding: chunked'], '4\r\npart\r\n0\r\n'],
    ['in its trailers', ['Transfer-Encoding: chunked'], '4\r\npart\r\n0\r\nX-A: b'],
  ])('[PX-23] %s: the cluster never gets a whole request', async (_moment, headers, body) => {
    const { client, connection } = await open(proxy.request(`POST ${proxy.pathOf('a')}/x`, headers, body));
    await connection.waitFor('part');
    leave(client);
    await expectClosed(connection);
    expect(connection.received).not.toMatch(/\r\n0\r\n\r\n$/);
    await expectNextAnswered();
    expect(proxy.entryOf('a').status.state).toBe('ready');
  });

  it.each([
    ['while its cluster thinks', '', ''],
    ['in the head of the answer', `${ok}X-A: b\r\n`, ''],
    ['between head and body of the answer', `${ok}Content-Length: 10\r\n\r\n`, '200 OK'],
    ['in the body of the answer', `${ok}Content-Length: 10\r\n\r\npart`, 'part'],
    ['in a chunk of the answer', `${chunked}a\r\npart`, 'part'],
    ['between the chunks of the answer', `${chunked}4\r\npart\r\n`, 'part'],
  ])('[PX-23] %s: its request is closed', async (_moment, sent, awaited) => {
    const { client, connection } = await open(proxy.request(`GET ${proxy.pathOf('a')}/x`));
    connection.send(sent);
    await client.waitFor(awaited);
    leave(client);
    await expectClosed(connection);
    await expectNextAnswered();
  });

  it.each([
    ['while its upgrade is asked for', ''],
    ['in the head of the 101', 'HTTP/1.1 101 Sw'],
    [
      'in its tunnel',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    ],
    ['in a refusal of its upgrade', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\npart'],
  ])('[PX-23] %s: its connection is closed', async (_moment, sent) => {
    const { client, connection } = await open(upgrade());
    connection.send(sent);
    if (sent.includes('\r\n\r\n')) await client.waitFor('\r\n\r\n');
    leave(client);
    await expectClosed(connection);
    await expectNextAnswered();
  });

  it('[PX-41] behind the last byte of its answer leaves the connection for the next', async () => {
    upstream.answers.push(answerWith('ok'));
    const client = await openRawClient(proxy.port);
    client.send(`GET ${proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${proxy.host}\r\n\r\n`);
    await client.waitFor('\r\n\r\nok');
    leave(client);
    await until('it is gone', async () => (await proxy.countConnections()) === 0);
    await expectNextAnswered();
    expect(upstream.connections).toHaveLength(1);
  });
});
