import { createSecureServer, type Http2SecureServer, type Http2ServerRequest } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, expect, it } from 'vitest';
import { desktopAccessPolicy } from '../../src/clusters/accessPolicy.ts';
import { startForwardProxy } from '../support/fakeForwardProxy.ts';
import { exchangeRaw } from '../support/rawClient.ts';
import { createSelfSignedPair } from '../support/selfSignedPair.ts';
import { clusterAt, startProxy } from '../support/startProxy.ts';

const toClose: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of toClose.splice(0).reverse()) await each.close();
});

const pair = createSelfSignedPair('kube-apiserver', { addresses: ['127.0.0.1'] });

/** The codes that a request and an upgrade get. */
async function codesOf(cluster: object): Promise<(string | undefined)[]> {
  const builtIn = { ...desktopAccessPolicy.builtIn, allowProxyUrl: true };
  const proxy = await startProxy({ clusters: { a: cluster }, policy: { ...desktopAccessPolicy, builtIn } });
  toClose.push(proxy);
  const path = `${proxy.pathOf('a')}/x`;
  const texts = [
    proxy.request(`GET ${path}`),
    `GET ${path} HTTP/1.1\r\nHost: ${proxy.host}\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n`,
  ];
  const answers = await Promise.all(texts.map((text) => exchangeRaw(proxy.port, text)));
  return answers.map(({ status, headers }) => {
    expect(status).toBe(502);
    return headers.find((line) => line.startsWith('X-Cluster-Inventory-Error: '))?.split(': ')[1];
  });
}

async function startHttp2(): Promise<{ readonly port: number; readonly requests: Http2ServerRequest[] }> {
  const requests: Http2ServerRequest[] = [];
  const server: Http2SecureServer = createSecureServer(
    { cert: pair.certificate, key: pair.key, allowHTTP1: false },
    (request, response) => {
      requests.push(request);
      response.end();
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  toClose.push(server);
  return { port: (server.address() as AddressInfo).port, requests };
}

it('[PX-30] a server that speaks HTTP/2 alone gets its reason, straight and through a proxy', async () => {
  const { port, requests } = await startHttp2();
  const cluster = clusterAt({ port, certificate: pair.certificate });
  expect(await codesOf(cluster)).toEqual(['http2-only', 'http2-only']);
  for (const kind of ['http', 'socks5'] as const) {
    const forward = await startForwardProxy({ kind, targetPort: port });
    toClose.push(forward);
    const codes = await codesOf({ ...cluster, 'proxy-url': `${kind}://127.0.0.1:${forward.port}` });
    expect(codes).toEqual(['http2-only', 'http2-only']);
  }
  expect(requests).toEqual([]);
});

/** SETTINGS without any, and GOAWAY with PROTOCOL_ERROR (RFC 9113, 6.5 and 6.8). */
const frames = Buffer.from('00000004000000000000000807000000000000000000000001', 'hex');

it.each([
  ['when it is asked', 'data'],
  ['before it is asked', 'secure'],
])('[PX-30] a server that agrees to nothing, and speaks HTTP/2 %s, gets that reason', async (_when, at) => {
  const server = createTlsServer({ cert: pair.certificate, key: pair.key }, (socket) => {
    socket.on('error', () => undefined);
    if (at === 'secure') socket.write(frames);
    socket.once('data', () => socket.end(frames));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  toClose.push(server);
  const { port } = server.address() as AddressInfo;
  expect(await codesOf(clusterAt({ port, certificate: pair.certificate }))).toEqual([
    'http2-only',
    'http2-only',
  ]);
});
