import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { MockAgent } from 'undici';
import { describe, expect, it } from 'vitest';
import { createManualClock } from '../../test/support/manualClock.ts';
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
  const session = createHubSession({
    dashboardUrl: new URL(origin),
    dashboardHost: '',
    dispatcher: agent,
    baseUrl: '',
    hubContextName: 'main',
    clock,
    schemeOf: () => 'http',
    onRenewed: () => undefined,
    onSignOut: (token) => signedOut.push(token),
  });
  /** The dashboard answers the next request so. */
  const answer = (setCookies: string[]): void => {
    agent
      .get(origin)
      .intercept({ path: () => true, method: () => true })
      .reply(({ path }) => {
        asked.push(path);
        return { statusCode: 200, data: '', responseOptions: { headers: { 'set-cookie': setCookies } } };
      });
  };
  const withSession = (token: string): IncomingMessage => {
    const request = new IncomingMessage(new Socket());
    request.headers = { cookie: `cluster-inventory-session.0=${token}` };
    return request;
  };
  return { clock, session, asked, signedOut, answer, withSession };
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
