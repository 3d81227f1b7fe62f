import type { IncomingMessage } from 'node:http';
import type { Clock } from '../foundation/clock.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import { createAccessDecisions } from './accessDecisions.ts';
import { type Authenticated, createTokenAuthenticator } from './authenticateToken.ts';
import { BoundedMap } from './boundedMap.ts';
import type { HubReviews } from './hubReviews.ts';
import { type ProfileId, seeingAttributes, trafficAttributes } from './profileRights.ts';
import { type ProxyUsers, readProxyUser } from './proxyUser.ts';
import { assertMayImpersonate, readRequestedImpersonation } from './requestedImpersonation.ts';
import {
  findRequestTokens,
  isPlainToken,
  type ProxyTokens,
  type RequestToken,
  type TokenOrigin,
} from './requestTokens.ts';
import { createStreamGuards, type StreamHold } from './streamGuard.ts';
import { createReviewBudgets } from './reviewBudgets.ts';
import { buildPersonKey, type User } from './user.ts';
import { createVisibility, type IsVisible } from './visibility.ts';

/** Who sent a request. */
export interface Caller {
  readonly user: User;
  /** Undefined for who is known by a proxy's word (ID-02). */
  readonly token: string | undefined;
  readonly origin: TokenOrigin;
  /** The hub could not confirm it lately (ID-18). */
  readonly isStale: boolean;
  /** Whom the caller acts as: the same, unless they ask for another and may (ID-24). */
  readonly actsAs: User;
  /** The other, as they asked for them. */
  readonly impersonates: User | undefined;
}

type Known = Omit<Caller, 'actsAs' | 'impersonates'>;

/** The one door: who somebody is and what they may, as the hub says. */
export interface Gate {
  /**
   * @throws CodedError `sign-in-required`, `token-rejected`, `users-differ`, `identity-refused`, `impersonation-*`,
   *   `reviews-unavailable`, `too-many-reviews`
   */
  identify(
    request: IncomingMessage,
    renewedToken?: string,
    /** Told who it is, before it is decided as whom they may act. */
    onAuthenticated?: (who: Authenticated) => void,
  ): Promise<Caller>;
  /** Who that is, where nobody need be asked: what `identify` would say, at once, and the same object each time. */
  recognize(request: IncomingMessage): Caller | undefined;
  /** Who holds a token that came in a body. @throws CodedError `token-rejected`, `reviews-unavailable`, `too-many-reviews` */
  identifyToken(token: string): Promise<User>;
  /**
   * @param exists false for a cluster that there is not: all the same is asked about it, so that neither the hub's
   * silence nor the time it takes tells it from one that may not be seen (ID-15)
   * @throws CodedError `access-denied`, `cluster-unknown`, `reviews-unavailable`, `too-many-reviews`
   */
  authorize(caller: Caller, profile: ProfileId, verb: string, exists: boolean): Promise<void>;
  /** Whether `authorize` is known to let it pass, without anybody being asked. */
  isAuthorized(caller: Caller, profile: ProfileId, verb: string): boolean;
  /** Whether the hub lets the caller send traffic of this verb; for answers about rights (ID-17). */
  may(caller: Caller, profile: ProfileId, verb: string): Promise<boolean>;
  /** @throws CodedError `reviews-unavailable`, `too-many-reviews` */
  whatIsVisible(caller: Caller, profiles: readonly ProfileId[]): Promise<IsVisible>;
  /** Ends a stream when its caller may no longer have it (ID-14). */
  holdStream(caller: Caller, profile: ProfileId, verb: string): StreamHold;
  /** The same for what shows a caller nothing but what they may see. */
  holdSession(caller: Caller): StreamHold;
  /** Whether the hub accepted a token before, be it at its end or not. */
  knows(token: string): boolean;
  /** The session of a token goes on with another. */
  renew(previous: string, token: string): void;
  /** The session of a token ended. */
  signOut(token: string): void;
}

export interface GateOptions {
  readonly reviews: HubReviews;
  readonly clock: Clock;
  readonly hashKey: Uint8Array;
  readonly outageGraceMs: number;
  readonly streamGraceMs: number;
  /** Undefined where no proxy's tokens are read. */
  readonly proxyTokens?: ProxyTokens;
  /** Where it is there, its word alone counts, and no token. */
  readonly proxyUsers?: ProxyUsers;
}

const maxSeenUsers = 20_000;

export function createGate(options: GateOptions): Gate {
  const { reviews, clock, hashKey, outageGraceMs, streamGraceMs, proxyTokens, proxyUsers } = options;
  const budgets = createReviewBudgets(clock);
  const authenticator = createTokenAuthenticator({ reviews, budgets, clock, hashKey, outageGraceMs });
  const decisions = createAccessDecisions({ reviews, budgets, clock, outageGraceMs });
  const visibility = createVisibility({ reviews, budgets, decisions, clock, outageGraceMs });
  const guards = createStreamGuards({ authenticator, clock, streamGraceMs });
  const lastSeen = new BoundedMap<string, number>(maxSeenUsers);

  /** Of several tokens the first counts; another that is good must be of the same user (ID-01). */
  const authenticateAll = async (tokens: readonly [string, ...string[]]): Promise<Authenticated> => {
    const [first, ...others] = tokens;
    const authenticated = await authenticator.authenticate(first);
    for (const token of others) {
      const other = await authenticator.authenticate(token).catch((thrown: unknown) => {
        if (asCodedError(thrown).code === 'token-rejected') return undefined;
        throw thrown;
      });
      if (other && other.user.name !== authenticated.user.name) throw new CodedError('users-differ');
    }
    return authenticated;
  };

  const findByTokens = async (request: IncomingMessage, renewedToken: string | undefined): Promise<Known> => {
    const [first, ...others] = findRequestTokens(request, proxyTokens).map((each) =>
      each.origin === 'cookie' && renewedToken !== undefined ? { ...each, token: renewedToken } : each,
    );
    if (first === undefined) throw new CodedError('sign-in-required');
    const who = await authenticateAll([first.token, ...others.map(({ token }) => token)]);
    return { ...first, ...who };
  };

  const may: Gate['may'] = ({ actsAs, user }, profile, verb) =>
    decisions.may(actsAs, trafficAttributes(verb, profile), user);

  const mayStillImpersonate = async ({ user, impersonates }: Caller): Promise<boolean> => {
    if (impersonates === undefined) return true;
    try {
      await assertMayImpersonate(user, impersonates, decisions);
      return true;
    } catch (thrown) {
      if (asCodedError(thrown).code === 'impersonation-refused') return false;
      throw thrown;
    }
  };

  const sees = async ({ actsAs, user }: Caller, { namespace, name }: ProfileId): Promise<boolean> =>
    (await decisions.may(actsAs, seeingAttributes('get', { namespace, name }), user)) ||
    (await decisions.may(actsAs, seeingAttributes('list', { namespace }), user));

  const recognized = new WeakMap<RequestToken, { readonly who: Authenticated; readonly caller: Caller }>();

  const hold = (caller: Caller, isStillAllowed: () => Promise<boolean>): StreamHold => {
    const { user, token } = caller;
    const key = buildPersonKey(user);
    return guards.guard({ user, token, isStillAllowed, lastSeen: () => lastSeen.get(key) });
  };

  return {
    recognize(request) {
      if (proxyUsers) return undefined;
      const [presented, ...others] = findRequestTokens(request, proxyTokens);
      if (presented === undefined || others.length > 0) return undefined;
      const who = authenticator.recall(presented);
      if (who === undefined || readRequestedImpersonation(request.rawHeaders)) return undefined;
      const last = recognized.get(presented);
      if (last?.who === who) return last.caller;
      const caller: Caller = { ...presented, ...who, actsAs: who.user, impersonates: undefined };
      recognized.set(presented, { who, caller });
      return caller;
    },
    async identify(request, renewedToken, onAuthenticated) {
      const found: Known = proxyUsers
        ? { user: readProxyUser(request, proxyUsers), token: undefined, origin: 'proxy', isStale: false }
        : await findByTokens(request, renewedToken);
      const { user, isStale } = found;
      onAuthenticated?.(found);
      if (!isStale) lastSeen.set(buildPersonKey(user), clock.now());
      const target = readRequestedImpersonation(request.rawHeaders);
      if (target) await assertMayImpersonate(user, target, decisions);
      return { ...found, actsAs: target ? asAuthenticated(target) : user, impersonates: target };
    },
    async identifyToken(token) {
      if (!isPlainToken(token)) throw new CodedError('token-rejected');
      return (await authenticator.authenticate(token)).user;
    },
    isAuthorized: ({ actsAs }, profile, verb) =>
      decisions.recall(actsAs, trafficAttributes(verb, profile)) === true,
    async authorize(caller, profile, verb, exists) {
      const isAllowed = (await may(caller, profile, verb)) && exists;
      if (isAllowed) return;
      const isSeen = (await sees(caller, profile)) && exists;
      if (!isSeen) throw new CodedError('cluster-unknown');
      throw new CodedError(
        'access-denied',
        `The hub does not let you ${verb} clusterprofiles/proxy of ${profile.namespace}/${profile.name}`,
      );
    },
    may,
    whatIsVisible: ({ user, token }, profiles) => visibility.forUser(user, token, profiles),
    holdStream: (caller, profile, verb) =>
      hold(caller, async () => (await mayStillImpersonate(caller)) && (await may(caller, profile, verb))),
    holdSession: (caller) => hold(caller, () => mayStillImpersonate(caller)),
    knows: (token) => authenticator.knows(token),
    renew: (previous, token) => {
      guards.renew(previous, token);
    },
    signOut(token) {
      authenticator.forget(token);
      guards.signOut(token);
    },
  };
}

/** As the API server completes an impersonated identity. */
function asAuthenticated(target: User): User {
  const account = /^system:serviceaccount:([^:]+):[^:]+$/.exec(target.name);
  const groups =
    account && target.groups.length === 0
      ? ['system:serviceaccounts', `system:serviceaccounts:${account[1] ?? ''}`]
      : target.groups;
  return { ...target, groups: [...groups, 'system:authenticated'] };
}
