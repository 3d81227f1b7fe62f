import { describe, expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import { createFakeReviews, person } from '../../test/support/fakeReviews.ts';
import { createManualClock } from '../../test/support/manualClock.ts';
import { CodedError } from '../foundation/errors.ts';
import { createTokenAuthenticator } from './authenticateToken.ts';
import { createReviewBudgets } from './reviewBudgets.ts';
import type { User } from './user.ts';

const ana = person('ana');
const outageGraceMs = 300_000;

function setUp() {
  const clock = createManualClock();
  const reviews = createFakeReviews({ good: ana });
  const authenticator = createTokenAuthenticator({
    reviews,
    budgets: createReviewBudgets(clock),
    clock,
    hashKey: Buffer.from('key'),
    outageGraceMs,
  });
  return {
    clock,
    reviews,
    authenticator,
    authenticate: authenticator.authenticate.bind(authenticator),
    codeOf: async (token: string) => (await codedErrorOf(() => authenticator.authenticate(token))).code,
  };
}

/** A token that looks like a JWT with this `exp`. */
function jwt(expiresAtMs: number): string {
  return `e30.${Buffer.from(JSON.stringify({ exp: expiresAtMs / 1000 })).toString('base64url')}.x`;
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('[ID-10] a token that is reviewed again takes from the budget of its user, of which an end is no outage', async () => {
  const clock = createManualClock();
  const reviews = createFakeReviews({ 'ana-1': ana, 'ana-2': ana, 'ben-1': person('ben') });
  const budgets = createReviewBudgets(clock);
  const authenticator = createTokenAuthenticator({
    reviews,
    budgets,
    clock,
    hashKey: Buffer.from('key'),
    outageGraceMs,
  });
  for (const token of ['ana-1', 'ben-1']) await authenticator.authenticate(token);
  clock.advance(10_000);
  for (let spent = 0; spent < 10_000; spent++) await budgets.spend(ana, () => Promise.resolve());
  expect((await codedErrorOf(() => authenticator.authenticate('ana-1'))).code).toBe('too-many-reviews');
  expect((await authenticator.authenticate('ben-1')).isStale).toBe(false);
  // Of whom a token is nobody knows until it is reviewed.
  expect((await authenticator.authenticate('ana-2')).user).toBe(ana);
});

describe('what is remembered', () => {
  it('[ID-06] a good token for 10 s', async () => {
    const { clock, reviews, authenticate } = setUp();
    expect(await authenticate('good')).toEqual({ user: ana, isStale: false });
    clock.advance(9_999);
    await authenticate('good');
    expect(reviews.askedTokens).toHaveLength(1);
    clock.advance(1);
    await authenticate('good');
    expect(reviews.askedTokens).toHaveLength(2);
  });

  it('[ID-06] a bad token for 10 s', async () => {
    const { clock, reviews, codeOf, authenticate } = setUp();
    expect(await codeOf('bad')).toBe('token-rejected');
    clock.advance(9_999);
    reviews.users.set('bad', ana);
    expect(await codeOf('bad')).toBe('token-rejected');
    expect(reviews.askedTokens).toHaveLength(1);
    clock.advance(1);
    expect((await authenticate('bad')).user).toBe(ana);
  });

  it('[ID-06] no good token past its own expiry', async () => {
    const { clock, reviews, authenticate, codeOf } = setUp();
    const token = jwt(clock.now() + 5_000);
    reviews.users.set(token, ana);
    await authenticate(token);
    clock.advance(4_999);
    await authenticate(token);
    expect(reviews.askedTokens).toHaveLength(1);
    clock.advance(1);
    expect(await codeOf(token)).toBe('token-rejected');
  });

  it('[ID-06] a JWT that has ended is not even asked about', async () => {
    const { clock, reviews, codeOf } = setUp();
    const token = jwt(clock.now());
    reviews.users.set(token, ana);
    expect(await codeOf(token)).toBe('token-rejected');
    expect(reviews.askedTokens).toEqual([]);
  });

  it('[ID-04] that a token was good, also past its end, and of no other', async () => {
    const { clock, reviews, authenticator, authenticate, codeOf } = setUp();
    const token = jwt(clock.now() + 5_000);
    expect(authenticator.knows(token)).toBe(false);
    reviews.users.set(token, ana);
    await authenticate(token);
    await codeOf('bad');
    clock.advance(60_000);
    expect([authenticator.knows(token), authenticator.knows('bad')]).toEqual([true, false]);
  });

  it('[ID-06] no error: the next use asks again', async () => {
    const { reviews, codeOf, authenticate } = setUp();
    reviews.isAway = true;
    expect(await codeOf('good')).toBe('reviews-unavailable');
    reviews.isAway = false;
    expect((await authenticate('good')).user).toBe(ana);
    expect(reviews.askedTokens).toHaveLength(2);
  });

  it('[ID-06] nothing of a token whose session has ended', async () => {
    const { reviews, authenticator, authenticate, codeOf } = setUp();
    await authenticate('good');
    authenticator.forget('good');
    reviews.users.delete('good');
    expect(await codeOf('good')).toBe('token-rejected');
  });

  it('[ID-06] nothing good of a token that the hub has come to refuse', async () => {
    const { clock, reviews, authenticate, codeOf } = setUp();
    await authenticate('good');
    reviews.users.delete('good');
    clock.advance(10_000);
    expect(await codeOf('good')).toBe('token-rejected');
    reviews.isAway = true;
    clock.advance(10_000);
    expect(await codeOf('good')).toBe('reviews-unavailable');
  });
});

describe('how the hub is asked', () => {
  it('[ID-06] once for one token at a time', async () => {
    const { reviews, authenticate } = setUp();
    const answers = await Promise.all(Array.from({ length: 100 }, () => authenticate('good')));
    expect(answers.every(({ user }) => user === ana)).toBe(true);
    expect(reviews.askedTokens).toEqual(['good']);
  });

  it('[ID-06] again when the one question failed for all', async () => {
    const { reviews, authenticate, codeOf } = setUp();
    reviews.isAway = true;
    const codes = await Promise.all(Array.from({ length: 10 }, () => codeOf('good')));
    expect(new Set(codes)).toEqual(new Set(['reviews-unavailable']));
    expect(reviews.askedTokens).toHaveLength(1);
    reviews.isAway = false;
    await authenticate('good');
  });

  it('[ID-06] a flood of bad tokens neither holds up nor evicts a good one', async () => {
    const clock = createManualClock();
    let open = 0;
    let most = 0;
    let reviewed = 0;
    const slow: (() => void)[] = [];
    const authenticator = createTokenAuthenticator({
      budgets: createReviewBudgets(clock),
      clock,
      hashKey: Buffer.from('key'),
      outageGraceMs,
      reviews: {
        async reviewToken(token): Promise<User | undefined> {
          if (token === 'good') return ana;
          reviewed++;
          most = Math.max(most, ++open);
          await new Promise<void>((resolve) => slow.push(resolve));
          open--;
          return undefined;
        },
      },
    });
    await authenticator.authenticate('good');
    const flood = Array.from({ length: 1_000 }, (_, index) =>
      codedErrorOf(() => authenticator.authenticate(`bad ${index}`)),
    );
    await settle();
    // Remembered, and due to be reviewed: neither waits behind the flood.
    expect((await authenticator.authenticate('good')).user).toBe(ana);
    clock.advance(10_000);
    expect(await authenticator.authenticate('good')).toEqual({ user: ana, isStale: false });
    expect(open).toBe(16);
    while (open > 0) {
      for (const end of slow.splice(0)) end();
      await settle();
    }
    const codes = (await Promise.all(flood)).map(({ code }) => code);
    expect(codes.filter((code) => code === 'reviews-unavailable')).toHaveLength(1_000 - 516);
    expect([most, reviewed]).toEqual([16, 516]);
  });

  it('[ID-06] the memory of bad tokens is bounded, and none of the good', async () => {
    const { reviews, authenticate, codeOf } = setUp();
    await authenticate('good');
    for (let round = 0; round < 20; round++)
      await Promise.all(Array.from({ length: 400 }, (_, index) => codeOf(`bad ${round} ${index}`)));
    const before = reviews.askedTokens.length;
    await authenticate('good');
    await codeOf('bad 19 399');
    expect(reviews.askedTokens).toHaveLength(before);
    // Of 8,000 the first have been forgotten.
    await codeOf('bad 0 0');
    expect(reviews.askedTokens).toHaveLength(before + 1);
  });
});

describe('while the hub cannot be asked', () => {
  it('[ID-18] a token that was good serves through the grace, and says that it is stale', async () => {
    const { clock, reviews, authenticate, codeOf } = setUp();
    await authenticate('good');
    reviews.isAway = true;
    clock.advance(outageGraceMs - 1);
    expect(await authenticate('good')).toEqual({ user: ana, isStale: true });
    clock.advance(1);
    expect(await codeOf('good')).toBe('reviews-unavailable');
  });

  it('[ID-18] the grace does not renew itself, and the hub is asked each time', async () => {
    const { clock, reviews, authenticate, codeOf } = setUp();
    await authenticate('good');
    reviews.isAway = true;
    for (let second = 10; second < 300; second += 10) {
      clock.advance(10_000);
      expect((await authenticate('good')).isStale).toBe(true);
    }
    expect(reviews.askedTokens).toHaveLength(30);
    clock.advance(10_000);
    expect(await codeOf('good')).toBe('reviews-unavailable');
    reviews.isAway = false;
    expect((await authenticate('good')).isStale).toBe(false);
  });

  it('[ID-18] an expired token does not serve', async () => {
    const { clock, reviews, authenticate, codeOf } = setUp();
    const token = jwt(clock.now() + 60_000);
    reviews.users.set(token, ana);
    await authenticate(token);
    reviews.isAway = true;
    clock.advance(59_999);
    expect((await authenticate(token)).isStale).toBe(true);
    clock.advance(1);
    expect(await codeOf(token)).toBe('token-rejected');
  });

  it('[ID-18] nor one that ends while the hub is being waited for', async () => {
    const { clock, reviews, authenticate, codeOf } = setUp();
    const token = jwt(clock.now() + 60_000);
    reviews.users.set(token, ana);
    await authenticate(token);
    reviews.isAway = true;
    clock.advance(59_999);
    const code = codeOf(token);
    clock.advance(1);
    expect(await code).toBe('reviews-unavailable');
  });

  it('[ID-18] who is not known gets the error that they cannot be', async () => {
    const { reviews, codeOf } = setUp();
    reviews.isAway = true;
    expect(await codeOf('good')).toBe('reviews-unavailable');
  });

  it('[ID-18] a fault of our own is no outage', async () => {
    const clock = createManualClock();
    let isBroken = false;
    const authenticator = createTokenAuthenticator({
      budgets: createReviewBudgets(clock),
      clock,
      hashKey: Buffer.from('key'),
      outageGraceMs,
      reviews: {
        reviewToken: () =>
          isBroken ? Promise.reject(new CodedError('internal-error')) : Promise.resolve(ana),
      },
    });
    await authenticator.authenticate('good');
    clock.advance(10_000);
    isBroken = true;
    expect((await codedErrorOf(() => authenticator.authenticate('good'))).code).toBe('internal-error');
  });
});
