import { afterEach, beforeEach, expect, it } from 'vitest';
import { exchangeRaw, openRawClient } from '../support/rawClient.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';
import { until } from '../support/until.ts';

/** Values may have bytes that are no ASCII, which nobody decodes. */
const bytes = Array.from({ length: 128 }, (_, index) => String.fromCharCode(128 + index)).join('');

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

const heads = {
  'with a body that comes with it': ['GET', '200 OK\r\nContent-Length: 2', 'ok'],
  'without a body': ['GET', '200 OK\r\nContent-Length: 0', ''],
  'that has none': ['GET', '204 No Content', ''],
  'of HEAD': ['HEAD', '200 OK\r\nContent-Length: 2', ''],
  'in chunks': ['GET', '200 OK\r\nTransfer-Encoding: chunked', '2\r\nok\r\n0\r\n\r\n'],
} as const;

it.each(Object.entries(heads))(
  '[PX-10, PX-20] in the head of an answer %s pass as they are',
  async (_, [method, head, body]) => {
    upstream.answers.push(`HTTP/1.1 ${head}\r\nX-A: ${bytes}\r\n\r\n${body}`);
    const { headers } = await exchangeRaw(proxy.port, proxy.request(`${method} ${proxy.pathOf('a')}/x`));
    expect(headers).toContain(`X-A: ${bytes}`);
  },
);

it.each(['Content-Length: 2', 'Transfer-Encoding: chunked'])(
  '[PX-10, PX-21] in a head that comes before its body pass as they are (%s)',
  async (framing) => {
    const client = await openRawClient(proxy.port);
    client.send(proxy.request(`GET ${proxy.pathOf('a')}/x`));
    const connection = await upstream.connection(0);
    await until('it is asked', () => upstream.heads.length === 1);
    connection.send(`HTTP/1.1 200 OK\r\n${framing}\r\nX-A: ${bytes}\r\n\r\n`);
    expect(await client.waitFor('\r\n\r\n')).toContain(`X-A: ${bytes}\r\n`);
    connection.send(framing.startsWith('C') ? 'ok' : `2\r\nok\r\n0\r\nX-B: ${bytes}\r\n\r\n`);
    const received = await client.waitForEnd();
    if (!framing.startsWith('C')) expect(received).toContain(`2\r\nok\r\n0\r\nX-B: ${bytes}\r\n\r\n`);
    client.socket.destroy();
  },
);

it('[PX-10, PX-33] in the refusal of an upgrade, and in its 101, pass as they are', async () => {
  for (const status of [
    '403 Forbidden\r\nContent-Length: 0',
    '101 Switching Protocols\r\nUpgrade: websocket',
  ]) {
    const client = await openRawClient(proxy.port);
    upstream.answers.push(`HTTP/1.1 ${status}\r\nSec-WebSocket-X: ${bytes}\r\n\r\n`);
    client.send(
      [
        `GET ${proxy.pathOf('a')}/x HTTP/1.1`,
        `Host: ${proxy.host}`,
        'Connection: Upgrade',
        'Upgrade: websocket',
        '',
        '',
      ].join('\r\n'),
    );
    expect(await client.waitFor('\r\n\r\n')).toContain(`Sec-WebSocket-X: ${bytes}\r\n`);
    client.socket.destroy();
  }
});

it.each(['', 'POST'])('[PX-10, PX-12] in the headers of a request pass as they are (%s)', async (method) => {
  upstream.answers.push('HTTP/1.1 204 No Content\r\n\r\n');
  const line = `${method || 'GET'} ${proxy.pathOf('a')}/x`;
  await exchangeRaw(
    proxy.port,
    proxy.request(line, [`Accept-X: ${bytes}`, ...(method ? ['Content-Length: 2'] : [])], method ? 'ok' : ''),
  );
  expect(upstream.heads[0]).toContain(`Accept-X: ${bytes}\r\n`);
});
