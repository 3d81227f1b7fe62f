import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorHeader } from '../../src/proxy/status.ts';
import { exchangeRaw, openRawClient, parseAnswer, type RawAnswer } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';
import { until } from '../support/until.ts';

let upstream: RecordingUpstream;
let proxy: Proxy;

beforeEach(async () => {
  upstream = await startRecordingUpstream();
  proxy = await startProxy({ clusters: { a: clusterAt(upstream), none: { server: 'nonsense' } } });
});

afterEach(async () => {
  await proxy.close();
  await upstream.close();
});

const webSocket = ['Upgrade: websocket', 'Connection: Upgrade'];
const codeOf = ({ headers }: RawAnswer): string | undefined =>
  headers.find((line) => line.startsWith(errorHeader))?.split(': ')[1];

/** A request with its own Host lines. */
const ask = (line: string, headers: readonly string[], body = '') =>
  exchangeRaw(proxy.port, [`${line} HTTP/1.1`, ...headers, '', body].join('\r\n'));

async function expectRefused(asked: Promise<RawAnswer>, status: number, code: string): Promise<void> {
  const answer = await asked;
  expect([answer.status, codeOf(answer)]).toEqual([status, code]);
  expect(answer.headers.join()).not.toMatch(/access-control/i);
  expect(JSON.parse(answer.body)).toMatchObject({ kind: 'Status', code: status });
  expect(upstream.connections).toHaveLength(0);
  expect(proxy.toDashboard).toEqual([]);
}

describe.each([
  ['a request', ['Connection: close']],
  ['an upgrade', webSocket],
])('%s', (_, kind) => {
  it.each(['evil.example', 'localhost.evil.example', 'localhost', '127.0.0.1:1', ''])(
    '[ID-09, TH-12] to Host %j is refused, on clusters and on the dashboard alike',
    async (host) => {
      for (const path of [proxy.pathOf('a'), '/clusters/main', '/'])
        await expectRefused(ask(`GET ${path}`, [`Host: ${host}`, ...kind]), 400, 'host-refused');
    },
  );

  it('[TH-12] with a second Host is refused', async () => {
    const hosts = [`Host: ${proxy.host}`, 'Host: evil.example'];
    const answer = await ask(`GET ${proxy.pathOf('a')}`, [...hosts, ...kind]);
    expect(answer.status).toBe(400);
    expect(upstream.connections).toHaveLength(0);
  });

  it.each([
    'Origin: http://evil.example',
    'Origin: null',
    'Sec-Fetch-Site: cross-site',
    'Sec-Fetch-Site: same-site',
  ])('[ID-09, TH-10, TH-11] to a cluster with %s is refused', async (header) => {
    await expectRefused(
      ask(`GET ${proxy.pathOf('a')}/api`, [`Host: ${proxy.host}`, header, ...kind]),
      403,
      'origin-refused',
    );
  });

  it('[ID-09] of its own origin reaches the cluster', async () => {
    upstream.answers.push(answerWith('ok'));
    const own = [`Host: ${proxy.host}`, `Origin: http://${proxy.host}`, 'Sec-Fetch-Site: same-origin'];
    expect((await ask(`GET ${proxy.pathOf('a')}/api`, [...own, ...kind])).body).toBe('ok');
  });

  it.each(['/../x', '/%2e%2e/x', '/a%5cb', '/a%00'])(
    '[PX-02, TH-40] below a cluster with %s is refused',
    async (path) => {
      await expectRefused(
        ask(`GET ${proxy.pathOf('a')}${path}`, [`Host: ${proxy.host}`, ...kind]),
        400,
        'path-refused',
      );
    },
  );

  it.each([
    '/CLUSTERS/cluster-inventory-x',
    '/x/../clusters/cluster-inventory-x',
    '//clusters/cluster-inventory-x',
  ])('[PX-02, TH-40] %s never reaches the dashboard', async (path) => {
    await expectRefused(ask(`GET ${path}`, [`Host: ${proxy.host}`, ...kind]), 400, 'path-refused');
  });

  it('[PX-02, TH-40] in absolute form is refused', async () => {
    await expectRefused(
      ask(`GET http://${proxy.host}${proxy.pathOf('a')}/x`, [`Host: ${proxy.host}`, ...kind]),
      400,
      'path-refused',
    );
  });

  it('[PX-04, PX-36] to a name of ours that is unknown is 404', async () => {
    await expectRefused(
      ask('GET /clusters/cluster-inventory-x/api', [`Host: ${proxy.host}`, ...kind]),
      404,
      'cluster-unknown',
    );
  });

  it('[PX-04, PX-36] to one that cannot be reached now is 502 with its reason', async () => {
    await expectRefused(
      ask(`GET ${proxy.pathOf('none')}/api`, [`Host: ${proxy.host}`, ...kind]),
      502,
      'server-invalid',
    );
  });

  it.each(['/portforward', '/helm/releases', '/set-token'])(
    '[PX-45] to %s of a cluster is 501',
    async (path) => {
      await expectRefused(
        ask(`GET ${proxy.pathOf('a')}${path}`, [`Host: ${proxy.host}`, ...kind]),
        501,
        'not-implemented',
      );
    },
  );

  it('[PX-02, PX-45] that names a cluster of ours in its query never reaches the dashboard', async () => {
    for (const query of ['cluster=cluster-inventory-x', 'a=b&cluster=main&cluster=%63LUSTER-inventory-x'])
      await expectRefused(
        ask(`GET /drain-nodes?${query}`, [`Host: ${proxy.host}`, ...kind]),
        501,
        'not-implemented',
      );
  });

  it('[PX-13, TH-01] with Impersonate headers is refused', async () => {
    const headers = [`Host: ${proxy.host}`, 'Impersonate-User: admin', ...kind];
    await expectRefused(ask(`GET ${proxy.pathOf('a')}/api`, headers), 403, 'impersonation-refused');
  });

  it.each(['/', '/clusters/main/api?cluster=main', '/c/cluster-inventory-x/pods'])(
    '[PX-04, PX-43] to %s is the dashboard’s',
    async (target) => {
      const answer = await ask(`GET ${target}`, [`Host: ${proxy.host}`, ...kind]);
      expect(answer.body).toBe('dashboard');
      expect(proxy.toDashboard[0]).toMatch(target);
    },
  );
});

describe('the dashboard’s own routes', () => {
  const foreign = 'Origin: http://evil.example';

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])(
    '[ID-09, TH-11] refuse a %s from another origin, without CORS headers',
    async (method) => {
      await expectRefused(
        ask(`${method} /x`, [`Host: ${proxy.host}`, 'Connection: close', foreign]),
        403,
        'origin-refused',
      );
    },
  );

  it.each(['/config', '/config?x', '/cluster-inventory/v1/clusters'])(
    '[ID-09] refuse to tell another origin about clusters: %s',
    async (path) => {
      await expectRefused(
        ask(`GET ${path}`, [`Host: ${proxy.host}`, 'Connection: close', foreign]),
        403,
        'origin-refused',
      );
    },
  );

  it('[ID-09, TH-10] refuse an upgrade from another origin', async () => {
    await expectRefused(
      ask('GET /wsMux', [`Host: ${proxy.host}`, foreign, ...webSocket]),
      403,
      'origin-refused',
    );
  });
});

describe('methods', () => {
  it('[PX-05] TRACE is 405', async () => {
    await expectRefused(
      ask(`TRACE ${proxy.pathOf('a')}/x`, [`Host: ${proxy.host}`, 'Connection: close']),
      405,
      'method-refused',
    );
  });

  it('[PX-05] CONNECT is 405, and a client that resets then does no harm', async () => {
    const failures: unknown[] = [];
    const onFailure = (error: unknown): void => void failures.push(error);
    process.on('uncaughtException', onFailure);
    const connect = `CONNECT 127.0.0.1:${upstream.port} HTTP/1.1\r\nHost: ${proxy.host}\r\n\r\n`;
    const patient = await openRawClient(proxy.port);
    patient.send(connect);
    expect(parseAnswer(await patient.waitFor('\r\n\r\n')).status).toBe(405);
    for (let count = 0; count < 20; count++) {
      const hasty = await openRawClient(proxy.port);
      hasty.socket.write(connect, () => hasty.socket.resetAndDestroy());
    }
    await until('they are gone', async () => (await proxy.countConnections()) === 0);
    await expectRefused(
      ask(`TRACE ${proxy.pathOf('a')}/x`, [`Host: ${proxy.host}`, 'Connection: close']),
      405,
      'method-refused',
    );
    process.off('uncaughtException', onFailure);
    expect(failures).toEqual([]);
  });
});

describe('what is no request', () => {
  const raw = (text: string): Promise<RawAnswer> => exchangeRaw(proxy.port, text);
  const head = (headers: string): string =>
    `POST ${proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${proxy.host}\r\n${headers}\r\n\r\n`;

  it.each([
    ['both framings', 'Content-Length: 4\r\nTransfer-Encoding: chunked'],
    ['two lengths', 'Content-Length: 4\r\nContent-Length: 5'],
    ['a length that is none', 'Content-Length: 4x'],
    ['an unknown coding', 'Transfer-Encoding: xchunked'],
    ['two codings', 'Transfer-Encoding: gzip, chunked'],
    ['a coding after chunks', 'Transfer-Encoding: chunked, identity'],
    ['a bare LF', 'Accept: a\nX-A: b'],
    ['a folded header', 'Accept: a\r\n b'],
    ['a space before the colon', 'Accept : a'],
    ['a NUL', 'Accept: a\0b'],
  ])('[TH-41] %s: 400 and closed, nothing upstream', async (_, headers) => {
    const answer = await raw(`${head(headers)}0\r\n\r\n`);
    expect(answer.status).toBe(400);
    expect(answer.headers).toContain('Connection: close');
    expect(upstream.connections).toHaveLength(0);
  });

  it('[PX-27, TH-44] more than 64 KiB of headers is 431 and closed; nearly as much passes', async () => {
    upstream.answers.push(answerWith('ok'));
    const padded = (bytes: number): string =>
      head(`Content-Length: 0\r\nConnection: close\r\nAccept: ${'a'.repeat(bytes)}`);
    expect((await raw(padded(60_000))).status).toBe(200);
    const answer = await raw(padded(70_000));
    expect(answer.status).toBe(431);
    expect(answer.headers).toContain('Connection: close');
    expect(upstream.heads).toHaveLength(1);
  });

  it('[TH-41] behind a request that is being answered puts nothing into its answer', async () => {
    const client = await openRawClient(proxy.port);
    client.send(`GET ${proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${proxy.host}\r\n\r\n`);
    const connection = await upstream.connection(0);
    await connection.waitFor('\r\n\r\n');
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart');
    await client.waitFor('part');
    client.send('nonsense\r\n\r\n');
    expect(await client.waitForEnd()).toMatch(/part$/);
    expect(client.outcome).toBe('ECONNRESET');
  });

  it.each([
    ['no request', 'nonsense\r\n\r\n'],
    ['a broken body', 'POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n'],
  ])(
    '[PX-23, TH-41] %s behind a request that waits for its answer is not answered in its place',
    async (_, next) => {
      const client = await openRawClient(proxy.port);
      client.send(`GET ${proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${proxy.host}\r\n\r\n`);
      await (await upstream.connection(0)).waitFor('\r\n\r\n');
      client.send(next.replace('Host: x', `Host: ${proxy.host}`));
      expect(await client.waitForEnd()).toBe('');
      expect(client.outcome).toBe('ECONNRESET');
    },
  );

  it('[TH-41] a broken body of the request itself is 400', async () => {
    const answer = await raw(`${head('Transfer-Encoding: chunked')}nonsense\r\n`);
    expect(answer.status).toBe(400);
  });

  it('[TH-41] behind a request that has its answer is 400', async () => {
    upstream.answers.push(answerWith('ok'));
    const client = await openRawClient(proxy.port);
    client.send(`GET ${proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${proxy.host}\r\n\r\n`);
    await client.waitFor('\r\n\r\nok');
    client.send('nonsense\r\n\r\n');
    expect(await client.waitForEnd()).toMatch(/okHTTP\/1\.1 400 Bad Request\r\n/);
  });
});

it('[PX-04] below a base path', async () => {
  const based = await startProxy({ clusters: { a: clusterAt(upstream) }, baseUrl: '/head/lamp' });
  upstream.answers.push('HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n');
  const answer = await exchangeRaw(based.port, based.request(`GET ${based.pathOf('a')}/x`));
  expect(answer.headers).toContain(`Location: ${based.pathOf('a')}/there`);
  expect(based.pathOf('a')).toMatch(/^\/head\/lamp\/clusters\//);
  expect(upstream.heads[0]).toMatch(/^GET \/x /);
  await based.close();
});
