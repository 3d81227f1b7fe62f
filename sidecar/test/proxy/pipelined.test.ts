import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRawClient } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';
import { until } from '../support/until.ts';

/** Requests that a client sends before the one before is answered. */
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

const line = (path: string, ...headers: readonly string[]): string =>
  [`GET ${proxy.pathOf('a')}${path} HTTP/1.1`, `Host: ${proxy.host}`, ...headers, '', ''].join('\r\n');

async function connectionOf(path: string) {
  const find = () => upstream.connections.find(({ received }) => received.includes(`GET ${path} `));
  await until(`${path} is asked`, () => find() !== undefined);
  const found = find();
  if (!found) throw new Error('not there');
  return found;
}

it('[PX-20, TH-42] have their answers in their order, whichever is first', async () => {
  const client = await openRawClient(proxy.port);
  client.send(line('/1') + line('/2') + line('/3', 'Connection: close'));
  (await connectionOf('/3')).send(answerWith('third'));
  (await connectionOf('/2')).send(answerWith('second'));
  (await connectionOf('/1')).send(answerWith('first'));
  const received = await client.waitForEnd();
  client.socket.destroy();
  expect(received.match(/first|second|third/g)).toEqual(['first', 'second', 'third']);
  expect(received.match(/HTTP\/1\.1 200 OK\r\n/g)).toHaveLength(3);
});

it('[PX-23] one whose cluster breaks off while it waits for its turn never ends well', async () => {
  const client = await openRawClient(proxy.port);
  client.send(line('/1') + line('/2'));
  const second = await connectionOf('/2');
  second.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun');
  const first = await connectionOf('/1');
  // What it has begun to say is kept here until its turn.
  await until('it is passed on', () => proxy.entryOf('a').status.state === 'ready');
  second.reset();
  await first.waitForClose();
  await client.waitForEnd();
  client.socket.destroy();
  expect(client.outcome).toBe('ECONNRESET');
});

describe('[TH-43, PX-36] behind one that is not answered yet', () => {
  it.each([
    ['WebSocket', (): string => line('/2', 'Connection: Upgrade', 'Upgrade: websocket')],
    ['SPDY', (): string => line('/2', 'Connection: Upgrade', 'Upgrade: SPDY/3.1')],
    ['CONNECT', (): string => 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n'],
  ] as const)('%s ends the connection: its answer would come before that one', async (_, next) => {
    const client = await openRawClient(proxy.port);
    client.send(line('/1'));
    const first = await connectionOf('/1');
    client.send(next());
    expect(await client.waitForEnd()).toBe('');
    expect(client.outcome).toBe('ECONNRESET');
    client.socket.destroy();
    await first.waitForClose();
    expect(upstream.heads).toHaveLength(1);
  });
});

it('[PX-30] an upgrade behind one that is answered is one', async () => {
  const client = await openRawClient(proxy.port);
  upstream.answers.push(
    answerWith('first'),
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n',
  );
  client.send(line('/1'));
  await client.waitFor('first');
  client.send(line('/2', 'Connection: Upgrade', 'Upgrade: websocket'));
  await client.waitFor('101 Switching');
  client.socket.destroy();
});
