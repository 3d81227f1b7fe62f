import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { buildClusterName } from '../../src/clusters/clusterName.ts';
import { buildProfileKey } from '../../src/inventory/profileKey.ts';
import { type FakeHub, profileObject, startFakeHub } from '../support/fakeHub.ts';
import { exchangeRaw, openRawClient, type RawAnswer, type RawClient } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { scrapeMetrics } from '../support/scrapeMetrics.ts';
import { clusterAt } from '../support/startProxy.ts';
import { startSidecar, type TestSidecar } from '../support/startSidecar.ts';
import { until } from '../support/until.ts';

let hub: FakeHub;
let upstream: RecordingUpstream;
let sidecar: TestSidecar | undefined;

beforeEach(async () => {
  hub = await startFakeHub();
  upstream = await startRecordingUpstream();
});

afterEach(async () => {
  await sidecar?.close();
  sidecar = undefined;
  await upstream.close();
  await hub.close();
});

const codeOf = ({ headers }: RawAnswer): string | undefined =>
  headers.find((line) => line.startsWith('X-Cluster-Inventory-Error'))?.split(': ')[1];

/** A cluster `a`, which is known by then. */
async function start(cluster: object, ...args: readonly string[]): Promise<TestSidecar> {
  hub.items = [profileObject('a', {}, { status: { accessProviders: [{ name: 'p', cluster }] } })];
  const started = await startSidecar({ hub: { server: hub.root.server, user: { token: 't' } } }, ...args);
  sidecar = started;
  await until('the profile is known', async () => {
    const response = await fetch(`http://127.0.0.1:${started.port}/cluster-inventory/v1/clusters`);
    return (await response.text()).includes(nameOfA);
  });
  return started;
}

const nameOfA = buildClusterName(buildProfileKey('store/hub', 'default', 'a'));
const textOf = (rest: string, port: number, headers = ''): string =>
  `GET /clusters/${nameOfA}${rest} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${headers}\r\n`;

/** Sends it, and waits until the cluster has it. */
async function hang(port: number, rest: string): Promise<RawClient> {
  const count = upstream.heads.length;
  const client = await openRawClient(port);
  client.send(textOf(rest, port));
  await until('the cluster is asked', () => upstream.heads.length > count);
  return client;
}

it.each([
  ['max-streams', '/api/v1/pods?watch=1', 'too-many-streams-in-all'],
  ['max-streams-per-cluster', '/api/v1/pods?watch=1', 'too-many-streams-of-cluster'],
  ['max-requests-per-cluster', '/api/v1/pods', 'too-many-requests-of-cluster'],
])('[PX-28, OP-12] --%s is the limit, and what is refused is counted', async (option, rest, code) => {
  const { port, adminPort } = await start(clusterAt(upstream), `--${option}=1`);
  const hanging = await hang(port, rest);
  expect(codeOf(await exchangeRaw(port, textOf(rest, port, 'Connection: close\r\n')))).toBe(code);
  const samples = await scrapeMetrics(adminPort);
  expect(samples.get(`cluster_inventory_errors_total{code="${code}"}`)).toBe(1);
  hanging.socket.destroy();
});

it('[PX-27, OP-12] --max-request-header-bytes is the limit, and what is refused is counted', async () => {
  const { port, adminPort } = await start(clusterAt(upstream), '--max-request-header-bytes=10000');
  const ask = (bytes: number): Promise<RawAnswer> =>
    exchangeRaw(port, textOf('/x', port, `Connection: close\r\nAccept: ${'a'.repeat(bytes)}\r\n`));
  upstream.answers.push(answerWith('ok'));
  expect((await ask(9_000)).body).toBe('ok');
  expect(codeOf(await ask(10_000))).toBe('headers-too-large');
  const samples = await scrapeMetrics(adminPort);
  expect(samples.get('cluster_inventory_errors_total{code="headers-too-large"}')).toBe(1);
});

it('[PX-27] --request-header-timeout is the time for headers', async () => {
  const { port } = await start(clusterAt(upstream), '--request-header-timeout=100ms');
  expect(codeOf(await exchangeRaw(port, 'GET / HTTP/1.1\r\n'))).toBe('headers-timeout');
});

it('[PX-25] --response-header-timeout is the time for a cluster, except for a stream', async () => {
  const { port } = await start(clusterAt(upstream), '--response-header-timeout=200ms');
  const watching = await hang(port, '/api/v1/pods?watch=1');
  expect(codeOf(await exchangeRaw(port, textOf('/x', port, 'Connection: close\r\n')))).toBe(
    'response-timeout',
  );
  expect(watching.outcome).toBeUndefined();
  watching.socket.destroy();
});

it('[PX-25, FA-30] --connect-timeout is the time for a TLS handshake, too', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port: silentPort } = silent.address() as AddressInfo;
  const cluster = clusterAt({ port: silentPort, certificate: upstream.certificate });
  const { port } = await start(cluster, '--connect-timeout=200ms');
  for (const headers of ['Connection: close\r\n', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'])
    expect(codeOf(await exchangeRaw(port, textOf('/x', port, headers)))).toBe('connect-timeout');
  for (const socket of sockets) socket.destroy();
  silent.close();
});
