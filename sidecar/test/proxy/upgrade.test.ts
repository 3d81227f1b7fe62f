import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createManualClock, type ManualClock } from '../support/manualClock.ts';
import { exchangeRaw, openRawClient, parseAnswer, type RawClient } from '../support/rawClient.ts';
import {
  answerWith,
  type RecordingUpstream,
  startRecordingUpstream,
  type UpstreamConnection,
} from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';
import { until } from '../support/until.ts';

let upstream: RecordingUpstream;
let proxy: Proxy;
let clock: ManualClock;

beforeEach(async () => {
  clock = createManualClock();
  upstream = await startRecordingUpstream();
  proxy = await startProxy({ clusters: { a: clusterAt(upstream, '/base?q=1') }, clock });
});

afterEach(async () => {
  await proxy.close();
  await upstream.close();
});

const exec = '/api/v1/namespaces/n/pods/p/exec?command=sh&command=-c';
const switched = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

function upgradeRequest(headers: readonly string[] = [], method = 'GET', upgrade = 'websocket'): string {
  return [
    `${method} ${proxy.pathOf('a')}${exec} HTTP/1.1`,
    `Host: ${proxy.host}`,
    'Connection: Upgrade',
    `Upgrade: ${upgrade}`,
    ...headers,
    '\r\n',
  ].join('\r\n');
}

interface Opened {
  readonly client: RawClient;
  readonly connection: UpstreamConnection;
}

/** Up to where the cluster has been asked. */
async function open(request = upgradeRequest()): Promise<Opened> {
  const client = await openRawClient(proxy.port);
  client.send(request);
  const connection = await upstream.connection(upstream.connections.length);
  await connection.waitFor('\r\n\r\n');
  return { client, connection };
}

async function openTunnel(): Promise<Opened> {
  const opened = await open();
  opened.connection.send(switched);
  await opened.client.waitFor('\r\n\r\n');
  return opened;
}

describe('an upgrade', () => {
  it('[PX-01, PX-03, PX-30, PX-31, PX-35] reaches the cluster as a request would, subprotocols in their order', async () => {
    await open(
      upgradeRequest([
        'Sec-WebSocket-Key: a2V5',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Protocol: v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.c2VjcmV0, x',
        'Sec-WebSocket-Protocol: v4.channel.k8s.io',
        'Cookie: session=secret',
        `Origin: http://${proxy.host}`,
      ]),
    );
    expect(upstream.heads[0]?.replace(/[0-9a-f-]{36}/, '<uuid>').split('\r\n')).toEqual([
      'GET /base/api/v1/namespaces/n/pods/p/exec?q=1&command=sh&command=-c HTTP/1.1',
      `Host: 127.0.0.1:${upstream.port}`,
      'Sec-WebSocket-Key: a2V5',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Protocol: v5.channel.k8s.io, x',
      'Sec-WebSocket-Protocol: v4.channel.k8s.io',
      `Origin: https://127.0.0.1:${upstream.port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Authorization: Bearer token-1',
      'Audit-ID: <uuid>',
      '',
      '',
    ]);
  });

  it('[PX-30] hands the answer of the cluster on, less what it may not say', async () => {
    const { client, connection } = await open();
    connection.send(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSet-Cookie: a=b\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\nX-Reload: reload\r\n\r\n',
    );
    const { status, headers } = parseAnswer(await client.waitFor('\r\n\r\n'));
    expect(status).toBe(101);
    expect([...headers].sort()).toEqual([
      'Connection: Upgrade',
      'Sec-WebSocket-Accept: x',
      'Sec-WebSocket-Protocol: v4.channel.k8s.io',
      'Upgrade: websocket',
    ]);
    expect(proxy.entryOf('a').status.state).toBe('ready');
  });

  it.each(['GET', 'POST'])('[PX-30] to SPDY/3.1 by %s has no body', async (method) => {
    const { client, connection } = await open(
      upgradeRequest(['X-Stream-Protocol-Version: v4.channel.k8s.io'], method, 'SPDY/3.1'),
    );
    expect(connection.received).toMatch(new RegExp(`^${method} /base/api/`));
    expect(connection.received).toContain('\r\nUpgrade: SPDY/3.1\r\n');
    expect(connection.received).toContain('\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n');
    expect(connection.received).not.toMatch(/transfer-encoding/i);
    connection.send(switched.replace('websocket', 'SPDY/3.1'));
    expect(await client.waitFor('\r\n\r\n')).toContain('\r\nUpgrade: SPDY/3.1\r\n');
    client.send('spdy');
    await connection.waitFor('spdy');
    expect(connection.received).toMatch(/\r\n\r\nspdy$/);
  });

  it('[PX-25] is waited for as long as it takes; its cluster may have to start something first', async () => {
    const { client, connection } = await open();
    clock.advance(600_000);
    connection.send(switched);
    await client.waitFor('101');
  });

  it('[PX-25, PX-36] of something that takes no time is 504 after its limit', async () => {
    const { client, connection } = await open(
      upgradeRequest().replace(exec, '/api/v1/namespaces/n/pods/p/log'),
    );
    clock.advance(60_000);
    expect(parseAnswer(await client.waitForEnd()).status).toBe(504);
    await connection.waitForClose();
  });
});

describe('a tunnel', () => {
  it('[PX-34] keeps bytes that came glued to either head', async () => {
    const { client, connection } = await open(`${upgradeRequest()}\x81\x82\xffglued`);
    connection.send(`${switched}\x82\x81\xfeglued too`);
    expect(await client.waitFor('too')).toMatch(/\r\n\r\n\x82\x81\xfeglued too$/);
    await connection.waitFor('glued');
    expect(connection.received).toMatch(/\r\n\r\n\x81\x82\xffglued$/);
  });

  it('[PX-34] carries every byte in both directions', async () => {
    const { client, connection } = await openTunnel();
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256));
    const text = bytes.toString('latin1');
    client.send(bytes);
    connection.send(bytes);
    await until('all of it', () => client.received.length + connection.received.length >= 600_000);
    expect(client.received.endsWith(text)).toBe(true);
    await until('all of it', () => connection.received.endsWith(text));
  });

  it('[PX-34] delivers what its client sent before a FIN, and still what the cluster says to it', async () => {
    const { client, connection } = await openTunnel();
    client.socket.end('last words');
    await connection.waitFor('last words');
    await until('upstream sees the FIN', () => connection.ended);
    connection.send('an answer');
    connection.socket.end();
    expect(await client.waitForEnd()).toMatch(/\r\n\r\nan answer$/);
    expect(client.outcome).toBe('end');
  });

  it('[PX-34] delivers what the cluster sent before a FIN', async () => {
    const { client, connection } = await openTunnel();
    connection.send('last words');
    connection.socket.end();
    expect(await client.waitForEnd()).toMatch(/\r\n\r\nlast words$/);
    expect(client.outcome).toBe('end');
  });

  it('[PX-34] that the cluster has left reads on for 5 s, so that nothing of it is lost to a reset', async () => {
    const { client, connection } = await openTunnel();
    connection.send('last words');
    connection.socket.end();
    expect(await client.waitForEnd()).toMatch(/last words$/);
    await until('upstream is closed', () => connection.socket.closed);
    for (let count = 0; count < 10; count++) {
      client.send('more');
      // A round trip, in which a reset would have come.
      await exchangeRaw(proxy.port, proxy.request('GET /'));
    }
    expect(client.outcome).toBe('end');
    client.socket.end('the last');
    await until('it is closed', async () => (await proxy.countConnections()) === 0);
  });

  it('[PX-34] closes a client that stays for 5 s after the FIN of its cluster', async () => {
    const { client, connection } = await openTunnel();
    connection.socket.end();
    await client.waitForEnd();
    await until('upstream is closed', () => connection.socket.closed);
    clock.advance(4_999);
    expect(await proxy.countConnections()).toBe(1);
    clock.advance(1);
    await until('it is closed', async () => (await proxy.countConnections()) === 0);
  });

  it('[PX-34] closes the end that goes on sending 5 s after the FIN of the other', async () => {
    const { client, connection } = await openTunnel();
    client.socket.end();
    await until('upstream sees the FIN', () => connection.ended);
    clock.advance(4_999);
    connection.send('still');
    await client.waitFor('still');
    clock.advance(1);
    await until('upstream is closed', () => connection.socket.closed || writeFails(connection));
    await client.waitForEnd();
  });

  it('[PX-23] ends with its client', async () => {
    const { client, connection } = await openTunnel();
    client.socket.resetAndDestroy();
    await connection.waitForClose();
  });

  it('[PX-23] ends with its cluster', async () => {
    const { client, connection } = await openTunnel();
    connection.reset();
    await client.waitForEnd();
  });

  it('[PX-41, FA-11] ends when the cluster is removed, at once', async () => {
    const { client, connection } = await openTunnel();
    proxy.remove('a');
    await client.waitForEnd();
    await connection.waitForClose();
  });
});

describe('an upgrade that the cluster refuses', () => {
  it.each(['O\x01K', 'O\xffK'])('[PX-42] with the reason %j is refused all the same', async (reason) => {
    const { client, connection } = await open();
    connection.send(answerWith('no', `403 ${reason}`));
    expect(await client.waitForEnd()).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
  });

  it.each([
    ['of known length', answerWith('{"kind":"Status"}', '403 Forbidden', 'Set-Cookie: a=b\r\n')],
    [
      'in chunks',
      'HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n{"kind":"Status"}\r\n0\r\n\r\n',
    ],
  ])('[PX-33] its status and its body %s reach the client, then both ends close', async (_, answer) => {
    const { client, connection } = await open();
    connection.send(answer);
    const { status, headers, body, outcome } = parseAnswer(await client.waitForEnd(), client.outcome);
    expect([status, body, outcome]).toEqual([403, '{"kind":"Status"}', 'end']);
    expect(headers).toContain('Connection: close');
    expect(headers).toContain("Content-Security-Policy: default-src 'none'; sandbox");
    expect(headers.join()).not.toMatch(/Set-Cookie|Transfer-Encoding/);
    await connection.waitForClose();
  });

  it('[PX-33, TH-43] nothing further on that socket reaches the cluster', async () => {
    const { client, connection } = await open();
    connection.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\n');
    await client.waitFor('403');
    client.send('GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n');
    connection.send('body');
    expect(parseAnswer(await client.waitForEnd()).body).toBe('body');
    await connection.waitForClose();
    expect(upstream.connections.map(({ received }) => received).join()).not.toContain('smuggled');
  });

  it('[PX-23] a body that breaks off is no clean end', async () => {
    const { client, connection } = await open();
    connection.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\npart');
    await client.waitFor('part');
    connection.socket.end();
    await client.waitForEnd();
    expect(client.outcome).toBe('ECONNRESET');
  });

  it('[PX-23] a client that goes away during the body ends it upstream', async () => {
    const { client, connection } = await open();
    connection.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\npart');
    await client.waitFor('part');
    client.socket.resetAndDestroy();
    await connection.waitForClose();
  });

  it('[PX-17, PX-36] a redirect elsewhere is 502', async () => {
    const { client, connection } = await open();
    connection.send('HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n');
    const { status, headers } = parseAnswer(await client.waitForEnd());
    expect(status).toBe(502);
    expect(headers).toContain('X-Cluster-Inventory-Error: redirect-refused');
  });

  it('[EX-25] a 401 is asked again once with the next credential', async () => {
    const { client, connection } = await open();
    connection.send(answerWith('no', '401 Unauthorized'));
    const second = await upstream.connection(1);
    await second.waitFor('Authorization: Bearer token-2\r\n');
    await connection.waitForClose();
    second.send(switched);
    await client.waitFor('101');
    client.send('onwards');
    await second.waitFor('onwards');
  });

  it('[EX-25] a POST is not sent again after a 401', async () => {
    const { client, connection } = await open(upgradeRequest([], 'POST', 'SPDY/3.1'));
    connection.send(answerWith('no', '401 Unauthorized'));
    expect(parseAnswer(await client.waitForEnd())).toMatchObject({ status: 502 });
    expect(upstream.connections).toHaveLength(1);
    expect(proxy.credentialsOf('a').rejected).toEqual(['token-1']);
  });
});

describe('an upgrade that fails before it is answered', () => {
  it('[PX-36] because nothing listens is a 502 Status', async () => {
    await upstream.close();
    const { status, headers } = await exchangeRaw(proxy.port, upgradeRequest());
    expect(status).toBe(502);
    expect(headers).toContain('X-Cluster-Inventory-Error: connection-refused');
  });

  it('[PX-36] because the cluster breaks off is a 502 Status', async () => {
    const { client, connection } = await open();
    connection.reset();
    const { status, headers } = parseAnswer(await client.waitForEnd());
    expect(status).toBe(502);
    expect(headers).toContain('X-Cluster-Inventory-Error: connection-reset');
  });

  it('[PX-36, FA-30] because the answer is not HTTP is a 502 Status', async () => {
    const { client, connection } = await open();
    connection.send('nonsense\r\n\r\n');
    const { status, headers } = parseAnswer(await client.waitForEnd());
    expect(status).toBe(502);
    expect(headers).toContain('X-Cluster-Inventory-Error: response-invalid');
  });

  it('[PX-36, FA-11] because the cluster was removed is its 404', async () => {
    const { client, connection } = await open();
    proxy.remove('a');
    expect(parseAnswer(await client.waitForEnd()).status).toBe(404);
    await connection.waitForClose();
  });

  it('[PX-23] because its client went away ends upstream, and is no fault of the cluster', async () => {
    const { client, connection } = await open();
    client.socket.resetAndDestroy();
    await connection.waitForClose();
    expect(proxy.entryOf('a').status.state).toBe('not-checked');
  });

  it('[PX-23] because its client went away while the credential was fetched asks nothing', async () => {
    const credentials = proxy.credentialsOf('a');
    const held = Promise.withResolvers<undefined>();
    let asked = 0;
    credentials.answer = async () => {
      asked++;
      await held.promise;
      return { token: 'late', connectionKey: '' };
    };
    const client = await openRawClient(proxy.port);
    client.send(upgradeRequest());
    await until('the credential is asked for', () => asked > 0);
    client.socket.resetAndDestroy();
    await until('the client has gone', async () => (await proxy.countConnections()) === 0);
    held.resolve(undefined);
    credentials.answer = undefined;
    // What is asked later is answered later: by then the first one would have come, too.
    const { client: next } = await open(upgradeRequest().replace(exec, '/after'));
    upstream.connections[0]?.send(switched);
    await next.waitFor('101');
    expect(upstream.heads.map((head) => head.split(' ')[1])).toEqual(['/base/after?q=1']);
  });
});

describe('what is no upgrade', () => {
  it.each([
    ['Content-Length: 4', 'body'],
    ['Transfer-Encoding: chunked', '4\r\nbody\r\n0\r\n\r\n'],
  ])('[PX-32] with %s is 400, and nothing is asked', async (header, body) => {
    const { status, headers } = await exchangeRaw(proxy.port, upgradeRequest([header]) + body);
    expect(status).toBe(400);
    expect(headers).toContain('X-Cluster-Inventory-Error: upgrade-invalid');
    expect(upstream.connections).toHaveLength(0);
  });

  it('[PX-32, PX-36] with a body to the dashboard is 400 as well, and reaches nobody', async () => {
    const answer = await exchangeRaw(
      proxy.port,
      `GET /clusters/main/x HTTP/1.1\r\nHost: ${proxy.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc`,
    );
    expect(answer.status).toBe(400);
    expect(proxy.toDashboard).toEqual([]);
  });

  it('[PX-32] with Content-Length: 0 is one', async () => {
    const { client, connection } = await open(upgradeRequest(['Content-Length: 0'], 'POST', 'SPDY/3.1'));
    connection.send(switched);
    await client.waitFor('101');
  });

  it.each([
    ['Upgrade, HTTP2-Settings', 'h2c'],
    ['Upgrade', 'websocket2'],
    ['Upgrade', 'SPDY/3'],
    ['keep-alive', 'websocket'],
    ['X-Upgrade', 'websocket'],
  ])(
    '[PX-32] Connection: %s with Upgrade: %s goes on as an ordinary request',
    async (connection, upgrade) => {
      upstream.answers.push(answerWith('ordinary'));
      const client = await openRawClient(proxy.port);
      client.send(
        `GET ${proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${proxy.host}\r\nConnection: ${connection}\r\n` +
          `Upgrade: ${upgrade}\r\nHTTP2-Settings: x\r\nAccept: a\r\n\r\n`,
      );
      expect(await client.waitFor('ordinary')).toMatch(/^HTTP\/1.1 200 OK\r\n/);
      expect(upstream.heads[0]).toContain('\r\nAccept: a\r\n');
      expect(upstream.heads[0]).not.toMatch(/upgrade|settings/i);
      client.socket.destroy();
    },
  );

  it('[PX-32] the token may be in any case and among others', async () => {
    const { client, connection } = await open(
      upgradeRequest([], 'GET', 'WebSocket').replace(
        'Connection: Upgrade',
        'Connection: keep-alive, upgrade',
      ),
    );
    connection.send(switched);
    await client.waitFor('101');
  });
});

function writeFails({ socket }: UpstreamConnection): boolean {
  socket.write('x');
  return socket.destroyed;
}
