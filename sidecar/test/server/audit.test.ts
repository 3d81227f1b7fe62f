import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { desktopAccessPolicy } from '../../src/clusters/accessPolicy.ts';
import type { AccessMode } from '../../src/config/accessPolicyFile.ts';
import type { HubSession } from '../../src/dashboard/hubSession.ts';
import { CodedError } from '../../src/foundation/errors.ts';
import { createLog } from '../../src/foundation/log.ts';
import { createGate, type Gate } from '../../src/identity/gate.ts';
import { allowTraffic, createFakeReviews, type FakeReviews, person } from '../support/fakeReviews.ts';
import { createManualClock, type ManualClock } from '../support/manualClock.ts';
import { exchangeRaw, openRawClient, type RawAnswer } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, type ProxyOptions, startProxy } from '../support/startProxy.ts';
import { until } from '../support/until.ts';

type Line = Readonly<Record<string, unknown>>;

let clock: ManualClock;
let upstream: RecordingUpstream;
let reviews: FakeReviews;
let gate: Gate;
let proxy: Proxy;
let logged: string[];

/** The dashboard takes every token, and keeps none. */
const session: HubSession = {
  copyCookies: () => [],
  setToken: () => Promise.resolve({ status: 200, setCookies: [] }),
  renew: () => Promise.resolve(undefined),
};

beforeEach(async () => {
  clock = createManualClock();
  logged = [];
  upstream = await startRecordingUpstream();
  reviews = createFakeReviews({
    'token-of-ann': person('ann', { uid: 'u-1', groups: ['dev', 'system:authenticated'] }),
    'token-of-ben': person('ben'),
  });
  reviews.allows = allowTraffic({ ann: ['get', 'create', 'update', 'patch', 'delete'] });
  const hashKey = new Uint8Array(32);
  gate = createGate({ reviews, clock, hashKey, outageGraceMs: 60_000, streamGraceMs: 60_000 });
  proxy = await open('impersonate');
});

afterEach(async () => {
  await proxy.close();
  await upstream.close();
});

async function restart(mode: AccessMode, more: Partial<ProxyOptions> = {}): Promise<void> {
  await proxy.close();
  proxy = await open(mode, more);
}

function open(mode: AccessMode, more: Partial<ProxyOptions> = {}): Promise<Proxy> {
  const { builtIn } = desktopAccessPolicy;
  return startProxy({
    clusters: { a: clusterAt(upstream) },
    clock,
    gate,
    session,
    policy: {
      ...desktopAccessPolicy,
      builtIn: { ...builtIn, mode, users: { ...builtIn.users, prefix: 'hub:', groupPrefix: 'hub:' } },
    },
    log: createLog({
      format: 'json',
      level: 'debug',
      write: (line) => logged.push(line),
      now: () => clock.now(),
    }),
    ...more,
  });
}

const ann = 'Authorization: Bearer token-of-ann';
const ben = 'Authorization: Bearer token-of-ben';

/** `line` is a method and what is below the cluster. */
async function ask(line: string, headers: readonly string[] = [ann], body = ''): Promise<RawAnswer> {
  const [method = '', below = ''] = line.split(' ');
  return exchangeRaw(proxy.port, proxy.request(`${method} ${proxy.pathOf('a')}${below}`, headers, body));
}

/** The lines, once there are as many. */
async function lines(count: number): Promise<readonly Line[]> {
  await until(`${count} lines of ${proxy.auditLines.join('')}`, () => proxy.auditLines.length >= count);
  const read = proxy.auditLines.map((text) => JSON.parse(text) as Line);
  expect(read).toHaveLength(count);
  return read;
}

describe('requests', () => {
  it('[ID-30, ID-31] a write: who, to what, as whom, and the id that the cluster got', async () => {
    upstream.answers.push(answerWith('created', '201 Created'));
    const path = '/apis/apps/v1/namespaces/n/deployments/web/scale?dryRun=All';
    await ask(`PUT ${path}`, [ann, 'Content-Length: 4'], 'body');
    const [{ requestId, ...line } = {}] = await lines(1);
    expect(line).toEqual({
      schema: 'cluster-inventory.headlamp.dev/audit/v1',
      time: '2026-01-01T00:00:00.000Z',
      event: 'request',
      sourceAddress: '127.0.0.1',
      user: 'ann',
      uid: 'u-1',
      groups: ['dev', 'system:authenticated'],
      cluster: { key: 'store/hub/fleet/a', uid: 'a', name: proxy.entryOf('a').name },
      mode: 'impersonate',
      identitySent: { user: 'hub:ann', groups: ['hub:dev'] },
      provider: 'provider',
      verb: 'update',
      apiGroup: 'apps',
      resource: 'deployments',
      subresource: 'scale',
      namespace: 'n',
      name: 'web',
      decision: 'allow',
      status: 201,
      durationMs: 0,
      bytesIn: 4,
      bytesOut: 7,
    });
    expect(upstream.heads[0]).toContain(`\r\nAudit-ID: ${String(requestId)}\r\n`);
    expect(upstream.heads[0]).toContain('\r\nImpersonate-User: hub:ann\r\nImpersonate-Group: hub:dev\r\n');
  });

  it('[ID-31] a client’s own Audit-ID is nobody’s', async () => {
    upstream.answers.push(answerWith(''));
    await ask('DELETE /api/v1/nodes/n', [ann, 'Audit-ID: of-the-client']);
    expect(upstream.heads[0]?.match(/audit-id: .*/gi)).toEqual([
      `Audit-ID: ${String((await lines(1))[0]?.['requestId'])}`,
    ]);
    expect(proxy.auditLines.join('')).not.toContain('of-the-client');
  });

  it('[ID-30] a body in chunks is counted as it goes, and arrives whole', async () => {
    upstream.answers.push(answerWith(''));
    await ask('POST /x', [ann, 'Transfer-Encoding: chunked'], '3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n');
    expect((await lines(1))[0]).toMatchObject({ bytesIn: 7, verb: 'create' });
    expect((await upstream.connection(0)).received).toMatch(/abc[^]*defg/);
  });

  it('[ID-30] reads once a minute; under --audit=all each', async () => {
    for (let count = 0; count < 4; count++) upstream.answers.push(answerWith('pods'));
    await ask('GET /api/v1/pods');
    await ask('GET /api/v1/pods');
    expect((await lines(1))[0]).toMatchObject({ verb: 'get', resource: 'pods', bytesOut: 4 });
    await restart('impersonate', { auditMode: 'all' });
    await ask('GET /api/v1/pods');
    await ask('GET /clusters');
    await lines(2);
  });

  it('[ID-30] what the sidecar answers for the cluster is a read, of which an access review is one', async () => {
    await restart('impersonate', { auditMode: 'all' });
    const review = JSON.stringify({ spec: { resourceAttributes: { verb: 'delete', resource: 'pods' } } });
    reviews.allows = allowTraffic({ ann: ['get'] });
    await ask(
      'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      [ann, `Content-Length: ${review.length}`],
      review,
    );
    expect(upstream.heads).toEqual([]);
    expect((await lines(1))[0]).toMatchObject({ verb: 'get', status: 201, decision: 'allow' });
  });

  it('[ID-30] what fails has the code of its error, and no refusal', async () => {
    const { port } = upstream;
    await upstream.close();
    await ask('DELETE /api/v1/nodes/n');
    expect((await lines(1))[0]).toMatchObject({
      decision: 'allow',
      code: 'connection-refused',
      status: 502,
      name: 'n',
    });
    expect(proxy.auditLines.join('')).not.toContain(String(port));
    upstream = await startRecordingUpstream();
  });

  it('[ID-30] a client that leaves before its answer was answered nothing', async () => {
    const client = await openRawClient(proxy.port);
    client.send(proxy.request(`DELETE ${proxy.pathOf('a')}/api/v1/nodes/n`, [ann]));
    await upstream.connection(0);
    client.socket.destroy();
    const [line] = await lines(1);
    expect(line).toMatchObject({ decision: 'allow', code: 'connection-reset' });
    expect(line).not.toHaveProperty('status');
  });

  it('[ID-30] under shared nobody’s name goes to the cluster; under passthrough it is not ours to say', async () => {
    for (const mode of ['shared', 'passthrough'] as const) {
      await restart(mode, { auditMode: 'all' });
      upstream.answers.push(answerWith(''));
      await ask('DELETE /api/v1/nodes/n');
      const [line] = await lines(1);
      expect(line).toMatchObject({ mode, user: 'ann' });
      expect(line).not.toHaveProperty('identitySent');
    }
  });

  it('[ID-24, ID-30] who acts as another is named beside them, also when they may not', async () => {
    await ask('DELETE /api/v1/nodes/n', [ann, 'Impersonate-User: cara']);
    expect((await lines(1))[0]).toMatchObject({
      user: 'ann',
      decision: 'deny',
      code: 'impersonation-refused',
    });
    reviews.allows = () => true;
    clock.advance(60_000);
    upstream.answers.push(answerWith(''));
    await ask('DELETE /api/v1/nodes/n', [ann, 'Impersonate-User: cara']);
    expect((await lines(2))[1]).toMatchObject({
      user: 'ann',
      actsAs: { user: 'cara' },
      identitySent: { user: 'hub:cara' },
    });
  });

  it('[ID-18, ID-30] who could not be confirmed lately is marked', async () => {
    upstream.answers.push(answerWith(''), answerWith(''));
    await ask('DELETE /api/v1/nodes/n');
    reviews.isAway = true;
    clock.advance(20_000);
    await ask('DELETE /api/v1/nodes/n');
    const [first, second] = await lines(2);
    expect(first).not.toHaveProperty('stale');
    expect(second).toMatchObject({ stale: true, decision: 'allow' });
  });

  it('[ID-30] the address that a trusted proxy names, and of others their own', async () => {
    const forwarded = [ann, 'X-Forwarded-For: 203.0.113.1, 192.0.2.7'];
    upstream.answers.push(answerWith(''), answerWith(''), answerWith(''), answerWith(''));
    await ask('DELETE /x', forwarded);
    expect((await lines(1))[0]).toMatchObject({ sourceAddress: '127.0.0.1' });
    const addressesBehind = async (trustedProxies: readonly string[], headers: readonly string[]) => {
      await restart('impersonate', { trustedProxies });
      await ask('DELETE /x', headers);
      return (await lines(1))[0]?.['sourceAddress'];
    };
    expect(await addressesBehind(['127.0.0.1'], forwarded)).toBe('192.0.2.7');
    expect(await addressesBehind(['127.0.0.1', '192.0.2.0/24'], forwarded)).toBe('203.0.113.1');
    expect(await addressesBehind(['127.0.0.1'], [ann, 'X-Forwarded-For: secret'])).toBe('127.0.0.1');
  });
});

describe('refusals', () => {
  it.each<[string, string, readonly string[]]>([
    ['sign-in-required', 'GET /api/v1/pods', []],
    ['token-rejected', 'GET /api/v1/pods', ['Authorization: Bearer made-up']],
    ['origin-refused', 'GET /api/v1/pods', [ann, 'Origin: https://evil.example']],
    ['not-implemented', 'GET /portforward', [ann]],
  ])('[ID-30] %s, before anybody is known: the cluster as the path names it', async (code, line, headers) => {
    await ask(line, headers);
    const [{ requestId, time, durationMs, ...written } = {}] = await lines(1);
    expect([typeof requestId, typeof time, typeof durationMs]).toEqual(['string', 'string', 'number']);
    expect(written).toMatchObject({
      event: 'request',
      decision: 'deny',
      code,
      sourceAddress: '127.0.0.1',
      cluster: { name: proxy.entryOf('a').name },
    });
    expect(written).not.toHaveProperty('user');
  });

  it('[ID-30] a path that is no cluster’s, and an upgrade of nobody', async () => {
    await exchangeRaw(proxy.port, proxy.request(`GET ${proxy.pathOf('a')}/../x`));
    await ask('GET /exec', ['Connection: Upgrade', 'Upgrade: websocket']);
    expect(await lines(2)).toMatchObject([
      { code: 'path-refused', status: 400 },
      { code: 'sign-in-required', status: 401 },
    ]);
  });

  it('[ID-30] of what a user may not do, each: with what it was', async () => {
    reviews.allows = ({ name }, { resource, subresource, verb }) =>
      name === 'ben' && resource === 'clusterprofiles' && !subresource && verb === 'get';
    await ask('DELETE /api/v1/namespaces/n/secrets/s', [ben]);
    await ask('DELETE /api/v1/namespaces/n/secrets/s', [ben]);
    const refused = { user: 'ben', verb: 'delete', resource: 'secrets', name: 's', code: 'access-denied' };
    expect(await lines(2)).toMatchObject([refused, refused]);
    expect((await lines(2))[0]).toMatchObject({ decision: 'deny', status: 403, cluster: { uid: 'a' } });
  });

  it('[ID-15, ID-30] a cluster that does not exist is written as it was asked for', async () => {
    await exchangeRaw(proxy.port, proxy.request('GET /clusters/cluster-inventory-none/version', [ann]));
    expect((await lines(1))[0]).toMatchObject({
      user: 'ann',
      code: 'cluster-unknown',
      cluster: { name: 'cluster-inventory-none' },
    });
  });

  it('the dashboard’s own requests are not in it', async () => {
    await restart('impersonate', { auditMode: 'all' });
    await exchangeRaw(proxy.port, proxy.request('GET /clusters/main/version'));
    await exchangeRaw(proxy.port, proxy.request('POST /plugins', ['Content-Length: 0']));
    expect(proxy.toDashboard).toHaveLength(2);
    await lines(0);
  });
});

describe('streams', () => {
  const switched = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  const openTerminal = async () => {
    const client = await openRawClient(proxy.port);
    upstream.answers.push(`${switched}hi`);
    client.send(
      [
        `GET ${proxy.pathOf('a')}/api/v1/namespaces/n/pods/p/exec?command=secret HTTP/1.1`,
        `Host: ${proxy.host}`,
        ...['Connection: Upgrade', 'Upgrade: websocket', ann, '', 'typed'],
      ].join('\r\n'),
    );
    await client.waitFor('hi');
    return client;
  };

  it('[ID-30] a terminal: a line when it begins, one when it ends, with its bytes', async () => {
    const client = await openTerminal();
    expect((await lines(1))[0]).toMatchObject({ event: 'stream-start', status: 101, verb: 'create' });
    const connection = await upstream.connection(0);
    await connection.waitFor('typed');
    client.send('more');
    await connection.waitFor('more');
    connection.send('output');
    await client.waitFor('output');
    clock.advance(1500);
    client.socket.end();
    connection.socket.end();
    const [start, end] = await lines(2);
    expect(end).toMatchObject({
      event: 'stream-end',
      requestId: start?.['requestId'],
      subresource: 'exec',
      decision: 'allow',
      durationMs: 1500,
      bytesIn: 'typedmore'.length,
      bytesOut: 'hioutput'.length,
    });
    expect(end).not.toHaveProperty('code');
  });

  it('[ID-14, ID-30] one that is ended says why', async () => {
    const client = await openTerminal();
    gate.signOut('token-of-ann');
    await client.waitForEnd();
    expect((await lines(2))[1]).toMatchObject({
      event: 'stream-end',
      decision: 'deny',
      code: 'sign-in-required',
      status: 101,
    });
  });

  it('[ID-30] a watch begins when the cluster answers, and ends when its access goes', async () => {
    const client = await openRawClient(proxy.port);
    upstream.answers.push('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    client.send(proxy.request(`GET ${proxy.pathOf('a')}/api/v1/pods?watch=1`, [ann]));
    await client.waitFor('abc');
    expect((await lines(1))[0]).toMatchObject({ event: 'stream-start', verb: 'get', status: 200 });
    proxy.remove('a');
    await client.waitForEnd();
    expect((await lines(2))[1]).toMatchObject({
      event: 'stream-end',
      status: 200,
      code: 'cluster-unknown',
      bytesOut: 3,
    });
  });

  it('[ID-30] an upgrade that the cluster refuses is one line with its status', async () => {
    upstream.answers.push(
      answerWith('no', '403 Forbidden'),
      answerWith('{"status":{"allowed":true}}', '201 X'),
    );
    await restart('shared');
    await ask('GET /api/v1/namespaces/n/pods/p/exec', ['Connection: Upgrade', 'Upgrade: websocket', ann]);
    expect((await lines(1))[0]).toMatchObject({ event: 'request', status: 403, bytesOut: 2 });
  });

  it('[ID-30] an upgrade that does not reach the cluster says why', async () => {
    await upstream.close();
    await ask('GET /api/v1/namespaces/n/pods/p/exec', ['Connection: Upgrade', 'Upgrade: websocket', ann]);
    expect(await lines(1)).toMatchObject([{ event: 'request', status: 502, code: 'connection-refused' }]);
    upstream = await startRecordingUpstream();
  });

  it('[ID-30] what is open when the process ends', async () => {
    const client = await openTerminal();
    proxy.closeAudit();
    expect((await lines(2))[1]).toMatchObject({ event: 'stream-end', code: 'shutting-down' });
    client.socket.destroy();
  });
});

describe('sessions', () => {
  const setToken = (token: string, headers: readonly string[] = []): Promise<RawAnswer> => {
    const body = JSON.stringify({ token });
    const origin = `Origin: http://${proxy.host}`;
    return ask('POST /set-token', [...headers, origin, `Content-Length: ${body.length}`], body);
  };

  it('[ID-30] sign-in and sign-out, each with who, and a token that is not accepted', async () => {
    await setToken('token-of-ann');
    await setToken('', ['Cookie: cluster-inventory-session.0=token-of-ann']);
    await setToken('made-up');
    expect(await lines(3)).toMatchObject([
      { event: 'sign-in', user: 'ann', decision: 'allow', status: 200 },
      { event: 'sign-out', user: 'ann', decision: 'allow', status: 200 },
      { event: 'sign-in', decision: 'deny', code: 'token-rejected', status: 401 },
    ]);
  });

  it('asking who one is is nothing that is written, but under all', async () => {
    expect((await ask('GET /me')).status).toBe(200);
    await lines(0);
    await restart('impersonate', { auditMode: 'all' });
    await ask('GET /me');
    expect((await lines(1))[0]).toMatchObject({ user: 'ann', status: 200 });
  });
});

it('[TH-32] no token, cookie, query, body or header of anybody is in the audit log or the log', async () => {
  await restart('impersonate', { auditMode: 'all' });
  const canary = (what: string): string => `canary-${what}`;
  reviews.users.set(canary('token'), person('cara'));
  reviews.allows = () => true;
  const headers = [
    `Authorization: Bearer ${canary('token')}`,
    `Cookie: session=${canary('cookie')}`,
    `User-Agent: ${canary('agent')}`,
    `X-Forwarded-For: ${canary('forwarded')}`,
    `Origin: http://${proxy.host}`,
    `Accept: ${canary('accept')}`,
  ];
  const body = canary('body');
  const length = `Content-Length: ${body.length}`;
  const answer = `Connection: close\r\nSet-Cookie: a=${canary('set-cookie')}\r\n`;
  proxy.credentialsOf('a').answer = () =>
    Promise.resolve({ token: canary('provider-token'), connectionKey: '' });
  upstream.answers.push(
    ...['200 OK', '200 OK', '401 Unauthorized', '500 Oh'].map((status) =>
      answerWith(canary('answer'), status, answer),
    ),
    `HTTP/1.1 101 ${canary('reason')}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${canary('stream')}`,
  );
  const path = `/api/v1/namespaces/n/services/s/proxy/${canary('app-path')}?q=${canary('query')}`;
  await ask(`GET /api/v1/pods?continue=${canary('query')}`, headers);
  await ask(`POST /api/v1/pods?fieldManager=${canary('query')}`, [...headers, length], body);
  await ask(`DELETE /api/v1/nodes/n?x=${canary('query')}`, headers);
  await ask(`POST ${path}`, [...headers, length], body);
  const terminal = await openRawClient(proxy.port);
  terminal.send(
    proxy
      .request(`GET ${proxy.pathOf('a')}/api/v1/namespaces/n/pods/p/exec?command=${canary('query')}`, [
        ...headers,
        'Upgrade: websocket',
        `Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.${canary('protocol')}`,
      ])
      .replace('Connection: close', 'Connection: Upgrade'),
  );
  await terminal.waitFor(canary('stream'));
  terminal.socket.destroy();
  await ask(`GET /api?q=${canary('query')}`, ['Authorization: Bearer canary-bad']);
  await ask(`POST /set-token?q=${canary('query')}`, [...headers, length], body);
  const token = JSON.stringify({ token: canary('token') });
  await ask('POST /set-token', [...headers, `Content-Length: ${token.length}`], token);
  proxy.credentialsOf('a').answer = () =>
    Promise.reject(
      new CodedError('plugin-exited', undefined, { diagnosis: canary('stderr'), cause: canary('cause') }),
    );
  await ask(`DELETE /api/v1/nodes/n?x=${canary('query')}`, headers);
  await until('all is written', () => proxy.auditLines.length >= 9);
  const written = [...proxy.auditLines, ...logged].join('');
  expect(written).toContain('cara');
  expect(written.match(/canary-[a-z-]+/g)).toBeNull();
});
