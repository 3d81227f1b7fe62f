import { once } from 'node:events';
import { createServer, type TLSSocket } from 'node:tls';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRawClient } from '../support/rawClient.ts';
import { createSelfSignedPair } from '../support/selfSignedPair.ts';
import { type SidecarProcess, startSidecarProcess } from '../support/sidecarProcess.ts';
import { clusterAt } from '../support/startProxy.ts';
import { until } from '../support/until.ts';

const mebibyte = 1024 * 1024;
const block = Buffer.alloc(mebibyte, 'x');
const blocks = 512;
/** Of the 512 MiB; the rest are the buffers of sockets and of TLS, and what a garbage collector leaves for later. */
const allowedGrowth = 96 * mebibyte;

let sidecar: SidecarProcess;
let take: (socket: TLSSocket) => void;
const toClose: (() => unknown)[] = [];

beforeEach(async () => {
  const pair = createSelfSignedPair('kube-apiserver', { addresses: ['127.0.0.1'] });
  const server = createServer({ cert: pair.certificate, key: pair.key, allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    toClose.push(() => socket.destroy());
    take(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  toClose.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  sidecar = await startSidecarProcess({
    clusters: { a: clusterAt({ port, certificate: pair.certificate }) },
  });
});

afterEach(async () => {
  await sidecar.close();
  for (const each of toClose.splice(0).reverse()) each();
});

/** Writes all of it as fast as it is taken. */
async function pour(socket: Socket): Promise<void> {
  for (let sent = 0; sent < blocks && !socket.destroyed; sent++)
    if (!socket.write(block)) await once(socket, 'drain');
}

/** Reads for a moment, and then not for a while. */
function readSlowly(socket: Socket, onBytes: (count: number) => void): { finish(): void } {
  let isSlow = true;
  socket.removeAllListeners('data');
  socket.on('data', (chunk: Buffer) => {
    onBytes(chunk.length);
    if (!isSlow) return;
    socket.pause();
    setTimeout(() => {
      socket.resume();
    }, 20);
  });
  socket.resume();
  return {
    finish() {
      isSlow = false;
      socket.resume();
    },
  };
}

/** The most that the sidecar's memory was above what it was before, in the time. */
async function watchGrowth(before: number, forMs: number): Promise<number> {
  let most = 0;
  const end = Date.now() + forMs;
  while (Date.now() < end) {
    most = Math.max(most, sidecar.readRss() - before);
    await wait(50);
  }
  return most;
}

const line = (method: string, rest: string, headers: readonly string[]): string =>
  [
    `${method} ${sidecar.pathOf('a')}${rest} HTTP/1.1`,
    `Host: 127.0.0.1:${sidecar.port}`,
    ...headers,
    '\r\n',
  ].join('\r\n');

const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];
const switched = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const size = `Content-Length: ${block.length * blocks}`;

describe('[PX-22, FA-41] of 512 MiB the sidecar holds next to nothing', () => {
  it.each([
    ['a log of known length', `HTTP/1.1 200 OK\r\n${size}\r\n\r\n`, []],
    ['a log that ends with its connection', 'HTTP/1.1 200 OK\r\n\r\n', []],
    ['a tunnel', switched, upgrade],
  ])(
    '%s to a slow reader',
    async (_, head, headers) => {
      take = (socket) =>
        socket.once('data', () => {
          socket.write(head);
          void pour(socket).then(() => {
            socket.end();
          });
        });
      const client = await openRawClient(sidecar.port);
      let received = 0;
      const { rss } = await sidecar.hold();
      const reader = readSlowly(client.socket, (count) => (received += count));
      client.send(line('GET', '/api/v1/namespaces/n/pods/p/log', headers));
      expect(await watchGrowth(rss, 2_000)).toBeLessThan(allowedGrowth);
      expect(received).toBeGreaterThan(0);
      expect(received).toBeLessThan((block.length * blocks) / 2);
      reader.finish();
      const growth = watchGrowth(rss, 1_000);
      await until('all of it', () => received >= block.length * blocks, 60_000);
      expect(await growth).toBeLessThan(allowedGrowth);
      client.socket.destroy();
    },
    90_000,
  );

  it.each([
    ['an upload', 'PUT', [size], ''],
    ['a tunnel', 'GET', upgrade, switched],
  ])(
    '%s to a slow cluster',
    async (_, method, headers, head) => {
      let received = 0;
      let reader: { finish(): void } | undefined;
      take = (socket) => {
        socket.once('data', (chunk: Buffer) => {
          received += chunk.length - chunk.indexOf('\r\n\r\n') - 4;
          socket.write(head);
          reader = readSlowly(socket, (count) => (received += count));
        });
      };
      const client = await openRawClient(sidecar.port);
      const { rss } = await sidecar.hold();
      client.send(line(method, '/api/v1/namespaces/n/pods/p/exec', headers));
      if (head !== '') await client.waitFor('\r\n\r\n');
      void pour(client.socket);
      expect(await watchGrowth(rss, 2_000)).toBeLessThan(allowedGrowth);
      expect(received).toBeGreaterThan(0);
      expect(received).toBeLessThan((block.length * blocks) / 2);
      reader?.finish();
      await until('all of it', () => received >= block.length * blocks, 60_000);
      expect(sidecar.readRss() - rss).toBeLessThan(allowedGrowth);
      client.socket.destroy();
    },
    90_000,
  );
});
