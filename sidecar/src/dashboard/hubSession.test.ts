import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { MockAgent } from 'undici';
import { describe, expect, it } from 'vitest';
import { createManualClock } from '../../test/support/manualClock.ts';
import { until } from '../../test/support/until.ts';
import { createHubSession } from './hubSession.ts';

const origin = 'http://dashboard.example';
const start = Date.parse('2026-01-01T00:00:00Z');

function tokenOf(name: string, leftMs: number): string {
  const claims = JSON.stringify({ sub: name, exp: (start + leftMs) / 1000 });
  return `h.${Buffer.from(claims).toString('base64url')}.s`;
}

const old = tokenOf('old', 9_000);
const next = tokenOf('next', 60_000);
const cookie = (name: string, token: string, maxAge = 100): string =>
  `${name}.0=${token}; Max-Age=${String(maxAge)}`;

function setUp() {
  const clock = createManualClock(start);
  const agent = new MockAgent();
  agent.disableNetConnect();
  const asked: string[] = [];
  const signedOut: string[] = [];
  const known = new Set<string>();
  const session = createHubSession({
    dashboardUrl: new URL(origin),
    dashboardHost: '',
    dispatcher: agent,
    baseUrl: '',
    hubContextName: 'main',
    clock,
    schemeOf: () => 'http',
    isKnown: (token) => known.has(token),
    onRenewed: () => undefined,
    onSignOut: (token) => signedOut.push(token),
  });
  /** The dashboard answers the next request so. */
  const answer = (setCookies: string[], delayMs = 1): void => {
    agent
      .get(origin)
      .intercept({ path: () => true, method: () => true })
      .reply(({ path }) => {
        asked.push(path);
        return { statusCode: 200, data: '', responseOptions: { headers: { 'set-cookie': setCookies } } };
      })
      .delay(delayMs);
  };
  const withSession = (token: string): IncomingMessage => {
    const request = new IncomingMessage(new Socket());
    request.headers = { cookie: `cluster-inventory-session.0=${token}` };
    return request;
  };
  /** The session's cookies of an answer to this request, before its head is written. */
  const carry = async (token: string): Promise<ServerResponse> => {
    const request = withSession(token);
    const response = new ServerResponse(request);
    (await session.renew(request))?.addTo(response);
    return response;
  };
  return { clock, session, asked, signedOut, known, answer, withSession, carry };
}

const renewing = [cookie('headlamp-auth-main', next)];
const clearing = [cookie('headlamp-auth-main', '', 0)];

describe('[ID-04] a renewed session', () => {
  it('serves what comes with the old cookie for 10 s, by one request to the dashboard', async () => {
    const { clock, session, asked, answer, withSession } = setUp();
    answer(renewing);
    const both = await Promise.all([session.renew(withSession(old)), session.renew(withSession(old))]);
    clock.advance(9_000);
    expect([...both, await session.renew(withSession(old))].map((each) => each?.token)).toEqual([
      next,
      next,
      next,
    ]);
    expect(asked).toEqual(['/clusters/main/version']);
    clock.advance(1_000);
    answer([]);
    expect(await session.renew(withSession(old))).toBeUndefined();
    expect(asked).toHaveLength(2);
  });

  it('is asked for again after nothing came of it', async () => {
    const { session, answer, withSession } = setUp();
    answer([]);
    expect(await session.renew(withSession(old))).toBeUndefined();
    answer(renewing);
    expect((await session.renew(withSession(old)))?.token).toBe(next);
  });

  it.each([
    ['old', old],
    ['new', next],
  ])('ends with both of its tokens when the %s one signs out', async (_which, token) => {
    const { session, signedOut, answer, withSession } = setUp();
    answer(renewing);
    await session.renew(withSession(old));
    session.copyCookies(clearing, withSession(token));
    expect(signedOut.sort()).toEqual([next, old].sort());
    answer([]);
    expect(await session.renew(withSession(old))).toBeUndefined();
  });

  it('does not come back when it is signed out on the way', async () => {
    const { session, answer, withSession } = setUp();
    answer(renewing);
    const renewed = session.renew(withSession(old));
    session.copyCookies(clearing, withSession(old));
    expect(await renewed).toBeUndefined();
  });
});

const newer = tokenOf('newer', 3_600_000);
const ofAnother = cookie('headlamp-auth-main', newer);
const namesOf = (response: ServerResponse): string[] =>
  [response.getHeader('set-cookie') ?? []]
    .flat()
    .map((line) => (typeof line === 'string' ? (line.split('=', 1)[0] ?? '') : ''));

describe('[ID-04] the cookies of a renewed session', () => {
  it.each<[string, string]>([
    ['shows the old cookie', old],
    ['shows the new cookie', next],
  ])(
    'are taken from every answer that has not begun, when a sign-in that %s replaces it',
    async (_how, shown) => {
      const { session, answer, withSession, carry } = setUp();
      answer(renewing);
      const late = await carry(old);
      late.appendHeader('Set-Cookie', 'own=1');
      const renewed = await session.renew(withSession(old));
      expect(namesOf(late)).toEqual(['headlamp-auth-main.0', 'cluster-inventory-session.0', 'own']);
      answer([ofAnother]);
      await session.setToken(newer, withSession(shown));
      expect(namesOf(late)).toEqual(['own']);
      expect(renewed?.setCookies).toEqual([]);
    },
  );

  it.each([
    ['the sidecar’s form', undefined],
    ['the dashboard’s form', '/clusters/main/set-token'],
    ['the callback of a provider', '/oidc-callback?code=x'],
  ])('go to nobody who comes later with the old one, after a sign-in at %s', async (_where, url) => {
    const { session, asked, answer, withSession, carry } = setUp();
    answer(renewing);
    await carry(old);
    const signIn = withSession(next);
    if (url === undefined) {
      answer([ofAnother]);
      await session.setToken(newer, signIn);
    } else {
      signIn.url = url;
      session.copyCookies([ofAnother], signIn);
    }
    const { length } = asked;
    answer(renewing);
    expect(namesOf(await carry(old))).toEqual([]);
    expect(asked).toHaveLength(length);
  });

  it('go to nobody who comes later with the old one, after a sign-out', async () => {
    const { session, asked, answer, withSession, carry } = setUp();
    answer(renewing);
    const late = await carry(old);
    session.copyCookies(clearing, withSession(next));
    answer(renewing);
    expect([namesOf(late), namesOf(await carry(old)), asked.length]).toEqual([[], [], 1]);
  });

  it('go on where the dashboard renews the session by itself', async () => {
    const { session, answer, withSession, carry } = setUp();
    answer(renewing);
    const late = await carry(old);
    const own = withSession(old);
    own.url = '/clusters/main/api/v1/pods';
    session.copyCookies([ofAnother], own);
    expect(namesOf(late)).toHaveLength(2);
    expect(namesOf(await carry(old))).toHaveLength(2);
  });

  it('come again for a token that signs in anew', async () => {
    const { session, answer, withSession, carry } = setUp();
    session.copyCookies(clearing, withSession(old));
    answer([cookie('headlamp-auth-main', old)]);
    await session.setToken(old, withSession(''));
    answer(renewing);
    expect(namesOf(await carry(old))).toHaveLength(2);
  });
});

describe('[ID-04] tokens that nobody has seen to be good', () => {
  const forge = (count: number): string[] =>
    Array.from({ length: count }, (_, index) => tokenOf(`forged-${index}`, 1_000));

  it('are renewed four at a time, few wait, and the rest go on as they are', async () => {
    const { session, asked, answer, withSession } = setUp();
    for (let index = 0; index < 100; index++) answer([], 20);
    const renewals = forge(100).map(async (token) => await session.renew(withSession(token)));
    await Promise.any(renewals);
    await until('the dashboard is asked', () => asked.length > 0);
    expect(asked.length).toBeLessThanOrEqual(4);
    await Promise.all(renewals);
    expect(asked).toHaveLength(4 + 32);
  });

  it('hold up nobody whose token was good before', async () => {
    const { session, known, answer, withSession } = setUp();
    for (let index = 0; index < 37; index++) answer(renewing, 20);
    known.add(old);
    let isThrough = false;
    const forged = forge(50).map(async (token) => await session.renew(withSession(token)));
    const last = Promise.all(forged).then(() => isThrough);
    expect((await session.renew(withSession(old)))?.token).toBe(next);
    isThrough = true;
    expect(await last).toBe(true);
  });

  it('[ID-04] leave little behind when they are signed out, and crowd out no session that was', async () => {
    const { clock, session, known, asked, answer, withSession } = setUp();
    const signOut = (token: string): string[] => session.copyCookies(clearing, withSession(token));
    known.add(old);
    signOut(old);
    const timers = clock.pending;
    for (const token of forge(5_001)) signOut(token);
    expect(clock.pending).toBe(timers);
    expect(await session.renew(withSession(old))).toBeUndefined();
    const [first = ''] = forge(1);
    const last = forge(5_001).at(-1) ?? '';
    expect(await session.renew(withSession(last))).toBeUndefined();
    expect(asked).toEqual([]);
    // Of what was made up the oldest is not remembered.
    answer(renewing);
    expect((await session.renew(withSession(first)))?.token).toBe(next);
  });
});
