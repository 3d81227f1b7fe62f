import { afterEach, describe, expect, it } from 'vitest';
import { parseTrustedProxies } from '../../src/config/trustedProxies.ts';
import { createGate } from '../../src/identity/gate.ts';
import { errorHeader } from '../../src/proxy/status.ts';
import { allowTraffic, createFakeReviews, type FakeReviews, person } from '../support/fakeReviews.ts';
import { createManualClock } from '../support/manualClock.ts';
import { exchangeRaw, type RawAnswer } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';
import { policyWith } from '../support/startUsers.ts';

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
