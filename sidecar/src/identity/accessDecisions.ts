import type { Clock } from '../foundation/clock.ts';
import { CodedError } from '../foundation/errors.ts';
import { BoundedMap } from './boundedMap.ts';
import type { HubReviews, ResourceAttributes } from './hubReviews.ts';
import { buildUserKey, type User } from './user.ts';

export interface AccessDecisions {
  /**
   * Whether the hub lets a user do something, as it says or said at most 10 s ago (ID-13).
   * @throws CodedError `reviews-unavailable`
   */
  may(user: User, attributes: ResourceAttributes): Promise<boolean>;
}

export interface AccessDecisionsOptions {
  readonly reviews: Pick<HubReviews, 'mayAccess'>;
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
  clock,
  outageGraceMs,
}: AccessDecisionsOptions): AccessDecisions {
  const decisions = new BoundedMap<string, Decision>(maxRemembered);
  const running = new Map<string, Promise<boolean>>();

  const decide = async (
    key: string,
    user: User,
    attributes: ResourceAttributes,
    known: Decision | undefined,
  ): Promise<boolean> => {
    try {
      const allowed = await reviews.mayAccess(user, attributes);
      decisions.set(key, { allowed, decidedAt: clock.now() });
      return allowed;
    } catch (thrown) {
      const isOutage = thrown instanceof CodedError && thrown.code === 'reviews-unavailable';
      if (isOutage && known?.allowed && clock.now() - known.decidedAt < outageGraceMs) return true;
      throw thrown;
    }
  };

  return {
    may(user, attributes) {
      const { verb, group, resource, subresource, namespace, name } = attributes;
      // Each half is JSON, which has no newline of its own.
      const key = `${buildUserKey(user)}\n${JSON.stringify([verb, group, resource, subresource, namespace, name])}`;
      const known = decisions.get(key);
      if (known && clock.now() - known.decidedAt < memoryMs) return Promise.resolve(known.allowed);
      const present = running.get(key);
      if (present) return present;
      const started = decide(key, user, attributes, known).finally(() => running.delete(key));
      running.set(key, started);
      return started;
    },
  };
}
