import { afterEach, beforeEach, expect, it } from 'vitest';
import { exchangeRaw, openRawClient, type RawClient } from '../support/rawClient.ts';
import {
  answerWith,
  type RecordingUpstream,
  startRecordingUpstream,
  type UpstreamConnection,
} from '../support/recordingUpstream.ts';
import { createSelfSignedPair } from '../support/selfSignedPair.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';

const pair = createSelfSignedPair();
const failures: unknown[] = [];
const onFailure = (error: unknown): void => void failures.push(error);
let upstream: RecordingUpstream;
let proxy: Proxy;

beforeEach(async () => {
  upstream = await startRecordingUpstream();
  proxy = await startProxy({ clusters: { a: clusterAt(upstream) }, pair });
  for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, onFailure);
});

afterEach(async () => {
  for (const event of ['uncaughtException', 'unhandledRejection']) process.off(event, onFailure);
  expect(failures.splice(0)).toEqual([]);
  await proxy.close();
  await upstream.close();
});

async function begin(): Promise<{ client: RawClient; connection: UpstreamConnection }> {
  const client = await openRawClient(proxy.port, 'https');
  client.send(`GET ${proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${proxy.host}\r\n\r\n`);
  const connection = await upstream.connection(0);
  await connection.waitFor('\r\n\r\n');
  return { client, connection };
}

async function expectServed(): Promise<void> {
  upstream.answers.push(answerWith('ok'));
  expect((await exchangeRaw(proxy.port, proxy.request(`GET ${proxy.pathOf('a')}/y`), 'https')).body).toBe(
    'ok',
  );
}

it.each(['Content-Length: 1000\r\n\r\npart', 'Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n'])(
  '[PX-23] an answer that the cluster breaks off (%j) has no clean end, and others are served',
  async (answer) => {
    const { client, connection } = await begin();
    connection.send(`HTTP/1.1 200 OK\r\n${answer}`);
    await client.waitFor('part');
    connection.reset();
    expect(await client.waitForEnd()).toMatch(/part(\r\n)?$/);
    await expectServed();
  },
);

it.each([
  ['that is being answered', 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart'],
  ['that waits for its answer', ''],
])('[PX-23, TH-41] what is no request behind one %s harms nobody', async (_, answer) => {
  const { client, connection } = await begin();
  if (answer !== '') {
    connection.send(answer);
    await client.waitFor('part');
  }
  client.send('nonsense\r\n\r\n');
  expect(await client.waitForEnd()).toMatch(answer === '' ? /^$/ : /part$/);
  await expectServed();
});

it('[PX-33, PX-23] the refusal of an upgrade that the cluster breaks off has no clean end, and no second head', async () => {
  const client = await openRawClient(proxy.port, 'https');
  client.send(
    `GET ${proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${proxy.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  );
  const connection = await upstream.connection(0);
  await connection.waitFor('\r\n\r\n');
  connection.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 1000\r\n\r\npart');
  await client.waitFor('part');
  connection.reset();
  expect(await client.waitForEnd()).toMatch(/part$/);
  await expectServed();
});
