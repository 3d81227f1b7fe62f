import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createClusterConnections } from '../../src/clusters/connections.ts';
import type { ClusterConnection } from '../../src/clusters/connection.ts';
import { dial } from '../../src/clusters/dial.ts';
import { CodedError } from '../../src/foundation/errors.ts';
import { codedErrorOf } from '../support/codedErrorOf.ts';
import { openUpgrade } from '../support/openUpgrade.ts';
import { exchangeRaw } from '../support/rawClient.ts';
import {
  answerWith,
  type RecordingUpstream,
  startRecordingUpstream,
  type UpstreamOptions,
} from '../support/recordingUpstream.ts';
import { createSelfSignedPair } from '../support/selfSignedPair.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';
import { until } from '../support/until.ts';

const toClose: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of toClose.splice(0).reverse()) await each.close();
});

async function start(options: UpstreamOptions = {}): Promise<RecordingUpstream> {
  const upstream = await startRecordingUpstream(options);
  toClose.push(upstream);
  return upstream;
}

async function proxyTo(cluster: object): Promise<Proxy> {
  const proxy = await startProxy({ clusters: { a: cluster } });
  toClose.push(proxy);
  return proxy;
}

/** The code of the Status of a request and of an upgrade, which have to be the same. */
async function failureOf(cluster: object): Promise<readonly [number, string | undefined]> {
  const proxy = await proxyTo(cluster);
  const upgrade = `GET ${proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${proxy.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
  const [request, upgraded] = await Promise.all(
    [proxy.request(`GET ${proxy.pathOf('a')}/x`), upgrade].map(async (text) => {
      const { status, headers, body } = await exchangeRaw(proxy.port, text);
      expect(JSON.parse(body)).toMatchObject({ kind: 'Status', code: status });
      expect(body).not.toMatch(/127\.0\.0\.1/);
      const code = headers.find((line) => line.startsWith('X-Cluster-Inventory-Error: '))?.split(': ')[1];
      return [status, code] as const;
    }),
  );
  expect(upgraded).toEqual(request);
  expect(proxy.entryOf('a').status).toMatchObject({ state: 'unreachable', code: request?.[1] });
  return request ?? [0, undefined];
}

describe('[FA-30, PX-40] a cluster that cannot be reached, by requests and upgrades alike', () => {
  it('whose certificate is signed by nobody that is trusted', async () => {
    const upstream = await start();
    const { certificate } = createSelfSignedPair('kube-apiserver', { addresses: ['127.0.0.1'] });
    expect(await failureOf(clusterAt({ port: upstream.port, certificate }))).toEqual([502, 'tls-untrusted']);
    expect(upstream.heads).toEqual([]);
  });

  it('that publishes no authority, where the default roots do not know it', async () => {
    const { port } = await start();
    expect(await failureOf({ server: `https://127.0.0.1:${port}` })).toEqual([502, 'tls-untrusted']);
  });

  it('whose certificate is for another name', async () => {
    const upstream = await start({ addresses: ['127.0.0.2'], names: ['localhost'] });
    expect(await failureOf(clusterAt(upstream))).toEqual([502, 'tls-name-mismatch']);
    expect(upstream.heads).toEqual([]);
  });

  it('whose certificate is not for its tls-server-name', async () => {
    const upstream = await start({ names: ['api.example'] });
    const cluster = clusterAt(upstream, '', { 'tls-server-name': 'other.example' });
    expect(await failureOf(cluster)).toEqual([502, 'tls-name-mismatch']);
  });

  it('whose certificate has expired', async () => {
    expect(await failureOf(clusterAt(await start({ notAfter: '210101000000Z' })))).toEqual([
      502,
      'tls-expired',
    ]);
  });

  it('[PX-30] that insists on HTTP/2', async () => {
    expect(await failureOf(clusterAt(await start({ tls: { ALPNProtocols: ['h2'] } })))).toEqual([
      502,
      'http2-only',
    ]);
  });

  it('that speaks no TLS', async () => {
    const port = await listenTcp((server) =>
      server.on('connection', (socket) => socket.end('HTTP/1.1 400\r\n')),
    );
    expect(await failureOf({ server: `https://127.0.0.1:${port}` })).toEqual([502, 'tls-failed']);
  });

  it('where nothing listens', async () => {
    const upstream = await startRecordingUpstream();
    await upstream.close();
    expect(await failureOf(clusterAt(upstream))).toEqual([502, 'connection-refused']);
  });

  it('that closes each connection', async () => {
    const port = await listenTcp((server) => server.on('connection', (socket) => socket.destroy()));
    expect(await failureOf({ server: `https://127.0.0.1:${port}` })).toEqual([502, 'connection-reset']);
  });

  it('[AC-25] whose name leads to an address that clusters may not have', async () => {
    const upstream = await start({ names: ['localhost'] });
    const connection = connectionTo(upstream, { hostname: 'localhost', isAddressAllowed: () => false });
    const error = await codedErrorOf(() => dial(connection, dialOptions));
    expect(error.code).toBe('server-address-refused');
    expect(upstream.connections).toHaveLength(0);
  });

  it('[AC-25] whose address is one that clusters may not have', async () => {
    const upstream = await start();
    const connection = connectionTo(upstream, { isAddressAllowed: () => false });
    const error = await codedErrorOf(() => dial(connection, dialOptions));
    expect(error.code).toBe('server-address-refused');
    expect(upstream.connections).toHaveLength(0);
  });

  it('[PX-25] that does not finish its handshake in time', async () => {
    const port = await listenTcp(() => undefined);
    const connection = connectionTo({ port, certificate: '' });
    const error = await codedErrorOf(() => dial(connection, { ...dialOptions, timeoutMs: 50 }));
    expect(error.code).toBe('connect-timeout');
  });
});

it('[PX-04, FA-11] a cluster that is removed while it is being connected is a 404', async () => {
  let accepted = 0;
  const port = await listenTcp((server) => server.on('connection', () => accepted++));
  const proxy = await proxyTo({ server: `https://127.0.0.1:${port}` });
  const answer = exchangeRaw(proxy.port, proxy.request(`GET ${proxy.pathOf('a')}/x`));
  await until('it is being connected', () => accepted > 0);
  proxy.remove('a');
  expect((await answer).status).toBe(404);
});

describe('[AC-20, AC-22] a cluster that is trusted', () => {
  it('by its own certificate, under its tls-server-name, which it is told', async () => {
    const names: string[] = [];
    const upstream = await start({
      addresses: [],
      names: ['api.example'],
      tls: {
        SNICallback: (name, callback) => {
          names.push(name);
          callback(null);
        },
      },
    });
    upstream.answers.push(answerWith('ok'));
    const proxy = await proxyTo(clusterAt(upstream, '', { 'tls-server-name': 'api.example' }));
    const answer = await exchangeRaw(proxy.port, proxy.request(`GET ${proxy.pathOf('a')}/x`));
    expect(answer.body).toBe('ok');
    expect(names).toEqual(['api.example']);
    expect(upstream.heads[0]).toContain(`\r\nHost: 127.0.0.1:${upstream.port}\r\n`);
  });

  it('by the certificate of its server, whoever signed that', async () => {
    const upstream = await start({ issuer: createSelfSignedPair('nobody-knows') });
    upstream.answers.push(answerWith('ok'));
    const proxy = await proxyTo(clusterAt(upstream));
    expect((await exchangeRaw(proxy.port, proxy.request(`GET ${proxy.pathOf('a')}/x`))).body).toBe('ok');
  });

  it('[PX-30] is offered HTTP/1.1 alone', async () => {
    const offered: unknown[] = [];
    const upstream = await start({
      tls: {
        ALPNProtocols: undefined,
        ALPNCallback: ({ protocols }) => {
          offered.push(...protocols);
          return 'http/1.1';
        },
      },
    });
    const socket = await dial(connectionTo(upstream), dialOptions);
    socket.destroy();
    expect(offered).toEqual(['http/1.1']);
  });
});

describe('[EX-26] the connections of a cluster', () => {
  const pair = createSelfSignedPair('user');
  const certificate = (connectionKey: string) => ({
    connectionKey,
    clientCertificate: { certificate: pair.certificate, key: pair.key },
  });

  it('show the client certificate, end with it, and stay with a changed token', async () => {
    const upstream = await start({ tls: { requestCert: true, rejectUnauthorized: false } });
    const connections = createClusterConnections(connectionTo(upstream));
    toClose.push(connections);
    openUpgrade(connections, { ...certificate('one'), token: 'a' });
    const first = await upstream.connection(0);
    expect(first.socket.getPeerCertificate().subject.CN).toBe('user');
    openUpgrade(connections, { ...certificate('one'), token: 'b' });
    const second = await upstream.connection(1);
    expect(first.ended).toBe(false);
    openUpgrade(connections, certificate('two'));
    await first.waitForClose();
    await second.waitForClose();
    expect((await upstream.connection(2)).ended).toBe(false);
  });

  it('[PX-41] an old certificate that is still used ends none of the renewed one, and ends with it', async () => {
    const upstream = await start({ tls: { requestCert: true, rejectUnauthorized: false } });
    const connections = createClusterConnections(connectionTo(upstream));
    toClose.push(connections);
    const [old, renewed, next] = ['one', 'two', 'three'].map(certificate);
    openUpgrade(connections, old);
    const first = await upstream.connection(0);
    openUpgrade(connections, renewed);
    const second = await upstream.connection(1);
    await first.waitForClose();
    openUpgrade(connections, old);
    const late = await upstream.connection(2);
    openUpgrade(connections, renewed);
    await upstream.connection(3);
    expect([second.ended, late.ended]).toEqual([false, false]);
    openUpgrade(connections, next);
    await second.waitForClose();
    await late.waitForClose();
    expect((await upstream.connection(4)).ended).toBe(false);
  });

  it('a certificate that comes back as a new credential is the current one again', async () => {
    const upstream = await start({ tls: { requestCert: true, rejectUnauthorized: false } });
    const connections = createClusterConnections(connectionTo(upstream));
    toClose.push(connections);
    openUpgrade(connections, certificate('one'));
    await upstream.connection(0);
    openUpgrade(connections, certificate('two'));
    const second = await upstream.connection(1);
    openUpgrade(connections, certificate('one'));
    await second.waitForClose();
    expect((await upstream.connection(2)).ended).toBe(false);
  });

  it('[PX-41] end at once when it is closed, and none is made after', async () => {
    const upstream = await start();
    const connections = createClusterConnections(connectionTo(upstream));
    const first = openUpgrade(connections, undefined);
    const opened = await upstream.connection(0);
    connections.close();
    await opened.waitForClose();
    expect((await first.error).code).toBe('connection-reset');
    expect((await openUpgrade(connections, undefined).error).code).toBe('connection-reset');
    expect(upstream.connections).toHaveLength(1);
  });

  it('[PX-41] end also where they were being made when it was closed', async () => {
    const upstream = await start();
    const connections = createClusterConnections(connectionTo(upstream));
    const opening = openUpgrade(connections, undefined);
    connections.close();
    expect((await opening.error).code).toBe('connection-reset');
    for (const each of upstream.connections) await each.waitForClose();
  });

  it('[PX-23] are not made for somebody who has left', async () => {
    let closed = 0;
    let accepted = 0;
    const port = await listenTcp((server) =>
      server.on('connection', (socket) => {
        accepted++;
        socket.resume().on('error', () => undefined);
        socket.on('close', () => closed++);
      }),
    );
    const connections = createClusterConnections(connectionTo({ port, certificate: '' }));
    for (const isUpgrade of [true, false]) {
      const opening = openUpgrade(connections, undefined, isUpgrade);
      await until('it is being connected', () => accepted > closed);
      opening.exchange.abort(new CodedError('shutting-down'));
      expect((await opening.error).code).toBe('shutting-down');
      await until('nobody connects any more', () => accepted === closed);
    }
    expect(accepted).toBe(2);
  });
});

const dialOptions = { secureContext: undefined, timeoutMs: 5_000 };

function connectionTo(
  { port, certificate }: { readonly port: number; readonly certificate: string },
  more: Partial<ClusterConnection> = {},
): ClusterConnection {
  return {
    protocol: 'https:',
    hostname: '127.0.0.1',
    port,
    hostHeader: `127.0.0.1:${port}`,
    basePath: '',
    query: '',
    tls: {
      ...(certificate === '' ? {} : { caData: Buffer.from(certificate).toString('base64') }),
      insecureSkipVerify: true,
    },
    disableCompression: false,
    isAddressAllowed: () => true,
    ...more,
  };
}

async function listenTcp(prepare: (server: Server) => unknown): Promise<number> {
  const server = createServer();
  prepare(server);
  const sockets = new Set<{ destroy(): unknown }>();
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    sockets.add(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  toClose.push({
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  return (server.address() as AddressInfo).port;
}
