import { CodedError } from '../../src/foundation/errors.ts';
import type { HubReviews, ResourceAttributes, ResourceRule } from '../../src/identity/hubReviews.ts';
import type { User } from '../../src/identity/user.ts';

/** A hub that knows users by their tokens, and of which a test says what they may. */
export interface FakeReviews extends HubReviews {
  readonly users: Map<string, User>;
  /** Nothing is allowed until it is set. */
  allows: (user: User, attributes: ResourceAttributes) => boolean;
  rulesOf: (token: string, namespace: string) => readonly ResourceRule[];
  /** Cannot be asked. */
  isAway: boolean;
  readonly askedTokens: readonly string[];
  readonly askedAccess: readonly { readonly user: User; readonly attributes: ResourceAttributes }[];
  readonly askedRules: readonly string[];
  /** The most questions that were open at once. */
  readonly mostAtOnce: number;
}

export function person(name: string, more: Partial<User> = {}): User {
  return { name, uid: '', groups: ['system:authenticated'], extra: {}, ...more };
}

/** What a fleet's traffic of these verbs needs, whatever the cluster. */
export function allowTraffic(rights: Readonly<Record<string, readonly string[]>>): FakeReviews['allows'] {
  return ({ name }, { subresource, verb }) =>
    subresource === 'proxy' && (rights[name]?.includes(verb) ?? false);
}

export function createFakeReviews(users: Readonly<Record<string, User>> = {}): FakeReviews {
  const askedTokens: string[] = [];
  const askedAccess: { user: User; attributes: ResourceAttributes }[] = [];
  const askedRules: string[] = [];
  let open = 0;
  let most = 0;
  const answer = async <Answer>(decide: () => Answer): Promise<Answer> => {
    most = Math.max(most, ++open);
    await new Promise((resolve) => setImmediate(resolve));
    open--;
    if (reviews.isAway) throw new CodedError('reviews-unavailable');
    return decide();
  };
  const reviews: FakeReviews = {
    users: new Map(Object.entries(users)),
    allows: () => false,
    rulesOf: () => [],
    isAway: false,
    askedTokens,
    askedAccess,
    askedRules,
    get mostAtOnce() {
      return most;
    },
    reviewToken(token) {
      askedTokens.push(token);
      return answer(() => reviews.users.get(token));
    },
    mayAccess(user, attributes) {
      askedAccess.push({ user, attributes });
      return answer(() => reviews.allows(user, attributes));
    },
    listRules(token, namespace) {
      askedRules.push(namespace);
      return answer(() => reviews.rulesOf(token, namespace));
    },
  };
  return reviews;
}
