import type { Clock } from '../foundation/clock.ts';
import { CodedError } from '../foundation/errors.ts';
import { BoundedMap } from './boundedMap.ts';
import { createLane, type Lane } from './lane.ts';
import { buildPersonKey, type User } from './user.ts';

/**
 * What one user can make the hub be asked, whatever they send: enough for somebody who opens every cluster of a large
 * fleet, and never so much that the hub answers 429, which would count as an outage to all (ID-18).
 */
export interface ReviewBudgets {
  /** @throws CodedError `too-many-reviews`, and what `ask` throws */
  spend<Answer>(user: User, ask: () => Promise<Answer>): Promise<Answer>;
}

const size = 10_000;
const perSecond = 200;
/** Twice what finding what somebody sees takes (ID-10), so that their traffic has a way beside it. */
const limits = { concurrent: 32, waiting: size };
const maxUsers = 20_000;

interface Budget {
  left: number;
  at: number;
  readonly lane: Lane;
}

export function createReviewBudgets(clock: Clock): ReviewBudgets {
  const budgets = new BoundedMap<string, Budget>(maxUsers);
  const tooMany = (): CodedError => new CodedError('too-many-reviews');

  const budgetOf = (user: User): Budget => {
    const key = buildPersonKey(user);
    const present = budgets.get(key);
    if (present) return present;
    const budget = { left: size, at: clock.now(), lane: createLane(limits, tooMany) };
    budgets.set(key, budget);
    return budget;
  };

  return {
    async spend(user, ask) {
      const budget = budgetOf(user);
      const now = clock.now();
      budget.left = Math.min(size, budget.left + (Math.max(0, now - budget.at) / 1000) * perSecond);
      budget.at = now;
      if (budget.left < 1) throw tooMany();
      budget.left--;
      return budget.lane(ask);
    },
  };
}
