import { describe, expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import { createFakeReviews, type FakeReviews, person } from '../../test/support/fakeReviews.ts';
import { createManualClock } from '../../test/support/manualClock.ts';
import { createAccessDecisions } from './accessDecisions.ts';
import type { ResourceRule } from './hubReviews.ts';
import { createReviewBudgets } from './reviewBudgets.ts';
import { createVisibility } from './visibility.ts';

const ana = person('ana');
const namespaces = new Set(['one', 'two']);

function rule(names: readonly string[], more: Partial<ResourceRule> = {}): ResourceRule {
  return {
    verbs: ['get'],
    groups: ['multicluster.x-k8s.io'],
    resources: ['clusterprofiles'],
    names,
    ...more,
  };
}

function setUp(allows?: FakeReviews['allows']) {
  const clock = createManualClock();
  const reviews = createFakeReviews();
  if (allows) reviews.allows = allows;
  const budgets = createReviewBudgets(clock);
  const decisions = createAccessDecisions({ reviews, budgets, clock, outageGraceMs: 0 });
  const visibility = createVisibility({ reviews, budgets, decisions, clock, outageGraceMs: 300_000 });
  const look = (user = ana, among: ReadonlySet<string> = namespaces) =>
    visibility.forUser(
      user,
      'token',
      [...among].map((namespace) => ({ namespace, name: 'any' })),
    );
  /** Of these, what somebody without a token sees. */
  const lookByName = async (profiles: readonly string[], user = ana): Promise<string[]> => {
    const ids = profiles.map((each) => {
      const [namespace = '', name = ''] = each.split('/');
      return { namespace, name };
    });
    const isVisible = await visibility.forUser(user, undefined, ids);
    return profiles.filter((_, index) => isVisible(ids[index] ?? { namespace: '', name: '' }));
  };
  /** `namespace/name` of those that are seen. */
  const seen = async (...profiles: readonly string[]): Promise<string[]> => {
    const isVisible = await look();
    return profiles.filter((each) => {
      const [namespace = '', name = ''] = each.split('/');
      return isVisible({ namespace, name });
    });
  };
  const asked = (): string[] =>
    reviews.askedAccess.map(({ attributes: { verb, namespace = '*', name = '*', resource, subresource } }) =>
      [verb, subresource ?? resource, namespace, name].join(' '),
    );
  return { clock, reviews, look, lookByName, seen, asked };
}

it('ID-10: who may list everywhere sees all, by one question', async () => {
  const { reviews, seen, asked } = setUp((_user, { namespace }) => namespace === undefined);
  expect(await seen('one/a', 'two/b', 'unknown/c')).toEqual(['one/a', 'two/b', 'unknown/c']);
  expect(asked()).toEqual(['list clusterprofiles * *']);
  expect(reviews.askedRules).toEqual([]);
});

it('ID-10: who may list a namespace sees what is in it, and nothing else', async () => {
  const { reviews, seen, asked } = setUp(
    (_user, { verb, namespace }) => verb === 'list' && namespace === 'one',
  );
  expect(await seen('one/a', 'one/b', 'two/a')).toEqual(['one/a', 'one/b']);
  expect(asked()).toEqual([
    'list clusterprofiles * *',
    'list clusterprofiles one *',
    'list clusterprofiles two *',
  ]);
  expect(reviews.askedRules).toEqual(['two']);
});

describe('named grants', () => {
  it('ID-10: are each confirmed by a question of its own', async () => {
    const { reviews, seen, asked } = setUp(
      (_user, { verb, namespace, name }) => verb === 'get' && namespace === 'one' && name === 'a',
    );
    // The enumeration says more than holds: a webhook may say no.
    reviews.rulesOf = (_token, namespace) => (namespace === 'one' ? [rule(['a', 'b']), rule(['a'])] : []);
    expect(await seen('one/a', 'one/b', 'two/a', 'one/c')).toEqual(['one/a']);
    expect(asked().filter((each) => each.startsWith('get'))).toEqual([
      'get clusterprofiles one a',
      'get clusterprofiles one b',
    ]);
  });

  it('ID-10: none is taken from a rule about something else', async () => {
    const { reviews, seen, asked } = setUp((_user, { verb }) => verb === 'get');
    reviews.rulesOf = () => [
      rule(['a'], { verbs: ['list', 'watch'] }),
      rule(['a'], { groups: [''] }),
      rule(['a'], { resources: ['clusterprofiles/proxy'] }),
    ];
    expect(await seen('one/a')).toEqual([]);
    expect(asked().filter((each) => each.startsWith('get'))).toEqual([]);
  });

  it.each<[string, Partial<ResourceRule>]>([
    ['verbs', { verbs: ['*'] }],
    ['groups', { groups: ['*'] }],
    ['resources', { resources: ['*'] }],
  ])('ID-10: are taken from a rule about all %s', async (_what, more) => {
    const { reviews, seen } = setUp((_user, { verb, name }) => verb === 'get' && name === 'a');
    reviews.rulesOf = () => [rule(['a'], more)];
    expect(await seen('one/a', 'one/b')).toEqual(['one/a']);
  });

  it('ID-10: a get without a name is confirmed, and then is for all', async () => {
    const { reviews, seen, asked } = setUp((_user, { verb, name }) => verb === 'get' && name === undefined);
    reviews.rulesOf = (_token, namespace) => (namespace === 'one' ? [rule([])] : []);
    expect(await seen('one/a', 'one/b', 'two/a')).toEqual(['one/a', 'one/b']);
    expect(asked()).toContain('get clusterprofiles one *');
  });

  it('ID-10: a get without a name that is not confirmed is for none', async () => {
    const { reviews, seen } = setUp();
    reviews.rulesOf = () => [rule([])];
    expect(await seen('one/a')).toEqual([]);
  });
});

describe('a user without a token', () => {
  it('[ID-02, ID-10] sees what is granted by name, each by a question of its own, and nobody is asked as them', async () => {
    const { reviews, lookByName, asked } = setUp(
      (_user, { verb, namespace, name }) => verb === 'get' && namespace === 'one' && name === 'a',
    );
    expect(await lookByName(['one/a', 'one/b', 'two/a'])).toEqual(['one/a']);
    expect(asked().toSorted()).toEqual([
      'get clusterprofiles one *',
      'get clusterprofiles one a',
      'get clusterprofiles one b',
      'get clusterprofiles two *',
      'get clusterprofiles two a',
      'list clusterprofiles * *',
      'list clusterprofiles one *',
      'list clusterprofiles two *',
    ]);
    expect(reviews.askedRules).toEqual([]);
  });

  it.each(['list', 'get'])(
    '[ID-02, ID-10] with %s in a namespace is asked about none of its names',
    async (may) => {
      const { lookByName, asked } = setUp(
        (_user, { verb, namespace, name }) => verb === may && namespace === 'one' && name === undefined,
      );
      expect(await lookByName(['one/a', 'one/b', 'two/a'])).toEqual(['one/a', 'one/b']);
      expect(asked().filter((each) => / one [ab]$/.test(each))).toEqual([]);
    },
  );

  it('[ID-02, ID-10] is asked about 500 names of a namespace, 16 at once', async () => {
    const { reviews, lookByName, asked } = setUp(
      (_user, { verb, name }) => verb === 'get' && name !== undefined,
    );
    const profiles = ['one', 'two'].flatMap((namespace) =>
      Array.from({ length: 501 }, (_, index) => `${namespace}/name-${index}`),
    );
    expect(await lookByName(profiles)).toHaveLength(1000);
    expect(asked().filter((each) => /name-\d/.test(each))).toHaveLength(1000);
    expect(reviews.mostAtOnce).toBe(16);
  });

  it('[ID-02, ID-10] is asked about again after 60 s, and about a profile that is new at once', async () => {
    const { clock, reviews, lookByName } = setUp((_user, { name }) => name === 'a' || name === 'new');
    expect(await lookByName(['one/a', 'one/b'])).toEqual(['one/a']);
    const { length } = reviews.askedAccess;
    clock.advance(59_999);
    expect(await lookByName(['one/a', 'one/b', 'one/new'])).toEqual(['one/a', 'one/new']);
    expect(reviews.askedAccess).toHaveLength(length + 1);
    clock.advance(1);
    reviews.allows = (_user, { name }) => name === 'b';
    clock.advance(10_000);
    expect(await lookByName(['one/a', 'one/b'])).toEqual(['one/b']);
  });

  it('[ID-02, ID-18] sees what they saw while the hub is away', async () => {
    const { clock, reviews, lookByName } = setUp((_user, { name }) => name === 'a');
    expect(await lookByName(['one/a', 'one/b'])).toEqual(['one/a']);
    reviews.isAway = true;
    clock.advance(120_000);
    expect(await lookByName(['one/a', 'one/b', 'one/c'])).toEqual(['one/a']);
  });
});

describe('how the hub is asked', () => {
  it('ID-10: 16 questions at once a user, namespaces and names together', async () => {
    const { reviews, look } = setUp((_user, { verb }) => verb === 'get');
    const names = Array.from({ length: 30 }, (_, index) => `name-${index}`);
    reviews.rulesOf = () => [rule(names)];
    const isVisible = await look(ana, new Set(Array.from({ length: 40 }, (_, index) => `ns-${index}`)));
    expect(isVisible({ namespace: 'ns-39', name: 'name-29' })).toBe(true);
    expect(reviews.askedAccess).toHaveLength(1 + 40 + 40 * 30);
    expect(reviews.mostAtOnce).toBe(16);
  });

  it('ID-10: once in 60 s', async () => {
    const { clock, reviews, seen } = setUp(
      (_user, { verb, namespace }) => verb === 'list' && namespace === 'one',
    );
    await seen();
    const { length } = reviews.askedAccess;
    clock.advance(59_999);
    reviews.allows = () => false;
    expect(await seen('one/a')).toEqual(['one/a']);
    expect(reviews.askedAccess).toHaveLength(length);
    clock.advance(1);
    expect(await seen('one/a')).toEqual([]);
  });

  it('ID-10: once by those who ask at the same time', async () => {
    const { reviews, look } = setUp();
    await Promise.all(Array.from({ length: 50 }, () => look()));
    expect([reviews.askedAccess.length, reviews.askedRules]).toEqual([3, ['one', 'two']]);
  });

  it('ID-10: for a namespace that is new, and for no other again', async () => {
    const { reviews, look } = setUp();
    await look();
    await look(ana, new Set([...namespaces, 'three']));
    expect([reviews.askedAccess.length, reviews.askedRules]).toEqual([4, ['one', 'two', 'three']]);
  });

  it('ID-10: for each user anew, also for the same name with other groups', async () => {
    const { look } = setUp((user, { namespace }) => user.groups.includes('fleet') && namespace === undefined);
    const profile = { namespace: 'one', name: 'a' };
    expect((await look())(profile)).toBe(false);
    expect((await look(person('ana', { groups: ['fleet'] })))(profile)).toBe(true);
    expect((await look(person('ben')))(profile)).toBe(false);
  });

  it('ID-10: an error is remembered by nobody', async () => {
    const { reviews, look, seen } = setUp(
      (_user, { verb, namespace }) => verb === 'list' && namespace === 'one',
    );
    reviews.isAway = true;
    expect((await codedErrorOf(() => look())).code).toBe('reviews-unavailable');
    reviews.isAway = false;
    expect(await seen('one/a')).toEqual(['one/a']);
  });
});

it('[ID-18] what somebody saw stays while the hub is away, for the grace and no longer; nobody else sees anything', async () => {
  const { clock, reviews, look, seen } = setUp(
    (_user, { verb, namespace }) => verb === 'list' && namespace === 'one',
  );
  expect(await seen('one/a', 'two/a')).toEqual(['one/a']);
  reviews.isAway = true;
  clock.advance(120_000);
  expect(await seen('one/a', 'one/new', 'two/a')).toEqual(['one/a', 'one/new']);
  expect((await codedErrorOf(() => look(person('ben')))).code).toBe('reviews-unavailable');
  clock.advance(180_000);
  expect((await codedErrorOf(() => look())).code).toBe('reviews-unavailable');
  reviews.isAway = false;
  reviews.allows = () => false;
  expect(await seen('one/a')).toEqual([]);
});
