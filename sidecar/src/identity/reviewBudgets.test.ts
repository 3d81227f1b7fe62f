import { expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import { person } from '../../test/support/fakeReviews.ts';
import { createManualClock } from '../../test/support/manualClock.ts';
import { createReviewBudgets } from './reviewBudgets.ts';

const ana = person('ana');
const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function setUp() {
  const clock = createManualClock();
  const budgets = createReviewBudgets(clock);
  let asked = 0;
  const ask = (): Promise<number> => Promise.resolve(++asked);
  const spend = (count: number, user = ana): Promise<unknown> =>
    Promise.all(Array.from({ length: count }, () => budgets.spend(user, ask)));
  return { clock, budgets, spend, count: () => asked };
}

it('[ID-10] one user causes 10,000 reviews, then 200 a second; another is not concerned', async () => {
  const { clock, spend, count } = setUp();
  await spend(10_000);
  expect((await codedErrorOf(() => spend(1))).code).toBe('too-many-reviews');
  await spend(1, person('ben'));
  expect(count()).toBe(10_001);
  clock.advance(1_000);
  await spend(200);
  expect((await codedErrorOf(() => spend(1))).code).toBe('too-many-reviews');
  clock.advance(3_600_000);
  await spend(10_000);
  expect((await codedErrorOf(() => spend(1))).code).toBe('too-many-reviews');
});

it('[ID-10] a user is the same with another token, and another with another uid', async () => {
  const { spend } = setUp();
  await spend(10_000);
  const sameUser = person('ana', { groups: ['more'], extra: { id: ['JTI=2'] } });
  expect((await codedErrorOf(() => spend(1, sameUser))).code).toBe('too-many-reviews');
  await spend(1, person('ana', { uid: '2' }));
});

it('[ID-10] 32 of one user are under way at once, and none the fewer of another', async () => {
  const { budgets } = setUp();
  let open = 0;
  let most = 0;
  const ask = async (): Promise<void> => {
    most = Math.max(most, ++open);
    await later();
    open--;
  };
  const spend = (name: string): Promise<unknown> =>
    Promise.all(Array.from({ length: 100 }, () => budgets.spend(person(name), ask)));
  await spend('ana');
  expect(most).toBe(32);
  await Promise.all([spend('ana'), spend('ben')]);
  expect(most).toBe(64);
});
