import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../src/foundation/errors.ts';
import { exchangeRaw, openRawClient, parseAnswer } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';
import { until } from '../support/until.ts';

let upstream: RecordingUpstream;
let proxy: Proxy;
const failures: unknown[] = [];
const onFailure = (error: unknown): void => void failures.push(error);

beforeEach(async () => {
  failures.length = 0;
  process.on('uncaughtException', onFailure);
  process.on('unhandledRejection', onFailure);
  upstream = await startRecordingUpstream();
  proxy = await startProxy({ clusters: { a: clusterAt(upstream), none: { server: 'nonsense' } } });
});

afterEach(async () => {
  await until('no socket is left open', async () => (await proxy.countConnections()) === 0);
  await until('none upstream either', () =>
    upstream.connections.every(({ socket, ended }) => ended || socket.destroyed),
  );
  await proxy.close();
  await upstream.close();
  process.off('uncaughtException', onFailure);
  process.off('unhandledRejection', onFailure);
  expect(failures).toEqual([]);
});

const exec = '/api/v1/namespaces/x/pods/none/exec?command=sh';
const notFound = JSON.stringify({ kind: 'Status', apiVersion: 'v1', code: 404, reason: 'NotFound' });
const smuggled = (): string => `GET ${proxy.pathOf('a')}/smuggled HTTP/1.1\r\nHost: ${proxy.host}\r\n\r\n`;

const protocols = {
  WebSocket: [
    'GET',
    [
      'Upgrade: websocket',
      'Sec-WebSocket-Key: a2V5',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Protocol: v5.channel.k8s.io',
    ],
  ],
  'SPDY by GET': ['GET', ['Upgrade: SPDY/3.1', 'X-Stream-Protocol-Version: v4.channel.k8s.io']],
  'SPDY by POST': ['POST', ['Upgrade: SPDY/3.1', 'X-Stream-Protocol-Version: v4.channel.k8s.io']],
} as const;

describe.each(Object.entries(protocols))('%s', (_, [method, headers]) => {
  const upgradeTo = (path: string): string =>
    [
      `${method} ${path}${exec} HTTP/1.1`,
      `Host: ${proxy.host}`,
      'Connection: Upgrade',
      ...headers,
      '\r\n',
    ].join('\r\n');

  /** The cluster does this as soon as it is asked; the client has more to say at once and after the answer. */
  async function refuse(path: string, act?: (index: number) => Promise<void>) {
    const client = await openRawClient(proxy.port);
    client.send(upgradeTo(path) + smuggled());
    await act?.(0);
    const received = await client.waitForEnd();
    client.send(smuggled());
    client.socket.end();
    const answer = parseAnswer(received, client.outcome);
    expect(received.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    expect(answer.headers).toContain('Connection: close');
    expect(answer.outcome).toBe('end');
    // What is asked later is answered later: by then the pipelined one would have come, too.
    upstream.answers.length = 0;
    upstream.answers.push(answerWith('alive'));
    const alive = await exchangeRaw(proxy.port, proxy.request(`GET ${proxy.pathOf('a')}/alive`)).catch(
      () => undefined,
    );
    if (act) expect(alive?.body).toBe('alive');
    expect(upstream.connections.map((each) => each.received).join()).not.toContain('smuggled');
    for (const { socket } of upstream.connections) socket.end();
    return answer;
  }
  const asked = async () => {
    const connection = await upstream.connection(0);
    await connection.waitFor('\r\n\r\n');
    return connection;
  };

  it('[S08, PX-33, TH-43] that the cluster answers 404 reaches the client with its body', async () => {
    const { status, body } = await refuse(proxy.pathOf('a'), async () => {
      (await asked()).send(answerWith(notFound, '404 Not Found', 'Content-Type: application/json\r\n'));
    });
    expect([status, body]).toEqual([404, notFound]);
  });

  it.each([
    '400 Bad Request',
    '403 Forbidden',
    '500 Internal Server Error',
    '200 OK',
    '426 Upgrade Required',
  ])('[S08, PX-33, TH-43] that the cluster answers %s reaches the client as it is', async (line) => {
    const { status, body } = await refuse(proxy.pathOf('a'), async () => {
      (await asked()).send(answerWith('why', line));
    });
    expect([status, body]).toEqual([parseInt(line), 'why']);
  });

  it.each([
    ['resets before its headers', '', true],
    ['closes before its headers', '', false],
    ['resets in its headers', 'HTTP/1.1 101 Switching Protocols\r\nUpgr', true],
    ['closes in its headers', 'HTTP/1.1 101 Switching Protocols\r\nUpgr', false],
    ['says something that is no HTTP', 'nonsense\r\n\r\n', false],
    ['switches before its head is whole', '101\r\n\r\n', false],
  ])('[S08, PX-36, TH-43] whose cluster %s is a 502 Status', async (_what, sent, isReset) => {
    const { status, body } = await refuse(proxy.pathOf('a'), async () => {
      const connection = await asked();
      connection.send(sent);
      if (isReset) connection.reset();
      else connection.socket.end();
    });
    expect(status).toBe(502);
    expect(JSON.parse(body)).toMatchObject({ kind: 'Status', code: 502 });
  });

  it('[S08, PX-36, TH-43] to an unknown cluster is a 404 Status', async () => {
    const { status, body } = await refuse('/clusters/cluster-inventory-none');
    expect(status).toBe(404);
    expect(JSON.parse(body)).toMatchObject({ kind: 'Status', code: 404 });
  });

  it('[S08, PX-36, TH-43] to a cluster whose access fails is a 502 Status', async () => {
    const { status, headers: lines } = await refuse(proxy.pathOf('none'));
    expect([status, lines]).toEqual([
      502,
      expect.arrayContaining(['X-Cluster-Inventory-Error: server-invalid']) as unknown,
    ]);
  });

  it('[S08, PX-36, TH-43] to a cluster whose plugin fails is a 502 Status', async () => {
    proxy.credentialsOf('a').answer = () => Promise.reject(new CodedError('plugin-exited'));
    const { status, headers: lines } = await refuse(proxy.pathOf('a'));
    expect([status, lines]).toEqual([
      502,
      expect.arrayContaining(['X-Cluster-Inventory-Error: plugin-exited']) as unknown,
    ]);
    expect(upstream.connections).toHaveLength(0);
  });

  it('[S08, PX-36] a client that resets while it is refused harms nobody', async () => {
    for (let count = 0; count < 20; count++) {
      const client = await openRawClient(proxy.port);
      client.send(upgradeTo(count % 2 === 0 ? proxy.pathOf('a') : '/clusters/cluster-inventory-none'));
      if (count % 2 === 0) {
        const connection = await upstream.connection(count / 2);
        await connection.waitFor('\r\n\r\n');
        connection.send(answerWith(notFound, '404 Not Found'));
      }
      client.socket.resetAndDestroy();
    }
  });
});
