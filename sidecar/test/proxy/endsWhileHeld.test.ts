import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setTimeout as wait } from 'node:timers/promises';
import { person } from '../support/fakeReviews.ts';
import { decodeChunks, openRawClient, parseAnswer } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';
import { startUsers, type UsersProxy } from '../support/startUsers.ts';
import { until } from '../support/until.ts';

/** A cluster that is done, and ends its connection, before what it said could be passed on. */
describe('[ID-25, PX-33] a 403 whose cluster ends the connection while it is being explained', () => {
  let users: UsersProxy;
  beforeEach(async () => {
    users = await startUsers({ users: { t: person('ana') }, allows: () => true });
  });
  afterEach(() => users.close());

  const answers = {
    'of known length': ['HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nnot yours', 'not yours'],
    'in chunks': [
      'HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nnot yours\r\n0\r\n\r\n',
      'not yours',
    ],
    'that ends with it': ['HTTP/1.1 403 Forbidden\r\n\r\nnot yours', 'not yours'],
    'without a body': ['HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', ''],
  } as const;
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];

  for (const [kind, headers] of [
    ['a request', ['Connection: close']],
    ['an upgrade', upgrade],
  ] as const)
    it.each(Object.entries(answers))(`of ${kind}, %s, arrives whole`, async (_, [answer, body]) => {
      const { proxy, upstream } = users;
      const client = await openRawClient(proxy.port);
      const lines = [`GET ${proxy.pathOf('a')}/api/v1/pods/a/exec HTTP/1.1`, `Host: ${proxy.host}`];
      client.send([...lines, 'Authorization: Bearer t', ...headers, '', ''].join('\r\n'));
      const connection = await upstream.connection(0);
      await until('it is asked', () => upstream.heads.length === 1);
      connection.socket.end(answer);
      const review = await upstream.connection(1);
      await until('it is explained', () => upstream.heads.length === 2);
      await until('the end is noticed', () => connection.ended);
      expect(client.received).toBe('');
      review.send(answerWith('{"status":{"allowed":true}}', '201 Created', 'Connection: close\r\n'));
      const answered = parseAnswer(await client.waitForEnd(), client.outcome);
      client.socket.destroy();
      expect(answered.status).toBe(403);
      const isChunked = answered.headers.some((line) => /^transfer-encoding: chunked$/i.test(line));
      expect(isChunked ? decodeChunks(answered.body).data : answered.body).toBe(body);
      expect(answered.outcome).toBe('end');
    });
});

describe('[PX-22, PX-23] an answer whose cluster ends the connection while its reader is slow', () => {
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

  it('arrives whole, in however many pieces it came', async () => {
    const client = await openRawClient(proxy.port);
    client.socket.pause();
    client.send(proxy.request(`GET ${proxy.pathOf('a')}/x`));
    const { socket } = await upstream.connection(0);
    await until('it is asked', () => upstream.heads.length === 1);
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const size = 16 * 1024 * 1024;
    socket.write(`${size.toString(16)}\r\n`);
    socket.write(Buffer.alloc(size, 'a'));
    socket.write('\r\n');
    // Many in one piece.
    socket.end('1\r\nb\r\n'.repeat(20_000) + '0\r\n\r\n');
    await wait(500);
    client.socket.resume();
    const { body, outcome } = parseAnswer(await client.waitForEnd(), client.outcome);
    client.socket.destroy();
    expect(outcome).toBe('end');
    expect(decodeChunks(body).data.length).toBe(size + 20_000);
  });
});
