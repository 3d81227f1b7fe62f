import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exchangeRaw, openRawClient, parseAnswer } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';
import { until } from '../support/until.ts';

let upstream: RecordingUpstream;
let proxy: Proxy;

beforeEach(async () => {
  upstream = await startRecordingUpstream();
  proxy = await startProxy({
    clusters: { a: clusterAt(upstream) },
    limits: { responseHeadersTimeoutMs: 300 },
  });
});

afterEach(async () => {
  await proxy.close();
  await upstream.close();
});

const ask = (method: string, body = '') =>
  exchangeRaw(
    proxy.port,
    proxy.request(`${method} ${proxy.pathOf('a')}/x`, body ? [`Content-Length: ${body.length}`] : [], body),
  );

/** A request over a connection that served one before, and that is closed before a byte of its answer. */
async function askOverClosing(method: string, body = '', next = [answerWith('again')]) {
  upstream.answers.push(answerWith('first'));
  expect((await ask('GET')).body).toBe('first');
  const answered = ask(method, body);
  await until('the second request is there', () => upstream.heads.length === 2);
  upstream.answers.push(...next);
  expect(upstream.connections).toHaveLength(1);
  upstream.connections[0]?.reset();
  return answered;
}

describe('[PX-26] what a kept connection does not answer, since it was closed in this moment', () => {
  it.each(['GET', 'HEAD'])('is sent again by another one where it is a %s', async (method) => {
    expect((await askOverClosing(method)).status).toBe(200);
    expect(upstream.heads).toHaveLength(3);
    expect(upstream.connections).toHaveLength(2);
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('is never sent again where it is a %s', async (method) => {
    const { status, body } = await askOverClosing(method);
    expect(status).toBe(502);
    expect(body).toContain('connection-reset');
    expect(upstream.heads).toHaveLength(2);
  });

  it('is never sent again with a body', async () => {
    expect((await askOverClosing('GET', 'body')).status).toBe(502);
    expect(upstream.heads).toHaveLength(2);
  });

  it('is sent again once: the new connection has the last word', async () => {
    const answered = askOverClosing('GET', '', []);
    await until('it is sent again', () => upstream.heads.length === 3);
    upstream.connections[1]?.reset();
    expect((await answered).status).toBe(502);
    expect(upstream.heads).toHaveLength(3);
  });
});

describe('[PX-41] a connection is kept', () => {
  it('no longer than its server says', async () => {
    upstream.answers.push(answerWith('1', '200 OK', 'Keep-Alive: timeout=1\r\n'), answerWith('2'));
    await ask('GET');
    await (await upstream.connection(0)).waitForClose();
    expect((await ask('GET')).body).toBe('2');
    expect(upstream.connections).toHaveLength(2);
  });

  it('not where its server says so, or an answer has no other end', async () => {
    upstream.answers.push(answerWith('1', '200 OK', 'Connection: close\r\n'));
    await ask('GET');
    await (await upstream.connection(0)).waitForClose();
    upstream.answers.push('HTTP/1.1 200 OK\r\n\r\n');
    const endless = ask('GET');
    await until('it is asked', () => upstream.heads.length === 2);
    upstream.connections[1]?.socket.end('all');
    expect((await endless).body).toBe('3\r\nall\r\n0\r\n\r\n');
  });
});

describe('an upload', () => {
  const head = () =>
    `POST ${proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${proxy.host}\r\nTransfer-Encoding: chunked\r\n\r\n`;

  it('[PX-27] may take longer than an answer: there is no deadline on it while its client is awaited', async () => {
    const client = await openRawClient(proxy.port);
    client.send(head());
    const connection = await upstream.connection(0);
    for (const part of ['one', 'two', 'the end']) {
      // Longer than its limit for the head of an answer.
      await new Promise((resolve) => setTimeout(resolve, 400));
      client.send(`${part.length.toString(16)}\r\n${part}\r\n`);
      await connection.waitFor(part);
    }
    client.send('0\r\n\r\n');
    await connection.waitFor('\r\n0\r\n\r\n');
    connection.send(answerWith('stored', '201 Created', 'Connection: close\r\n'));
    await client.waitFor('stored');
    client.socket.destroy();
  });

  it('[PX-25] that is whole has an answer in time, or 504', async () => {
    const client = await openRawClient(proxy.port);
    client.send(`${head()}3\r\none\r\n0\r\n\r\n`);
    await client.waitFor('504 Gateway Timeout');
    client.socket.destroy();
  });

  it('[PX-23] that is answered before it is whole: the answer is passed on, its connection serves nobody else', async () => {
    const client = await openRawClient(proxy.port);
    client.send(`${head()}3\r\none\r\n`);
    const connection = await upstream.connection(0);
    await connection.waitFor('one');
    connection.send(answerWith('enough', '413 Content Too Large'));
    await client.waitFor('enough');
    await connection.waitForClose();
    // Its client may finish, and go on with what it has to ask.
    client.send('3\r\ntwo\r\n0\r\n\r\n');
    upstream.answers.push(answerWith('next'));
    client.send(`GET ${proxy.pathOf('a')}/y HTTP/1.1\r\nHost: ${proxy.host}\r\nConnection: close\r\n\r\n`);
    expect(parseAnswer((await client.waitForEnd()).split('enough')[1] ?? '').body).toBe('next');
    expect(connection.received).not.toContain('two');
  });
});
