import { describe, expect, it } from 'vitest';
import { person } from '../../test/support/fakeReviews.ts';
import { createManualClock } from '../../test/support/manualClock.ts';
import { CodedError, type ErrorCode } from '../foundation/errors.ts';
import { createStreamGuards } from './streamGuard.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const minuteMs = 60_000;

function setUp({ streamGraceMs = 60 * minuteMs } = {}) {
  const clock = createManualClock();
  const hub = {
    isAllowed: true,
    /** What becomes of any token; good without. */
    tokenFault: undefined as ErrorCode | undefined,
    /** Tokens that are good no longer, whatever becomes of others. */
    ended: new Set<string>(),
    /** Whose tokens are not ana's. */
    others: new Map<string, string>(),
    askedTokens: [] as string[],
    accessFault: undefined as ErrorCode | undefined,
    lastSeen: undefined as number | undefined,
    /** Answers wait for this. */
    held: Promise.resolve(),
    checks: 0,
  };
  const guards = createStreamGuards({
    clock,
    streamGraceMs,
    authenticator: {
      authenticate: (token) => {
        hub.askedTokens.push(token);
        const fault = hub.tokenFault ?? (hub.ended.has(token) ? 'token-rejected' : undefined);
        return fault
          ? Promise.reject(new CodedError(fault))
          : Promise.resolve({ user: person(hub.others.get(token) ?? 'ana'), isStale: false });
      },
    },
  });
  const guard = (token = 'a') => guardFor(token);
  const guardFor = (token: string | undefined) =>
    guards.guard({
      user: person('ana'),
      token,
      isStillAllowed: async () => {
        hub.checks++;
        await hub.held;
        if (hub.accessFault) throw new CodedError(hub.accessFault);
        return hub.isAllowed;
      },
      lastSeen: () => hub.lastSeen,
    });
  const pass = async (minutes: number): Promise<void> => {
    for (let minute = 0; minute < minutes; minute++) {
      clock.advance(minuteMs);
      await settle();
    }
  };
  return { clock, hub, guards, guard, guardFor, pass };
}

const codeOf = ({ signal }: { readonly signal: AbortSignal }): string | undefined =>
  signal.reason instanceof CodedError ? signal.reason.code : undefined;

describe('a right that is withdrawn', () => {
  it('ID-14: ends a stream within a minute', async () => {
    const { clock, hub, guard } = setUp();
    const stream = guard();
    hub.isAllowed = false;
    clock.advance(minuteMs - 1);
    await settle();
    expect(stream.signal.aborted).toBe(false);
    clock.advance(1);
    await settle();
    expect(codeOf(stream)).toBe('access-denied');
    expect(clock.pending).toBe(0);
  });

  it('ID-14: ends it at the next check, however many went before', async () => {
    const { hub, guard, pass } = setUp();
    const stream = guard();
    await pass(180);
    expect([stream.signal.aborted, hub.checks]).toEqual([false, 180]);
    hub.isAllowed = false;
    await pass(1);
    expect(codeOf(stream)).toBe('access-denied');
  });
});

describe('a token that is no longer accepted', () => {
  it('ID-14: ends a stream after the grace, counted from when it was last good', async () => {
    const { hub, guard, pass } = setUp({ streamGraceMs: 10 * minuteMs });
    const stream = guard();
    await pass(30);
    hub.tokenFault = 'token-rejected';
    await pass(9);
    expect(stream.signal.aborted).toBe(false);
    await pass(1);
    expect(codeOf(stream)).toBe('token-rejected');
  });

  it('ID-14: ends none while its user is seen with a newer one', async () => {
    const { clock, hub, guard, pass } = setUp({ streamGraceMs: 10 * minuteMs });
    const stream = guard();
    hub.tokenFault = 'token-rejected';
    await pass(9);
    hub.lastSeen = clock.now();
    await pass(9);
    expect(stream.signal.aborted).toBe(false);
    await pass(1);
    expect(codeOf(stream)).toBe('token-rejected');
  });

  it('ID-14: ends it at once without a grace, and a good one ends none', async () => {
    const { hub, guard, pass } = setUp({ streamGraceMs: 0 });
    const stream = guard();
    await pass(3);
    expect(stream.signal.aborted).toBe(false);
    hub.tokenFault = 'token-rejected';
    await pass(1);
    expect(codeOf(stream)).toBe('token-rejected');
  });

  it('ID-14: is not one that a hub which is away cannot confirm', async () => {
    const { hub, guard, pass } = setUp({ streamGraceMs: 2 * minuteMs });
    const stream = guard();
    hub.tokenFault = 'reviews-unavailable';
    await pass(10);
    expect(stream.signal.aborted).toBe(false);
  });

  it('ID-14: is none the better for an outage in between', async () => {
    const { hub, guard, pass } = setUp({ streamGraceMs: 10 * minuteMs });
    const stream = guard();
    hub.tokenFault = 'token-rejected';
    await pass(8);
    hub.tokenFault = 'reviews-unavailable';
    await pass(1);
    hub.tokenFault = 'token-rejected';
    await pass(1);
    expect(codeOf(stream)).toBe('token-rejected');
  });
});

describe('a session that goes on with a newer token', () => {
  it('ID-14: keeps its streams without any grace, as long as that one is good', async () => {
    const { hub, guards, guard, pass } = setUp({ streamGraceMs: 0 });
    const stream = guard('a');
    guards.renew('a', 'b');
    hub.ended.add('a');
    await pass(3);
    expect(stream.signal.aborted).toBe(false);
    hub.ended.add('b');
    await pass(1);
    expect(codeOf(stream)).toBe('token-rejected');
  });

  it('ID-14: keeps them by the older one, where the newer is none', async () => {
    const { hub, guards, guard, pass } = setUp({ streamGraceMs: 0 });
    const stream = guard('a');
    guards.renew('a', 'b');
    hub.ended.add('b');
    await pass(3);
    expect(stream.signal.aborted).toBe(false);
    hub.ended.add('a');
    await pass(1);
    expect(codeOf(stream)).toBe('token-rejected');
  });

  it('ID-14: ends them where it is of another user', async () => {
    const { hub, guards, guard, pass } = setUp();
    const stream = guard('a');
    hub.others.set('b', 'ben');
    guards.renew('a', 'b');
    await pass(1);
    expect(codeOf(stream)).toBe('sign-in-required');
  });

  it('ID-14: is asked about by two tokens at most, however often it was renewed', async () => {
    const { hub, guards, guard, pass } = setUp();
    guard('t0');
    for (let index = 0; index < 20; index++) guards.renew(`t${index}`, `t${index + 1}`);
    await pass(1);
    hub.tokenFault = 'token-rejected';
    const before = hub.askedTokens.length;
    await pass(1);
    expect(hub.askedTokens.slice(before)).toEqual(['t20', 't19']);
  });
});

it('[ID-14, ID-02] of a user without a token the rights alone are asked about', async () => {
  const { clock, hub, guardFor, pass } = setUp({ streamGraceMs: 0 });
  const stream = guardFor(undefined);
  hub.tokenFault = 'token-rejected';
  await pass(180);
  expect([stream.signal.aborted, hub.checks]).toEqual([false, 180]);
  hub.isAllowed = false;
  await pass(1);
  expect(codeOf(stream)).toBe('access-denied');
  expect(clock.pending).toBe(0);
});

it('ID-14: a right that cannot be confirmed any longer ends a stream, and says why', async () => {
  const { hub, guard, pass } = setUp();
  const stream = guard();
  hub.accessFault = 'reviews-unavailable';
  await pass(1);
  expect(codeOf(stream)).toBe('reviews-unavailable');
});

describe('a session that ends', () => {
  it('ID-14: ends all of its streams at once, and none of another', () => {
    const { clock, guards, guard } = setUp();
    const [first, second, other] = [guard('a'), guard('a'), guard('b')];
    guards.signOut('a');
    expect([codeOf(first), codeOf(second), codeOf(other)]).toEqual([
      'sign-in-required',
      'sign-in-required',
      undefined,
    ]);
    expect(clock.pending).toBe(1);
  });

  it('ID-14: ends those that began before its token was renewed', () => {
    const { guards, guard } = setUp();
    const first = guard('a');
    guards.renew('a', 'b');
    const second = guard('b');
    guards.renew('b', 'c');
    const other = guard('x');
    guards.signOut('c');
    expect([codeOf(first), codeOf(second), codeOf(other)]).toEqual([
      'sign-in-required',
      'sign-in-required',
      undefined,
    ]);
    // Nothing is left to end.
    guards.signOut('a');
    guards.signOut('c');
  });
});

describe('a stream that ended by itself', () => {
  it('is asked about no more', async () => {
    const { clock, hub, guards, guard, pass } = setUp();
    const stream = guard();
    stream.release();
    expect(clock.pending).toBe(0);
    await pass(2);
    guards.signOut('a');
    expect([hub.checks, stream.signal.aborted]).toEqual([0, false]);
  });

  it('is asked about no more, even where it ended during a check', async () => {
    const { clock, hub, guard, pass } = setUp();
    const answer = Promise.withResolvers<undefined>();
    hub.held = answer.promise.then(() => undefined);
    const stream = guard();
    await pass(1);
    stream.release();
    answer.resolve(undefined);
    await settle();
    expect(clock.pending).toBe(0);
  });
});
