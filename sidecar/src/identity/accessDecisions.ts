import type { Clock } from '../foundation/clock.ts';
import { CodedError } from '../foundation/errors.ts';
import { BoundedMap } from './boundedMap.ts';
import type { HubReviews, ResourceAttributes } from './hubReviews.ts';
import type { ReviewBudgets } from './reviewBudgets.ts';
import { buildUserKey, digest, type User } from './user.ts';

export interface AccessDecisions {
  /**
   * Whether the hub lets a user do something, as it says or said at most 10 s ago (ID-13).
   * @param asker whose request it is that asks, where they act as another
   * @throws CodedError `reviews-unavailable`, `too-many-reviews`
   */
  may(user: User, attributes: ResourceAttributes, asker?: User): Promise<boolean>;
  /** The same, at once, where it need not be asked. The key of these very attributes is made once a user. */
  recall(user: User, attributes: ResourceAttributes): boolean | undefined;
}

export interface AccessDecisionsOptions {
  readonly reviews: Pick<HubReviews, 'mayAccess'>;
  readonly budgets: ReviewBudgets;
  readonly clock: Clock;
  /** How long a yes counts while the hub cannot be asked (ID-18). */
  readonly outageGraceMs: number;
}

const memoryMs = 10_000;
const maxRemembered = 100_000;

interface Decision {
  readonly allowed: boolean;
  readonly decidedAt: number;
}

export function createAccessDecisions({
  reviews,
  budgets,
  clock,
  outageGraceMs,
}: AccessDecisionsOptions): AccessDecisions {
  const decisions = new BoundedMap<string, Decision>(maxRemembered);
  const running = new Map<string, Promise<boolean>>();

  const decide = async (
    key: string,
    user: User,
    attributes: ResourceAttributes,
    asker: User,
    known: Decision | undefined,
  ): Promise<boolean> => {
    try {
      const allowed = await budgets.spend(asker, () => reviews.mayAccess(user, attributes));
      decisions.set(key, { allowed, decidedAt: clock.now() });
      return allowed;
    } catch (thrown) {
      const isOutage = thrown instanceof CodedError && thrown.code === 'reviews-unavailable';
      if (isOutage && known?.allowed && clock.now() - known.decidedAt < outageGraceMs) return true;
      throw thrown;
    }
  };

  const keys = new WeakMap<User, WeakMap<ResourceAttributes, string>>();
  const keyOf = (user: User, attributes: ResourceAttributes): string => {
    let ofUser = keys.get(user);
    if (ofUser === undefined) keys.set(user, (ofUser = new WeakMap()));
    let key = ofUser.get(attributes);
    if (key === undefined) ofUser.set(attributes, (key = buildKey(user, attributes)));
    return key;
  };
  const isFresh = ({ decidedAt }: Decision): boolean => clock.now() - decidedAt < memoryMs;

  return {
    recall(user, attributes) {
      const known = decisions.get(keyOf(user, attributes));
      return known && isFresh(known) ? known.allowed : undefined;
    },
    may(user, attributes, asker = user) {
      const key = buildKey(user, attributes);
      const known = decisions.get(key);
      if (known && isFresh(known)) return Promise.resolve(known.allowed);
      const present = running.get(key);
      if (present) return present;
      const started = decide(key, user, attributes, asker, known).finally(() => running.delete(key));
      running.set(key, started);
      return started;
    },
  };
}

/** Anybody may ask about names as long as a request's headers: what is longer is remembered as its digest. */
const maxKeyLength = 512;

function buildKey(
  user: User,
  { verb, group, resource, subresource, namespace, name }: ResourceAttributes,
): string {
  const question = JSON.stringify([verb, group, resource, subresource, namespace, name]);
  // Neither a digest nor JSON has a newline of its own, and no JSON of this begins as a digest does.
  return `${buildUserKey(user)}\n${question.length > maxKeyLength ? digest(question) : question}`;
}
