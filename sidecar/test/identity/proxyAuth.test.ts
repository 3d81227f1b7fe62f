import { afterEach, describe, expect, it } from 'vitest';
import { parseTrustedProxies } from '../../src/config/trustedProxies.ts';
import { createGate } from '../../src/identity/gate.ts';
import { errorHeader } from '../../src/proxy/status.ts';
import { allowTraffic, createFakeReviews, type FakeReviews, person } from '../support/fakeReviews.ts';
import { createManualClock, type ManualClock } from '../support/manualClock.ts';
import { exchangeRaw, openRawClient, type RawAnswer } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';
import { policyWith } from '../support/startUsers.ts';
import { until } from '../support/until.ts';

const all = ['get', 'create', 'update', 'patch', 'delete'];

interface Started {
  readonly reviews: FakeReviews;
  readonly upstream: RecordingUpstream;
  readonly proxy: Proxy;
}

let started: Started | undefined;
afterEach(async () => {
  await started?.proxy.close();
  await started?.upstream.close();
  started = undefined;
});

const codeOf = ({ headers }: RawAnswer): string | undefined =>
  headers.find((line) => line.startsWith(errorHeader))?.split(': ')[1];

const close = ['Connection: close'];
const webSocket = ['Connection: Upgrade', 'Upgrade: websocket'];
const spdy = ['Connection: Upgrade', 'Upgrade: SPDY/3.1'];
const kinds: [string, readonly string[]][] = [
  ['a request', close],
  ['a WebSocket', webSocket],
  ['SPDY', spdy],
];
const pod = '/api/v1/namespaces/n/pods/p';

function send({ proxy }: Started, line: string, headers: readonly string[]): Promise<RawAnswer> {
  const [method = '', rest = ''] = line.split(' ');
  return exchangeRaw(
    proxy.port,
    [`${method} ${proxy.pathOf('a')}${rest} HTTP/1.1`, `Host: ${proxy.host}`, ...headers, '', ''].join(
      '\r\n',
    ),
  );
}

/** What the cluster was sent of a request that it answered. */
async function headOf(to: Started, line: string, headers: readonly string[]): Promise<string[]> {
  to.upstream.answers.push(answerWith('ok'));
  expect((await send(to, line, headers)).status).toBe(200);
  return (to.upstream.heads.at(-1) ?? '').split('\r\n').slice(1, -2);
}

async function expectRefused(
  to: Started,
  line: string,
  headers: readonly string[],
  [status, code]: readonly [number, string],
): Promise<void> {
  const answer = await send(to, line, headers);
  expect([answer.status, codeOf(answer)]).toEqual([status, code]);
}

const impersonated = (head: readonly string[]): string[] =>
  head.filter((line) => line.startsWith('Impersonate-'));

describe('a proxy that passes on its users’ tokens', () => {
  const tokenHeader = 'x-who';

  async function start(trusted: readonly string[] = ['127.0.0.1']): Promise<Started> {
    const clock = createManualClock();
    const reviews = createFakeReviews({ 'ana-secret': person('ana'), 'ben-secret': person('ben') });
    reviews.allows = allowTraffic({ ana: all, ben: ['get'] });
    const upstream = await startRecordingUpstream();
    const proxy = await startProxy({
      clusters: { a: clusterAt(upstream) },
      clock,
      policy: policyWith(),
      trustedProxies: trusted,
      withheldHeaders: [tokenHeader],
      gate: createGate({
        reviews,
        clock,
        hashKey: Buffer.from('key'),
        outageGraceMs: 0,
        streamGraceMs: 0,
        proxyTokens: { tokenHeader, trustedProxies: parseTrustedProxies(trusted) },
      }),
    });
    started = { reviews, upstream, proxy };
    return started;
  }

  it.each(kinds)('[ID-01, OP-25] %s is its user’s', async (_, kind) => {
    const to = await start();
    const own = `Origin: http://${to.proxy.host}`;
    const head = await headOf(to, 'GET /api/v1/pods?watch=1', [...kind, own, 'X-Who: ana-secret']);
    expect(impersonated(head)).toEqual(['Impersonate-User: ana']);
  });

  it('[ID-01, TH-03] oauth2-proxy with --pass-authorization-header: the token says who it is, and nothing else', async () => {
    const to = await start();
    const head = await headOf(to, `GET ${pod}/proxy/`, [
      ...close,
      'Authorization: Bearer ana-secret',
      'X-Forwarded-User: ben',
      'X-Forwarded-Email: ben@example.com',
      'X-Forwarded-Groups: system:masters',
      'X-Forwarded-Access-Token: other',
      'X-Auth-Request-User: ben',
    ]);
    expect(impersonated(head)).toEqual(['Impersonate-User: ana']);
    expect(head.join()).not.toMatch(/ana-secret|ben|masters|other/);
  });

  it.each(kinds)('[ID-01, TH-03] %s from elsewhere is nobody’s by this header', async (_, kind) => {
    const to = await start(['10.0.0.0/8']);
    const line = 'GET /api/v1/pods?watch=1';
    await expectRefused(to, line, [...kind, 'X-Who: ana-secret'], [401, 'sign-in-required']);
    // What was not read has no part in anything.
    const head = await headOf(to, line, [...kind, 'X-Who: ana-secret', 'Authorization: Bearer ben-secret']);
    expect(impersonated(head)).toEqual(['Impersonate-User: ben']);
    expect(to.reviews.askedTokens).toEqual(['ben-secret']);
  });

  it('[ID-01] two users in one request are 401, wherever their tokens are', async () => {
    const to = await start();
    for (const other of [
      'Authorization: Bearer ben-secret',
      'Cookie: cluster-inventory-session.0=ben-secret',
    ])
      await expectRefused(to, 'GET /x', [...close, 'X-Who: ana-secret', other], [401, 'users-differ']);
    await expectRefused(
      to,
      'GET /x',
      [...close, 'X-Who: made-up', 'Authorization: Bearer ben-secret'],
      [401, 'token-rejected'],
    );
    expect(to.upstream.connections).toHaveLength(0);
  });

  it.each(['/x', `${pod}/proxy/`, '/api/v1/proxy/namespaces/n/services/s/'])(
    '[PX-12, TH-05] the header goes to no cluster: %s',
    async (rest) => {
      const to = await start();
      const head = await headOf(to, `GET ${rest}`, [...close, 'X-WHO: ana-secret', 'X-Other: x']);
      expect(head.join()).not.toMatch(/x-who|ana-secret/i);
      await to.proxy.close();
      const untrusted = await start(['10.0.0.0/8']);
      const bearer = 'Authorization: Bearer ana-secret';
      expect(
        (await headOf(untrusted, `GET ${rest}`, [...close, 'x-who: theirs', bearer])).join(),
      ).not.toMatch(/x-who|theirs/i);
      await to.upstream.close();
    },
  );

  it('[ID-09, TH-11] the proxy goes by a cookie of its own: where no origin is said it serves for plain reading alone', async () => {
    const to = await start();
    const token = 'X-Who: ana-secret';
    // Proxies that are told to set both.
    for (const more of [[], ['Authorization: Bearer ana-secret']])
      for (const [line, kind] of [
        [`DELETE ${pod}`, close],
        [`POST ${pod}/exec`, spdy],
        ['GET /api/v1/pods?watch=1', webSocket],
      ] as const) {
        await expectRefused(to, line, [...kind, token, ...more], [403, 'origin-refused']);
        await expectRefused(
          to,
          line,
          [...kind, token, ...more, 'Origin: http://evil.example'],
          [403, 'origin-refused'],
        );
        const own = `Origin: http://${to.proxy.host}`;
        expect(impersonated(await headOf(to, line, [...kind, token, ...more, own]))).toEqual([
          'Impersonate-User: ana',
        ]);
      }
    await headOf(to, 'GET /x', [...close, token]);
  });
});

describe('a proxy whose word is who somebody is', () => {
  const secret = 'a-secret-of-the-proxy';
  const names = { usernameHeader: 'x-user', groupHeader: 'x-groups', secretHeader: 'x-secret' };

  interface Setting {
    readonly trusted?: readonly string[];
    readonly rules?: Parameters<typeof policyWith>[0];
    readonly headers?: Partial<typeof names>;
  }

  async function start({ trusted = ['127.0.0.1'], rules, headers }: Setting = {}): Promise<
    Started & { readonly clock: ManualClock }
  > {
    const clock = createManualClock();
    const reviews = createFakeReviews({ 'ana-secret': person('ana') });
    reviews.allows = allowTraffic({ ana: all, ben: ['get'] });
    const upstream = await startRecordingUpstream();
    const used = { ...names, ...headers };
    const proxy = await startProxy({
      clusters: { a: clusterAt(upstream) },
      clock,
      policy: policyWith(rules),
      trustedProxies: trusted,
      withheldHeaders: Object.values(used),
      gate: createGate({
        reviews,
        clock,
        hashKey: Buffer.from('key'),
        outageGraceMs: 0,
        streamGraceMs: 0,
        proxyTokens: { tokenHeader: 'x-token', trustedProxies: parseTrustedProxies(trusted) },
        proxyUsers: { ...used, trustedProxies: parseTrustedProxies(trusted), secret: () => secret },
      }),
    });
    const result = { reviews, upstream, proxy, clock };
    started = result;
    return result;
  }

  const proven = `X-Secret: ${secret}`;
  const ana = [proven, 'X-User: ana', 'X-Groups: dev, ops', 'X-Groups: system:masters,qa'];
  const ownOrigin = ({ proxy }: Started): string => `Origin: http://${proxy.host}`;

  it.each(kinds)('[ID-02, ID-22] %s goes as this user, with their groups', async (_, kind) => {
    const to = await start();
    const head = await headOf(to, 'GET /api/v1/pods?watch=1', [...kind, ownOrigin(to), ...ana]);
    expect(impersonated(head)).toEqual([
      'Impersonate-User: ana',
      'Impersonate-Group: dev',
      'Impersonate-Group: ops',
      'Impersonate-Group: qa',
    ]);
    expect(to.reviews.askedAccess.map(({ user }) => user.groups)).toEqual([
      ['dev', 'ops', 'qa', 'system:authenticated'],
    ]);
    expect([to.reviews.askedTokens, to.reviews.askedRules]).toEqual([[], []]);
  });

  it.each(kinds)('[ID-02, TH-03] %s that proves nothing is nobody’s', async (_, kind) => {
    const to = await start();
    for (const headers of [
      ['X-User: ana'],
      ['X-Secret: another-secret-of-it', 'X-User: ana'],
      [proven],
      // No token is looked at, nor a session of another mode.
      ['Authorization: Bearer ana-secret'],
      ['Cookie: cluster-inventory-session.0=ana-secret'],
      ['X-Token: ana-secret'],
      [proven, 'Authorization: Bearer ana-secret'],
    ])
      await expectRefused(to, 'GET /x', [...kind, ownOrigin(to), ...headers], [401, 'sign-in-required']);
    await expectRefused(
      to,
      'GET /x',
      [...kind, ownOrigin(to), proven, 'X-User: ana', 'X-User: ben'],
      [401, 'users-differ'],
    );
    await expectRefused(
      to,
      'GET /x',
      [...kind, ownOrigin(to), proven, 'X-User: system:admin'],
      [403, 'identity-refused'],
    );
    expect([to.upstream.connections.length, to.reviews.askedTokens]).toEqual([0, []]);
  });

  it.each(kinds)('[ID-02, TH-03] %s from elsewhere is nobody’s, also with the secret', async (_, kind) => {
    const to = await start({ trusted: ['10.0.0.0/8'] });
    await expectRefused(to, 'GET /x', [...kind, ownOrigin(to), ...ana], [401, 'sign-in-required']);
    expect(to.upstream.connections).toHaveLength(0);
  });

  it('[TH-07] on one connection each request is its own user’s', async () => {
    const to = await start();
    const client = await openRawClient(to.proxy.port);
    for (const user of ['ana', 'ben']) {
      to.upstream.answers.push(answerWith(`for ${user}`));
      client.send(
        `GET ${to.proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${to.proxy.host}\r\n${proven}\r\nX-User: ${user}\r\n\r\n`,
      );
      await client.waitFor(`for ${user}`);
    }
    client.send(`GET ${to.proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${to.proxy.host}\r\n\r\n`);
    await client.waitFor(' 401 ');
    client.socket.destroy();
    expect(to.upstream.heads.map((head) => impersonated(head.split('\r\n')))).toEqual([
      ['Impersonate-User: ana'],
      ['Impersonate-User: ben'],
    ]);
  });

  it.each(['/x', `${pod}/proxy/`])('[PX-12] neither name nor secret goes to a cluster: %s', async (rest) => {
    const to = await start();
    const head = await headOf(to, `GET ${rest}`, [...close, ...ana]);
    expect(head.join()).not.toMatch(/x-user|x-groups|x-secret|a-secret-of|masters/i);
  });

  it('[ID-09, TH-11] where no origin is said the user may only read', async () => {
    const to = await start();
    for (const [line, kind] of [
      [`DELETE ${pod}`, close],
      [`POST ${pod}/exec`, spdy],
      ['GET /api/v1/pods?watch=1', webSocket],
    ] as const)
      await expectRefused(to, line, [...kind, ...ana], [403, 'origin-refused']);
    await headOf(to, 'GET /x', [...close, ...ana]);
  });

  it('[ID-11] the hub says what they may', async () => {
    const to = await start();
    await expectRefused(
      to,
      `DELETE ${pod}`,
      [...close, ownOrigin(to), proven, 'X-User: ben'],
      [404, 'cluster-unknown'],
    );
    expect(to.upstream.connections).toHaveLength(0);
  });

  it('[ID-02, ID-14] a watch goes on without a token, and ends when the hub says no', async () => {
    const to = await start();
    to.upstream.answers.push('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const client = await openRawClient(to.proxy.port);
    client.send(
      [
        `GET ${to.proxy.pathOf('a')}/api/v1/pods?watch=1 HTTP/1.1`,
        `Host: ${to.proxy.host}`,
        ...ana,
        '',
        '',
      ].join('\r\n'),
    );
    await client.waitFor(' 200 ');
    const pass = async (minutes: number): Promise<void> => {
      for (let minute = 0; minute < minutes; minute++) {
        const { length } = to.reviews.askedAccess;
        to.clock.advance(60_000);
        await until('the right is asked about', () => to.reviews.askedAccess.length > length);
        await until('the next check is due', () => to.clock.pending > 0 || client.outcome !== undefined);
      }
    };
    await pass(3);
    expect(client.outcome).toBeUndefined();
    to.reviews.allows = () => false;
    await pass(1);
    await client.waitForEnd();
    client.socket.destroy();
  });

  it('[ID-02, ID-20] under passthrough they have nothing to go with', async () => {
    const to = await start({ rules: { mode: 'passthrough' } });
    await expectRefused(to, 'GET /x', [...close, ...ana], [500, 'identity-missing']);
    expect(to.upstream.connections).toHaveLength(0);
  });

  it('[ID-02, ID-24] they act as another only where the hub lets them', async () => {
    const to = await start();
    const asBen = [...close, ...ana, 'Impersonate-User: ben'];
    await expectRefused(to, 'GET /x', asBen, [403, 'impersonation-refused']);
    const before = to.reviews.allows;
    to.reviews.allows = (user, attributes) => attributes.verb === 'impersonate' || before(user, attributes);
    to.clock.advance(10_000);
    expect(impersonated(await headOf(to, 'GET /x', asBen))).toEqual(['Impersonate-User: ben']);
  });

  it('[ID-02, ID-05] they are told who they are, and sign in and out nowhere here', async () => {
    const to = await start();
    const me = await send(to, 'GET /me', [...close, ...ana]);
    expect(me.status).toBe(200);
    expect(me.body).toContain(
      '{"username":"ana","email":"","groups":["dev","ops","qa","system:authenticated"]}',
    );
    expect(me.headers.join()).not.toMatch(/set-cookie/i);
    await expectRefused(to, 'GET /me', close, [401, 'sign-in-required']);
    for (const who of [[], ana])
      await expectRefused(to, 'POST /set-token', [...close, ownOrigin(to), ...who], [501, 'not-implemented']);
    const { port, host } = to.proxy;
    const name = to.proxy.pathOf('a').split('/').at(-1) ?? '';
    const oidc = await exchangeRaw(
      port,
      [`GET /oidc?cluster=${name} HTTP/1.1`, `Host: ${host}`, ...close, ...ana, '', ''].join('\r\n'),
    );
    expect([oidc.status, codeOf(oidc), to.proxy.toDashboard]).toEqual([501, 'not-implemented', []]);
  });

  it.each<[string, typeof names, readonly string[]]>([
    [
      '--pass-user-headers',
      { ...names, usernameHeader: 'x-forwarded-user', groupHeader: 'x-forwarded-groups' },
      ['X-Forwarded-User: ana', 'X-Forwarded-Email: ana@example.com', 'X-Forwarded-Groups: dev,ops'],
    ],
    [
      '--set-xauthrequest',
      { ...names, usernameHeader: 'x-auth-request-user', groupHeader: 'x-auth-request-groups' },
      ['X-Auth-Request-User: ana', 'X-Auth-Request-Email: ana@example.com', 'X-Auth-Request-Groups: dev,ops'],
    ],
  ])('[ID-02] oauth2-proxy with %s', async (_, headers, sent) => {
    const to = await start({ headers });
    const head = await headOf(to, `GET ${pod}/proxy/`, [
      ...close,
      proven,
      'X-Forwarded-For: 192.0.2.1',
      ...sent,
    ]);
    expect(impersonated(head)).toEqual([
      'Impersonate-User: ana',
      'Impersonate-Group: dev',
      'Impersonate-Group: ops',
    ]);
    expect(head.join()).not.toMatch(/x-forwarded|x-auth-request|example\.com/i);
  });
});
