import { afterEach, beforeEach, expect, it } from 'vitest';
import { exchangeRaw, openRawClient } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';

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

const app = '/api/v1/namespaces/n/services/s/proxy/';
const foreign = 'HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/\r\nContent-Length: 0\r\n\r\n';
const webSocket = ['Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: x'];

const state = (): string => proxy.entryOf('a').status.state;

async function ask(path: string, answer: string, isUpgrade = false): Promise<string | undefined> {
  upstream.answers.push(answer);
  const line = `GET ${proxy.pathOf('a')}${path}`;
  const text = isUpgrade
    ? [`${line} HTTP/1.1`, `Host: ${proxy.host}`, 'Connection: Upgrade', ...webSocket, '', ''].join('\r\n')
    : proxy.request(line);
  const { headers } = await exchangeRaw(proxy.port, text);
  return headers.find((each) => each.startsWith('X-Cluster-Inventory-Error'))?.split(': ')[1];
}

it.each([false, true])(
  '[PX-17] a redirect of an app to elsewhere is refused, and says nothing about its cluster (upgrade: %s)',
  async (isUpgrade) => {
    await ask('/version', answerWith('ok'));
    expect(state()).toBe('ready');
    expect(await ask(app, foreign, isUpgrade)).toBe('redirect-refused');
    expect(state()).toBe('ready');
  },
);

it.each([false, true])(
  '[PX-17] nor does a redirect of the cluster’s own (upgrade: %s)',
  async (isUpgrade) => {
    expect(await ask('/apis/an.example/v1/things', foreign, isUpgrade)).toBe('redirect-refused');
    expect(state()).toBe('not-checked');
  },
);

it.each([false, true])(
  'an answer of an app says nothing about its cluster either (upgrade: %s)',
  async (isUpgrade) => {
    expect(await ask(app, answerWith('ok'), isUpgrade)).toBeUndefined();
    expect(state()).toBe('not-checked');
  },
);

it('[PX-23] an answer that is cut leaves its cluster ready', async () => {
  const client = await openRawClient(proxy.port);
  client.send(proxy.request(`GET ${proxy.pathOf('a')}/api/v1/pods?watch=1`));
  const connection = await upstream.connection(0);
  await connection.waitFor('\r\n\r\n');
  connection.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart');
  await client.waitFor('part');
  expect(state()).toBe('ready');
  connection.reset();
  await client.waitForEnd();
  expect(state()).toBe('ready');
});

it('a cluster that is not reached below `proxy` is unreachable all the same', async () => {
  await upstream.close();
  const { status } = await exchangeRaw(proxy.port, proxy.request(`GET ${proxy.pathOf('a')}${app}`));
  expect([status, state()]).toEqual([502, 'unreachable']);
});
