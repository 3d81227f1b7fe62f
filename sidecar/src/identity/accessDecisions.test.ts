import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import { createFakeReviews, person } from '../../test/support/fakeReviews.ts';
import { createManualClock } from '../../test/support/manualClock.ts';
import { CodedError } from '../foundation/errors.ts';
import { createAccessDecisions } from './accessDecisions.ts';
import { createReviewBudgets } from './reviewBudgets.ts';
import type { ResourceAttributes } from './hubReviews.ts';
import type { User } from './user.ts';

const outageGraceMs = 300_000;
const ana = person('ana', { uid: '1', groups: ['a', 'b'], extra: { scope: ['x', 'y'], other: ['z'] } });
const wanted: ResourceAttributes = {
  verb: 'get',
  group: 'multicluster.x-k8s.io',
  resource: 'clusterprofiles',
  subresource: 'proxy',
  namespace: 'fleet',
  name: 'a',
};

function setUp() {
  const clock = createManualClock();
  const reviews = createFakeReviews();
  reviews.allows = ({ name }) => name === 'ana';
  const decisions = createAccessDecisions({
    reviews,
    budgets: createReviewBudgets(clock),
    clock,
    outageGraceMs,
  });
  const may = (user: User = ana, attributes: ResourceAttributes = wanted): Promise<boolean> =>
    decisions.may(user, attributes);
  return { clock, reviews, may, codeOf: async () => (await codedErrorOf(() => may())).code };
}

describe('whose budget a question takes from', () => {
  it('[ID-10] is that of whoever asks, whomever they act as', async () => {
    const { clock, reviews } = setUp();
    const askers: (string | undefined)[] = [];
    const decisions = createAccessDecisions({
      reviews,
      budgets: {
        spend(asker, ask) {
          askers.push(asker.name);
          return ask();
        },
      },
      clock,
      outageGraceMs,
    });
    await decisions.may(ana, wanted);
    await decisions.may(ana, wanted, person('ben'));
    await decisions.may(person('carl'), wanted, person('ben'));
    expect(askers).toEqual(['ana', 'ben']);
  });

  it('[ID-10, ID-18] that is used up is no outage: no yes lasts longer for it', async () => {
    const { clock, reviews } = setUp();
    let isUsedUp = false;
    const decisions = createAccessDecisions({
      reviews,
      budgets: {
        spend: (_asker, ask) => (isUsedUp ? Promise.reject(new CodedError('too-many-reviews')) : ask()),
      },
      clock,
      outageGraceMs,
    });
    expect(await decisions.may(ana, wanted)).toBe(true);
    isUsedUp = true;
    clock.advance(10_000);
    expect((await codedErrorOf(() => decisions.may(ana, wanted))).code).toBe('too-many-reviews');
  });
});

describe('what is remembered', () => {
  it.each([
    ['yes', ana],
    ['no', person('ben')],
  ])('[ID-13] a %s for 10 s', async (answer, user) => {
    const { clock, reviews, may } = setUp();
    expect(await may(user)).toBe(answer === 'yes');
    reviews.allows = ({ name }) => name !== 'ana';
    clock.advance(9_999);
    expect(await may(user)).toBe(answer === 'yes');
    expect(reviews.askedAccess).toHaveLength(1);
    clock.advance(1);
    expect(await may(user)).toBe(answer !== 'yes');
  });

  it.each<[string, Partial<User>]>([
    ['a group more', { groups: ['a', 'b', 'c'] }],
    ['a group less', { groups: ['a'] }],
    ['groups that only look the same', { groups: ['a,b'] }],
    ['another UID', { uid: '2' }],
    ['no UID', { uid: '' }],
    ['another value of an extra key', { extra: { ...ana.extra, scope: ['x', 'other'] } }],
    ['another extra key', { extra: { ...ana.extra, more: [] } }],
    ['no extra keys', { extra: {} }],
    ['another name', { name: 'ana ' }],
  ])('[ID-13] nothing for the same user with %s', async (_how, other) => {
    const { reviews, may } = setUp();
    await may();
    await may({ ...ana, ...other });
    expect(reviews.askedAccess.map(({ user }) => user)).toEqual([ana, { ...ana, ...other }]);
  });

  it('[ID-13] the same for the same groups and extra keys in another order', async () => {
    const { reviews, may } = setUp();
    await may();
    await may({ ...ana, groups: ['b', 'a'], extra: { other: ['z'], scope: ['x', 'y'] } });
    expect(reviews.askedAccess).toHaveLength(1);
  });

  it.each<[string, Partial<ResourceAttributes>]>([
    ['verb', { verb: 'create' }],
    ['group', { group: '' }],
    ['resource', { resource: 'x' }],
    ['subresource', { subresource: 'status' }],
    ['namespace', { namespace: 'other' }],
    ['name', { name: 'b' }],
    // One that is not said is not the same as an empty or a strange one.
    ['name that is empty', { name: '' }],
    ['name that is "null"', { name: 'null' }],
  ])('[ID-13] nothing for another %s', async (_what, other) => {
    const { reviews, may } = setUp();
    const { name: _name, ...nameless } = wanted;
    await may();
    await may(ana, nameless);
    await may(ana, { ...wanted, ...other });
    expect(reviews.askedAccess).toHaveLength(3);
  });

  it('[ID-13] one question at a time for one decision', async () => {
    const { reviews, may } = setUp();
    expect(await Promise.all(Array.from({ length: 100 }, () => may()))).toEqual(Array(100).fill(true));
    expect(reviews.askedAccess).toHaveLength(1);
  });
});

it('[ID-13] what is remembered is small, however long what was asked', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const decisions = createAccessDecisions({
    // More than anybody may ask.
    budgets: { spend: (_asker, ask) => ask() },
    clock: createManualClock(),
    outageGraceMs,
    reviews: { mayAccess: () => Promise.resolve(false) },
  });
  const before = used();
  for (let index = 0; index < 1000; index++)
    await decisions.may(ana, { ...wanted, name: String(index).padEnd(60_000, 'x') });
  expect(used() - before).toBeLessThan(10 * 1024 * 1024);
  expect(await decisions.may(ana, wanted)).toBe(false);
});

describe('an error', () => {
  it('[ID-13, ID-18] is never a yes, and not remembered', async () => {
    const { reviews, may, codeOf } = setUp();
    reviews.isAway = true;
    expect(await codeOf()).toBe('reviews-unavailable');
    reviews.isAway = false;
    expect(await may()).toBe(true);
  });

  it('[ID-18] leaves a yes standing through the grace, which does not renew itself', async () => {
    const { clock, reviews, may, codeOf } = setUp();
    await may();
    reviews.isAway = true;
    for (let second = 10; second < 300; second += 10) {
      clock.advance(10_000);
      expect(await may()).toBe(true);
    }
    clock.advance(10_000);
    expect(await codeOf()).toBe('reviews-unavailable');
  });

  it('[ID-18] never makes a yes of a no', async () => {
    const { clock, reviews, codeOf, may } = setUp();
    reviews.allows = () => false;
    expect(await may()).toBe(false);
    reviews.isAway = true;
    clock.advance(10_000);
    expect(await codeOf()).toBe('reviews-unavailable');
  });

  it('[ID-18] nor of a yes that the hub has taken back', async () => {
    const { clock, reviews, codeOf, may } = setUp();
    expect(await may()).toBe(true);
    reviews.allows = () => false;
    clock.advance(10_000);
    expect(await may()).toBe(false);
    reviews.isAway = true;
    clock.advance(10_000);
    expect(await codeOf()).toBe('reviews-unavailable');
  });

  it('[ID-18] of our own is no outage', async () => {
    const clock = createManualClock();
    let isBroken = false;
    const decisions = createAccessDecisions({
      budgets: createReviewBudgets(clock),
      clock,
      outageGraceMs,
      reviews: { mayAccess: () => (isBroken ? Promise.reject(new Error('broken')) : Promise.resolve(true)) },
    });
    await decisions.may(ana, wanted);
    isBroken = true;
    clock.advance(10_000);
    await expect(decisions.may(ana, wanted)).rejects.toThrow('broken');
  });
});
