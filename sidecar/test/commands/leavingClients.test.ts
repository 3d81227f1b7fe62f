import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openRawClient, type RawClient } from '../support/rawClient.ts';
import { createSelfSignedPair } from '../support/selfSignedPair.ts';
import { type SidecarProcess, startSidecarProcess } from '../support/sidecarProcess.ts';
import { clusterAt } from '../support/startProxy.ts';
import { until } from '../support/until.ts';

const clientCount = 10_000;
const atOnce = 200;
const mebibyte = 1024 * 1024;

let sidecar: SidecarProcess;
let connections = 0;
let opened = 0;
const toClose: (() => unknown)[] = [];

beforeEach(async () => {
  connections = opened = 0;
  const pair = createSelfSignedPair('kube-apiserver', { addresses: ['127.0.0.1'] });
  const server = createServer({ cert: pair.certificate, key: pair.key }, (_request, response) => {
    response.writeHead(200);
    response.write('an event\n');
  });
  server.on('upgrade', (_request, socket) => {
    socket.on('error', () => socket.destroy());
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nan event\n',
    );
  });
  server.on('secureConnection', (socket) => {
    connections++;
    opened++;
    socket.on('error', () => undefined);
    socket.once('close', () => connections--);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  toClose.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  sidecar = await startSidecarProcess({
    clusters: { a: clusterAt({ port, certificate: pair.certificate }) },
  });
});

afterEach(async () => {
  await sidecar.close();
  for (const each of toClose.splice(0)) each();
});

/** Streams of a kind, each left in a way of its own once something of it has come. */
async function openAndLeave(index: number): Promise<void> {
  const headers = index % 2 === 0 ? [] : ['Connection: Upgrade', 'Upgrade: websocket'];
  const client: RawClient = await openRawClient(sidecar.port);
  client.send(
    [
      `GET ${sidecar.pathOf('a')}/api/v1/pods?watch=1 HTTP/1.1`,
      `Host: 127.0.0.1:${sidecar.port}`,
      ...headers,
      '\r\n',
    ].join('\r\n'),
  );
  await client.waitFor('an event');
  if (index % 4 < 2) client.socket.resetAndDestroy();
  else client.socket.destroy();
}

async function leave(from: number, count: number): Promise<void> {
  for (let begun = 0; begun < count; begun += atOnce)
    await Promise.all(Array.from({ length: atOnce }, (_, index) => openAndLeave(from + begun + index)));
  await until('all connections to the cluster are closed', () => connections === 0);
}

it('[FA-40] 10,000 clients that leave in the middle of a stream: sockets, processes and heap are as before', async () => {
  // What is made once, such as compiled code and pools, is there before.
  await leave(0, 1_000);
  const before = await sidecar.hold();
  await leave(0, clientCount);
  expect(opened).toBe(clientCount + 1_000);
  await until('all sockets are closed', async () => (await sidecar.hold()).descriptors <= before.descriptors);
  const after = await sidecar.hold();
  expect(after.heapUsed - before.heapUsed).toBeLessThan(8 * mebibyte);
  expect(after.children).toBe(0);
  expect(sidecar.ended).toBeUndefined();
  expect(sidecar.log).not.toMatch(/uncaught|unhandled|internal-error|MaxListeners/i);
}, 180_000);
