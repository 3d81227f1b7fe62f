import type { Clock } from '../foundation/clock.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { TokenAuthenticator } from './authenticateToken.ts';
import { buildPersonKey, type User } from './user.ts';

export interface StreamGuards {
  /** Watches over one stream; `signal` is aborted with the reason when it must end. `release` when it ended by itself. */
  guard(stream: GuardedStream): { readonly signal: AbortSignal; release(): void };
  /** The session goes on with another token; what ends it ends the streams that began with the old one, too. */
  renew(previous: string, token: string): void;
  /** Ends every stream of the session that this token is of (ID-14). */
  signOut(token: string): void;
}

export interface GuardedStream {
  readonly user: User;
  /** Undefined for a user who has none: the rights alone are asked about. */
  readonly token: string | undefined;
  /** Whether the same identity may still do it. @throws CodedError `reviews-unavailable` */
  readonly isStillAllowed: () => Promise<boolean>;
  /** When another token of the same user was last good, milliseconds; undefined for never. */
  readonly lastSeen: () => number | undefined;
}

export interface StreamGuardsOptions {
  readonly authenticator: Pick<TokenAuthenticator, 'authenticate'>;
  readonly clock: Clock;
  /** How long a stream may outlive its token (ID-14). */
  readonly streamGraceMs: number;
}

const intervalMs = 60_000;
/** A browser sends the one before for a moment longer, also to sign out. */
const maxTokens = 2;

interface Held {
  readonly end: AbortController;
  /** Of its session, the newest first. */
  readonly tokens: string[];
  readonly checkNow: () => void;
}

/**
 * Long streams are asked about every minute. A token that is no longer accepted ends them only after the grace, unless
 * its session goes on with a newer one, or its user was seen with another: kube-apiserver ends none at expiry either.
 */
export function createStreamGuards({
  authenticator,
  clock,
  streamGraceMs,
}: StreamGuardsOptions): StreamGuards {
  const byToken = new Map<string, Set<Held>>();

  const forget = (held: Held, token: string): void => {
    const streams = byToken.get(token);
    streams?.delete(held);
    if (streams?.size === 0) byToken.delete(token);
  };
  const hold = (held: Held, token: string): void => {
    if (held.tokens.includes(token)) return;
    byToken.set(token, (byToken.get(token) ?? new Set()).add(held));
    held.tokens.unshift(token);
    for (const old of held.tokens.splice(maxTokens)) forget(held, old);
  };

  /** By the newest token that is good. @throws CodedError `token-rejected`, `reviews-unavailable` */
  const findUser = async ({ tokens }: Held): Promise<User> => {
    for (const token of [...tokens]) {
      try {
        return (await authenticator.authenticate(token)).user;
      } catch (thrown) {
        // An outage says nothing about the token.
        if (asCodedError(thrown).code !== 'token-rejected') throw thrown;
      }
    }
    throw new CodedError('token-rejected');
  };

  return {
    guard({ user, token, isStillAllowed, lastSeen }) {
      const held: Held = {
        end: new AbortController(),
        tokens: [],
        checkNow() {
          cancel();
          check().then(schedule, (thrown: unknown) => {
            end.abort(asCodedError(thrown));
          });
        },
      };
      const { end } = held;
      let lastGood = clock.now();
      let isReleased = false;
      let cancel = (): void => undefined;

      const check = async (): Promise<void> => {
        if (!(await isStillAllowed())) {
          end.abort(new CodedError('access-denied'));
          return;
        }
        if (token === undefined) return;
        try {
          // Whoever signed in in the same browser took the session over.
          if (buildPersonKey(await findUser(held)) === buildPersonKey(user)) lastGood = clock.now();
          else end.abort(new CodedError('sign-in-required'));
        } catch (thrown) {
          if (asCodedError(thrown).code !== 'token-rejected') return;
          const seen = Math.max(lastGood, lastSeen() ?? 0);
          if (clock.now() - seen >= streamGraceMs) end.abort(new CodedError('token-rejected'));
        }
      };
      const schedule = (): void => {
        if (isReleased) return;
        // Another check may have been done meanwhile.
        cancel();
        cancel = clock.after(intervalMs, held.checkNow);
      };
      schedule();

      if (token !== undefined) hold(held, token);
      const release = (): void => {
        // A check may be under way.
        isReleased = true;
        cancel();
        for (const each of held.tokens) forget(held, each);
      };
      end.signal.addEventListener('abort', release, { once: true });
      return { signal: end.signal, release };
    },
    renew(previous, token) {
      for (const held of [...(byToken.get(previous) ?? [])]) {
        hold(held, token);
        // It may be another who signed in in the same browser.
        held.checkNow();
      }
    },
    signOut(token) {
      for (const { end } of [...(byToken.get(token) ?? [])]) end.abort(new CodedError('sign-in-required'));
    },
  };
}
