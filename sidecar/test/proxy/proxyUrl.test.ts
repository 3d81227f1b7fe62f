import { createServer, type AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AccessPolicy, type AccessRules, desktopAccessPolicy } from '../../src/clusters/accessPolicy.ts';
import { createClusterConnections } from '../../src/clusters/connections.ts';
import type { ClusterConnection } from '../../src/clusters/connection.ts';
import { dial } from '../../src/clusters/dial.ts';
import { resolveConnection } from '../../src/clusters/resolveConnection.ts';
import { codedErrorOf } from '../support/codedErrorOf.ts';
import {
  type ForwardProxy,
  type ForwardProxyOptions,
  startForwardProxy,
} from '../support/fakeForwardProxy.ts';
import { exchangeRaw, openRawClient, parseAnswer } from '../support/rawClient.ts';
import {
  answerWith,
  type RecordingUpstream,
  startRecordingUpstream,
  type UpstreamOptions,
} from '../support/recordingUpstream.ts';
import { createSelfSignedPair } from '../support/selfSignedPair.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';
import { openUpgrade } from '../support/openUpgrade.ts';
import { until } from '../support/until.ts';

const toClose: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of toClose.splice(0).reverse()) await each.close();
});

/** Trusted as a public authority's, since the roots are read when the first proxy is dialled. */
const publicPair = createSelfSignedPair('proxy', { addresses: ['127.0.0.1'], names: ['localhost'] });
setDefaultCACertificates([...getCACertificates('default'), publicPair.certificate]);

const kinds = ['http', 'https', 'socks5'] as const;
const user = { name: 'us er@x', password: 'p:ss/wört%' };
const userInfo = `${encodeURIComponent(user.name)}:${encodeURIComponent(user.password)}@`;

const trusting: AccessRules = { ...desktopAccessPolicy.builtIn, allowProxyUrl: true };

function policyWith(rules: Partial<AccessRules> = {}): AccessPolicy {
  return { ...desktopAccessPolicy, builtIn: { ...trusting, ...rules } };
}

async function startUpstream(options: UpstreamOptions = {}): Promise<RecordingUpstream> {
  const upstream = await startRecordingUpstream(options);
  toClose.push(upstream);
  return upstream;
}

async function startForward(options: ForwardProxyOptions): Promise<ForwardProxy> {
  const forward = await startForwardProxy({ pair: publicPair, ...options });
  toClose.push(forward);
  return forward;
}

async function serve(cluster: object, policy = policyWith()): Promise<Proxy> {
  const proxy = await startProxy({ clusters: { a: cluster }, policy });
  toClose.push(proxy);
  return proxy;
}

function urlOf(kind: string, { port }: { readonly port: number }, info = ''): string {
  return `${kind}://${info}127.0.0.1:${port}`;
}

/** A cluster by a name that only its proxy knows. */
function named(upstream: RecordingUpstream, proxyUrl: string): object {
  return {
    ...clusterAt(upstream),
    server: `https://api.invalid:${upstream.port}`,
    'proxy-url': proxyUrl,
  };
}

function get(proxy: Proxy): ReturnType<typeof exchangeRaw> {
  return exchangeRaw(proxy.port, proxy.request(`GET ${proxy.pathOf('a')}/api`));
}

function upgradeRequest(proxy: Proxy, upgrade: string, method = 'GET'): string {
  return `${method} ${proxy.pathOf('a')}/exec HTTP/1.1\r\nHost: ${proxy.host}\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`;
}

const answered = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ';

describe.each(kinds)('a cluster behind an %s proxy', (kind) => {
  let upstream: RecordingUpstream;
  let forward: ForwardProxy;
  let proxy: Proxy;

  beforeEach(async () => {
    upstream = await startUpstream({ names: ['api.invalid'] });
    forward = await startForward({ kind, targetPort: upstream.port, user });
    proxy = await serve(named(upstream, urlOf(kind, forward, userInfo)));
  });

  it('[AC-20, AC-24] is asked through it, by the name that it alone resolves, as the user of its URL', async () => {
    upstream.answers.push(answerWith('through'));
    expect((await get(proxy)).body).toBe('through');
    expect(forward.asked).toHaveLength(1);
    if (kind === 'socks5') expect(forward.asked[0]).toBe(`name:api.invalid:${upstream.port}`);
    else {
      const basic = Buffer.from(`${user.name}:${user.password}`).toString('base64');
      expect(forward.asked[0]).toBe(
        `CONNECT api.invalid:${upstream.port} HTTP/1.1\r\nHost: api.invalid:${upstream.port}\r\nProxy-Authorization: Basic ${basic}\r\n\r\n`,
      );
    }
    expect(upstream.heads[0]).toMatch(/^GET \/api HTTP\/1\.1\r\n/);
    expect(upstream.heads[0]).not.toMatch(/proxy-|127\.0\.0\.1/i);
    // TLS to the cluster, so that the proxy sees nothing of it.
    expect(forward.carried).not.toMatch(/ HTTP\/1\.1|token-1|authorization/i);
    expect(proxy.entryOf('a').status.state).toBe('ready');
  });

  it.each([
    ['GET', 'websocket'],
    ['POST', 'SPDY/3.1'],
  ])('[AC-20, PX-30, PX-34] %s upgrades to %s through it, byte for byte', async (method, upgrade) => {
    const client = await openRawClient(proxy.port);
    client.send(upgradeRequest(proxy, upgrade, method));
    const connection = await upstream.connection(0);
    await connection.waitFor('\r\n\r\n');
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 7) % 256));
    connection.send(Buffer.concat([Buffer.from(`${answered}${upgrade}\r\n\r\n`), bytes]));
    await until('all of it', () => client.received.length >= bytes.length + 60);
    expect(Buffer.from(parseAnswer(client.received).body, 'latin1').equals(bytes)).toBe(true);
    const before = connection.received.length;
    client.send(bytes);
    await until('all of it', () => connection.received.length >= before + bytes.length);
    expect(connection.received.slice(before)).toBe(bytes.toString('latin1'));
    client.socket.destroy();
    await connection.waitForClose();
    await until('the way is closed', () => forward.open === 0);
  });

  it('[FA-11, PX-41, AC-24] that goes away, or another proxy, ends what is open through it', async () => {
    for (const change of [
      () => {
        proxy.publish('a', named(upstream, urlOf(kind, forward)));
      },
      () => {
        proxy.remove('a');
      },
    ]) {
      proxy.publish('a', named(upstream, urlOf(kind, forward, userInfo)));
      const index = upstream.connections.length;
      const client = await openRawClient(proxy.port);
      client.send(upgradeRequest(proxy, 'websocket'));
      const connection = await upstream.connection(index);
      await connection.waitFor('\r\n\r\n');
      connection.send(`${answered}websocket\r\n\r\n`);
      await client.waitFor('\r\n\r\n');
      change();
      await connection.waitForClose();
      await client.waitForEnd();
      await until('the way is closed', () => forward.open === 0);
    }
  });

  it('[AC-24] refuses a wrong password with a reason of its own, which tells nothing of it', async () => {
    for (const info of ['', 'us%20er:other-pass@']) {
      proxy.publish('a', named(upstream, urlOf(kind, forward, info)));
      for (const text of [
        proxy.request(`GET ${proxy.pathOf('a')}/api`),
        upgradeRequest(proxy, 'websocket'),
      ]) {
        const { status, headers, body } = await exchangeRaw(proxy.port, text);
        expect(status).toBe(502);
        expect(headers).toContain('X-Cluster-Inventory-Error: proxy-auth-required');
        expect(body).not.toMatch(/127\.0\.0\.1|api\.invalid|other-pass|us er/);
      }
    }
    expect(upstream.connections).toHaveLength(0);
    expect(proxy.auditLines.join('')).not.toContain('other-pass');
    expect(JSON.stringify(proxy.entryOf('a').status)).not.toMatch(/other-pass|127\.0\.0\.1/);
  });

  it('[AC-24, TH-22] is not spoken to without the policy’s word, nor gone around', async () => {
    const refusing = await serve(
      named(upstream, urlOf(kind, forward, userInfo)),
      policyWith({ allowProxyUrl: false }),
    );
    const { status, headers } = await get(refusing);
    expect([status, headers]).toEqual([
      502,
      expect.arrayContaining(['X-Cluster-Inventory-Error: proxy-url-refused']),
    ]);
    expect([forward.opened, upstream.connections.length]).toEqual([0, 0]);
  });

  it('[AC-20, AC-22] is verified by its own CA and name all the same', async () => {
    const other = await startUpstream({ names: ['other.invalid'] });
    const elsewhere = await startForward({ kind, targetPort: other.port });
    const codeFor = async (cluster: object): Promise<string | undefined> => {
      proxy.publish('a', cluster);
      const { headers } = await get(proxy);
      return headers.find((line) => line.startsWith('X-Cluster-Inventory-Error'))?.split(': ')[1];
    };
    const url = urlOf(kind, elsewhere);
    expect(await codeFor(named(other, url))).toBe('tls-name-mismatch');
    expect(await codeFor(named(upstream, url))).toBe('tls-untrusted');
    other.answers.push(answerWith('ok'));
    expect(await codeFor({ ...named(other, url), 'tls-server-name': 'other.invalid' })).toBeUndefined();
    expect(other.heads).toHaveLength(1);
  });

  it('[AC-20, EX-26] is shown the client certificate, and the proxy is not', async () => {
    const asking = await startUpstream({
      names: ['api.invalid'],
      tls: { requestCert: true, rejectUnauthorized: false },
    });
    const way = await startForward({ kind, targetPort: asking.port });
    const pair = createSelfSignedPair('somebody');
    const connections = createClusterConnections(
      resolveConnection({ ...named(asking, urlOf(kind, way)) }, trusting),
    );
    toClose.push(connections);
    openUpgrade(connections, {
      connectionKey: 'one',
      clientCertificate: { certificate: pair.certificate, key: pair.key },
    });
    const connection = await asking.connection(0);
    expect(connection.socket.getPeerCertificate().subject.CN).toBe('somebody');
    connections.close();
    await connection.waitForClose();
    await until('the way is closed', () => way.open === 0);
  });
});

describe('[AC-20] literal addresses are asked for as such', () => {
  const addresses = [
    ['10.1.2.3', '10.1.2.3:6443', 'address:0a010203:6443'],
    ['[2001:db8::10]', '[2001:db8::10]:6443', 'address:20010db8000000000000000000000010:6443'],
  ] as const;

  it.each(addresses)('%s', async (host, authority, inSocks) => {
    for (const kind of ['http', 'socks5'] as const) {
      const forward = await startForward({ kind, answer: '' });
      const connection = resolveConnection(
        { server: `https://${host}:6443`, 'proxy-url': urlOf(kind, forward) },
        trusting,
      );
      const dialled = codedErrorOf(() => dial(connection, { ...dialOptions, timeoutMs: 300 }));
      await until('it is asked', () => forward.asked.length > 0);
      expect(forward.asked[0]).toContain(kind === 'socks5' ? inSocks : `CONNECT ${authority} HTTP/1.1`);
      expect((await dialled).code).toBe('proxy-timeout');
    }
  });
});

it.each(['http', 'socks5'] as const)(
  '[AC-20, AC-23] a cluster without TLS is reached through an %s proxy where http is allowed',
  async (kind) => {
    let received = '';
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        received += chunk.toString();
        if (received.endsWith('\r\n\r\n')) socket.write(answerWith('plain'));
      });
    });
    toClose.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const forward = await startForward({ kind, targetPort: port, isSlow: true });
    const cluster = { server: 'http://api.invalid:8080', 'proxy-url': urlOf(kind, forward) };
    const proxy = await serve(cluster, policyWith({ allowHttp: true }));
    expect((await get(proxy)).body).toBe('plain');
    expect(received).toMatch(/^GET \/api HTTP\/1\.1\r\n/);
    expect(forward.asked[0]).toContain('api.invalid:8080');
  },
);

const dialOptions = { secureContext: undefined, timeoutMs: 5_000 };

/** To nowhere but the proxy. */
function through(url: string, more: Partial<ClusterConnection> = {}): ClusterConnection {
  return { ...resolveConnection({ server: 'https://api.invalid', 'proxy-url': url }, trusting), ...more };
}

async function codeOfDial(connection: ClusterConnection, timeoutMs = 5_000): Promise<string> {
  return (await codedErrorOf(() => dial(connection, { ...dialOptions, timeoutMs }))).code;
}

const endless = `HTTP/1.1 200 OK\r\n${'X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(500)}`;

describe('what an HTTP proxy answers', () => {
  it.each([
    ['HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno', 'proxy-refused'],
    ['HTTP/1.0 400 Bad Request\r\n\r\n', 'proxy-refused'],
    ['HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\n\r\n', 'proxy-refused'],
    ['HTTP/1.1 407 Proxy Authentication Required\r\n\r\n', 'proxy-auth-required'],
    ['HTTP/1.1 502 Bad Gateway\r\n\r\n', 'proxy-target-unreachable'],
    ['HTTP/1.1 503 Service Unavailable\r\n\r\n', 'proxy-target-unreachable'],
    ['HTTP/1.1 504 Gateway Timeout\r\n\r\n', 'proxy-target-unreachable'],
    ['SSH-2.0-OpenSSH_9.9\r\n\r\n', 'proxy-answer-invalid'],
    ['HTTP/2 200\r\n\r\n', 'proxy-answer-invalid'],
    ['HTTP/1.1 200OK\r\n\r\n', 'proxy-answer-invalid'],
    ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n', 'proxy-answer-invalid'],
    ['HTTP/1.1 200 OK\r\nno colon\r\n\r\n', 'proxy-answer-invalid'],
    ['HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n', 'proxy-answer-invalid'],
    ['HTTP/1.1 200 OK\nA: b\r\n\r\n', 'proxy-answer-invalid'],
    ['HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n', 'proxy-answer-invalid'],
    ['HTTP/1.1 200 OK\r\n\r\nglued', 'proxy-answer-invalid'],
    [endless, 'proxy-answer-invalid'],
    [`${endless}\r\n`, 'proxy-answer-invalid'],
  ])('[AC-24, FA-30] %j is its reason', async (answer, code) => {
    const forward = await startForward({ kind: 'http', answer });
    expect(await codeOfDial(through(urlOf('http', forward)))).toBe(code);
    await until('it is closed', () => forward.open === 0);
  });

  it.each(['HTTP/1.1 200 OK\r\n\r\n', 'HTTP/1.0 204 Connected to it\r\nContent-Length: 5\r\n\r\n'])(
    '[AC-24] %j opens the way, however it comes',
    async (answer) => {
      const forward = await startForward({ kind: 'http', answer, isSlow: true });
      const socket = await dial(through(urlOf('http', forward), { protocol: 'http:' }), dialOptions);
      expect(socket.destroyed).toBe(false);
      socket.destroy();
    },
  );
});

describe('what a SOCKS proxy answers', () => {
  const reply = (code: number, ...rest: number[]): Buffer => Buffer.from([5, code, 0, ...rest]);

  it.each([
    [reply(1, 1, 0, 0, 0, 0, 0, 0), 'proxy-refused'],
    [reply(2), 'proxy-refused'],
    [reply(3), 'proxy-target-unreachable'],
    [reply(4), 'proxy-target-unreachable'],
    [reply(5), 'proxy-target-unreachable'],
    [reply(6), 'proxy-target-unreachable'],
    [reply(7), 'proxy-refused'],
    [reply(8), 'proxy-refused'],
    [reply(9), 'proxy-answer-invalid'],
    [Buffer.from([4, 0, 0, 1]), 'proxy-answer-invalid'],
    [Buffer.from([5, 0, 1, 1, 0, 0, 0, 0, 0, 0]), 'proxy-answer-invalid'],
    [reply(0, 2, 0, 0, 0, 0, 0, 0), 'proxy-answer-invalid'],
    [reply(0, 1, 0, 0, 0, 0, 0, 0, 0x16), 'proxy-answer-invalid'],
    [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'proxy-answer-invalid'],
  ])('[AC-24, FA-30] %j is its reason', async (answer, code) => {
    const forward = await startForward({ kind: 'socks5', answer });
    expect(await codeOfDial(through(urlOf('socks5', forward)))).toBe(code);
    await until('it is closed', () => forward.open === 0);
  });

  it.each([
    [Buffer.from([5, 0xff]), 'proxy-auth-required'],
    [Buffer.from([5, 1]), 'proxy-answer-invalid'],
    [Buffer.from([4, 0]), 'proxy-answer-invalid'],
  ])('[AC-24] %j to its methods is its reason', async (methodAnswer, code) => {
    const forward = await startForward({ kind: 'socks5', methodAnswer });
    expect(await codeOfDial(through(urlOf('socks5', forward)))).toBe(code);
  });

  it('[AC-24] a password that it asks for though none was offered is none of its answers', async () => {
    const forward = await startForward({ kind: 'socks5', methodAnswer: Buffer.from([5, 2]) });
    expect(await codeOfDial(through(urlOf('socks5', forward)))).toBe('proxy-answer-invalid');
  });

  it.each([
    reply(0, 1, 10, 0, 0, 1, 1, 187),
    reply(0, 4, ...Array<number>(16).fill(0), 1, 187),
    reply(0, 3, 3, 0x61, 0x62, 0x63, 1, 187),
  ])('[AC-24] %j opens the way, however it comes', async (answer) => {
    const forward = await startForward({ kind: 'socks5', answer, isSlow: true });
    const socket = await dial(through(urlOf('socks5', forward), { protocol: 'http:' }), dialOptions);
    expect([socket.destroyed, socket.readableLength]).toEqual([false, 0]);
    socket.destroy();
  });
});

describe.each(kinds)('an %s proxy that is not there, or is no help', (kind) => {
  it('[FA-30, PX-40] that is down is a reason of its own, by requests and upgrades alike', async () => {
    const forward = await startForwardProxy({ kind, pair: publicPair });
    await forward.close();
    const upstream = await startUpstream();
    const proxy = await serve(named(upstream, urlOf(kind, forward)));
    for (const text of [proxy.request(`GET ${proxy.pathOf('a')}/x`), upgradeRequest(proxy, 'websocket')]) {
      const { status, headers, body } = await exchangeRaw(proxy.port, text);
      expect(status).toBe(502);
      expect(headers).toContain('X-Cluster-Inventory-Error: proxy-unreachable');
      expect(body).not.toContain('127.0.0.1');
    }
    expect(proxy.entryOf('a').status).toMatchObject({
      state: 'unreachable',
      stage: 'connection',
      code: 'proxy-unreachable',
    });
  });

  it('[FA-30] whose name nobody knows', async () => {
    expect(await codeOfDial(through(`${kind}://proxy.invalid:3128`))).toBe('proxy-unreachable');
  });

  it('[PX-25] that hangs is given up within the one deadline', async () => {
    for (const methodAnswer of [undefined, Buffer.alloc(0)]) {
      const forward = await startForward({ kind, ...(methodAnswer && { methodAnswer }) });
      expect(await codeOfDial(through(urlOf(kind, forward)), 200)).toBe('proxy-timeout');
      await until('it is closed', () => forward.open === 0);
    }
  });

  it('[PX-25] that leads to a server that hangs: the same deadline, and the server’s reason', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined).resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    toClose.push(silent);
    const forward = await startForward({ kind, targetPort: (silent.address() as AddressInfo).port });
    expect(await codeOfDial(through(urlOf(kind, forward)), 300)).toBe('connect-timeout');
    await until('it is closed', () => forward.open === 0);
  });

  it('[PX-23] is left at once by somebody who leaves', async () => {
    const forward = await startForward({ kind });
    const leaving = new AbortController();
    const dialled = codedErrorOf(() =>
      dial(through(urlOf(kind, forward)), { ...dialOptions, signal: leaving.signal }),
    );
    await until('it is reached', () => forward.opened > 0);
    leaving.abort();
    expect((await dialled).code).toBe('connection-failed');
    await until('it is closed', () => forward.open === 0);
  });

  it('[PX-04, FA-11] a cluster that is removed meanwhile is a 404', async () => {
    const upstream = await startUpstream();
    const forward = await startForward({ kind });
    const proxy = await serve(named(upstream, urlOf(kind, forward)));
    const answers = [get(proxy), exchangeRaw(proxy.port, upgradeRequest(proxy, 'websocket'))];
    await until('it is reached', () => forward.opened > 1);
    proxy.remove('a');
    for (const { status } of await Promise.all(answers)) expect(status).toBe(404);
  });

  it('[FA-30] that closes without an answer', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    toClose.push(server);
    expect(await codeOfDial(through(urlOf(kind, server.address() as AddressInfo)))).toBe('proxy-unreachable');
  });

  it('[AC-25] whose name leads to an address that proxies may not have is not dialled', async () => {
    const forward = await startForward({ kind });
    const checked: string[] = [];
    const connection = through(`${kind}://localhost:${forward.port}`, {
      isAddressAllowed(address) {
        checked.push(address);
        return false;
      },
    });
    expect(await codeOfDial(connection)).toBe('proxy-address-refused');
    expect(checked).toContain('127.0.0.1');
    expect(await codeOfDial(through(urlOf(kind, forward), { isAddressAllowed: () => false }))).toBe(
      'proxy-address-refused',
    );
    expect(forward.opened).toBe(0);
  });

  it('[AC-25] the cluster’s own address is checked before its proxy is asked', async () => {
    const forward = await startForward({ kind });
    const connection = through(urlOf(kind, forward), {
      hostname: '169.254.169.254',
      isAddressAllowed: (address) => address === '127.0.0.1',
    });
    expect(await codeOfDial(connection)).toBe('server-address-refused');
    expect(forward.opened).toBe(0);
  });
});

describe('[AC-22] an https proxy', () => {
  it('that no root knows, or of another name, is told nothing', async () => {
    const pairs = [
      createSelfSignedPair('unknown', { addresses: ['127.0.0.1'] }),
      createSelfSignedPair('other', { names: ['other.invalid'] }),
    ];
    for (const pair of pairs) {
      const forward = await startForward({ kind: 'https', pair });
      expect(await codeOfDial(through(urlOf('https', forward, userInfo)))).toBe('proxy-tls-failed');
      expect(forward.asked).toEqual([]);
    }
  });

  it('is verified though the cluster is not', async () => {
    const forward = await startForward({ kind: 'https', pair: createSelfSignedPair('unknown') });
    const connection = resolveConnection(
      {
        server: 'https://api.invalid',
        'insecure-skip-tls-verify': true,
        'proxy-url': urlOf('https', forward),
      },
      { ...trusting, allowInsecure: true },
    );
    expect(await codeOfDial(connection)).toBe('proxy-tls-failed');
  });

  it('may be one that the cluster’s own authority knows', async () => {
    const pair = createSelfSignedPair('own', { addresses: ['127.0.0.1'] });
    const upstream = await startUpstream({ names: ['api.invalid'] });
    upstream.answers.push(answerWith('ok'));
    const forward = await startForward({ kind: 'https', pair, targetPort: upstream.port });
    const bundle = Buffer.from(pair.certificate + upstream.certificate).toString('base64');
    const proxy = await serve({
      ...named(upstream, urlOf('https', forward)),
      'certificate-authority-data': bundle,
    });
    expect((await get(proxy)).body).toBe('ok');
  });
});

it('[AC-20] TLS sessions with the cluster are resumed through a proxy as without one', async () => {
  const upstream = await startUpstream({ names: ['api.invalid'] });
  const forward = await startForward({ kind: 'http', targetPort: upstream.port });
  const connection = resolveConnection({ ...named(upstream, urlOf('http', forward)) }, trusting);
  const connections = createClusterConnections(connection);
  toClose.push(connections);
  // The ticket comes behind the handshake.
  upstream.answers.push('HTTP/1.1 101 Switching Protocols\r\n\r\n');
  await openUpgrade(connections, undefined).upgraded;
  openUpgrade(connections, undefined);
  expect((await upstream.connection(1)).socket.isSessionReused()).toBe(true);
});

describe('[AC-24] the variables of the environment for proxies', () => {
  const names = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'];
  const kept = names.map((name) => [name, process.env[name]] as const);

  afterEach(() => {
    for (const [name, value] of kept) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  });

  it('are not for clusters', async () => {
    const upstream = await startUpstream();
    upstream.answers.push(answerWith('straight'));
    const forward = await startForward({ kind: 'http', targetPort: upstream.port });
    for (const name of names) process.env[name] = urlOf('http', forward);
    process.env['NODE_USE_ENV_PROXY'] = '1';
    const proxy = await serve(clusterAt(upstream));
    expect((await get(proxy)).body).toBe('straight');
    const client = await openRawClient(proxy.port);
    client.send(upgradeRequest(proxy, 'websocket'));
    await until('it has come', () => upstream.heads.length === 2);
    client.socket.destroy();
    expect(forward.opened).toBe(0);
  });
});
