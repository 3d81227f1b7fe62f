import { hash as digest } from 'node:crypto';
import type { Clock } from '../foundation/clock.ts';
import { CodedError } from '../foundation/errors.ts';
import { BoundedMap } from './boundedMap.ts';
import type { HubReviews } from './hubReviews.ts';
import { createLane } from './lane.ts';
import type { RequestToken } from './requestTokens.ts';
import type { ReviewBudgets } from './reviewBudgets.ts';
import { readTokenExpiry } from './tokenExpiry.ts';
import type { User } from './user.ts';

export interface Authenticated {
  readonly user: User;
  /** The hub could not confirm it lately (ID-18). */
  readonly isStale: boolean;
}

export interface TokenAuthenticator {
  /**
   * Who holds a token, as the hub says or said at most 10 s ago (ID-06).
   * @throws CodedError `token-rejected`, `reviews-unavailable`, `too-many-reviews`
   */
  authenticate(token: string): Promise<Authenticated>;
  /** Who that is, where it need not be asked: as `authenticate` would say, at once. */
  recall(presented: RequestToken): Authenticated | undefined;
  /** Whether the hub accepted it before, be it at its end or not. */
  knows(token: string): boolean;
  /** The holder signed out: the next use is reviewed. */
  forget(token: string): void;
}

export interface TokenAuthenticatorOptions {
  readonly reviews: Pick<HubReviews, 'reviewToken'>;
  readonly budgets: ReviewBudgets;
  readonly clock: Clock;
  /** Of this process alone: what is remembered is no token (ID-06). */
  readonly hashKey: Uint8Array;
  /** How long a token that was good counts while the hub cannot be asked (ID-18). */
  readonly outageGraceMs: number;
}

const memoryMs = 10_000;
const maxGood = 20_000;
const maxBad = 5_000;
/** Reviews at once, and waiting, of tokens that were never good: a flood of bad ones holds up nobody who is known. */
const strangers = { concurrent: 16, waiting: 500 };

interface GoodToken {
  /** The same object until the next review. */
  readonly authenticated: Authenticated & { readonly isStale: false };
  readonly checkedAt: number;
  /** `exp` of a JWT; Infinity for any other. */
  readonly expiresAt: number;
}

export function createTokenAuthenticator({
  reviews,
  budgets,
  clock,
  hashKey,
  outageGraceMs,
}: TokenAuthenticatorOptions): TokenAuthenticator {
  const good = new BoundedMap<string, GoodToken>(maxGood);
  const bad = new BoundedMap<string, number>(maxBad);
  const running = new Map<string, Promise<Authenticated>>();
  const lane = createLane(strangers, () => new CodedError('reviews-unavailable'));

  const review = async (
    hash: string,
    token: string,
    known: GoodToken | undefined,
  ): Promise<Authenticated> => {
    try {
      const ask = (): Promise<User | undefined> => reviews.reviewToken(token);
      const user = await (known ? budgets.spend(known.authenticated.user, ask) : lane(ask));
      if (user === undefined) {
        good.delete(hash);
        bad.set(hash, clock.now());
        throw new CodedError('token-rejected');
      }
      bad.delete(hash);
      const authenticated = { user, isStale: false } as const;
      good.set(hash, { authenticated, checkedAt: clock.now(), expiresAt: readTokenExpiry(token) });
      return authenticated;
    } catch (thrown) {
      const isOutage = thrown instanceof CodedError && thrown.code === 'reviews-unavailable';
      const now = clock.now();
      if (isOutage && known && now < known.expiresAt && now - known.checkedAt < outageGraceMs)
        return { user: known.authenticated.user, isStale: true };
      throw thrown;
    }
  };

  // Of fixed length before the token. Twice, as in HMAC; an object of `createHmac` for each request takes far longer.
  const secret = Buffer.from(hashKey).toString('hex');
  const hashOf = (token: string): string =>
    digest('sha256', secret + digest('sha256', secret + token), 'base64');

  /** By what came in on a connection, so that each computes it once. */
  const hashes = new WeakMap<RequestToken, string>();
  const isFresh = ({ checkedAt, expiresAt }: GoodToken, now: number): boolean =>
    now - checkedAt < memoryMs && now < expiresAt;

  return {
    recall(presented) {
      let hash = hashes.get(presented);
      if (hash === undefined) hashes.set(presented, (hash = hashOf(presented.token)));
      const known = good.get(hash);
      return known && isFresh(known, clock.now()) ? known.authenticated : undefined;
    },
    async authenticate(token) {
      const hash = hashOf(token);
      const now = clock.now();
      const known = good.get(hash);
      // The hub remembers a token it has seen for some seconds past its end (kube-apiserver 1.36: up to 10).
      if ((known?.expiresAt ?? readTokenExpiry(token)) <= now) throw new CodedError('token-rejected');
      if (known && isFresh(known, now)) return known.authenticated;
      const rejectedAt = bad.get(hash);
      if (rejectedAt !== undefined && now - rejectedAt < memoryMs) throw new CodedError('token-rejected');
      const present = running.get(hash);
      if (present) return present;
      const started = review(hash, token, known).finally(() => running.delete(hash));
      running.set(hash, started);
      return started;
    },
    knows: (token) => good.get(hashOf(token)) !== undefined,
    forget(token) {
      good.delete(hashOf(token));
    },
  };
}
