import type { Clock } from '../foundation/clock.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { TokenAuthenticator } from './authenticateToken.ts';

export interface StreamGuards {
  /** Watches over one stream; `signal` is aborted with the reason when it must end. `release` when it ended by itself. */
  guard(stream: GuardedStream): { readonly signal: AbortSignal; release(): void };
  /** The session goes on with another token; what ends it ends the streams that began with the old one, too. */
  renew(previous: string, token: string): void;
  /** Ends every stream of the session that this token is of (ID-14). */
  signOut(token: string): void;
}

export interface GuardedStream {
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

interface Held {
  readonly end: AbortController;
  /** Of its session: the one that it began with, and those that came after. */
  readonly tokens: Set<string>;
}

/**
 * Long streams are asked about every minute. A token that is no longer accepted ends them only after the grace, unless
 * its user was seen with a newer one: kube-apiserver ends none at expiry either.
 */
export function createStreamGuards({
  authenticator,
  clock,
  streamGraceMs,
}: StreamGuardsOptions): StreamGuards {
  const byToken = new Map<string, Set<Held>>();

  const hold = (held: Held, token: string): void => {
    const streams = byToken.get(token) ?? new Set();
    byToken.set(token, streams.add(held));
    held.tokens.add(token);
  };
  const letGo = (held: Held): void => {
    for (const token of held.tokens) {
      const streams = byToken.get(token);
      streams?.delete(held);
      if (streams?.size === 0) byToken.delete(token);
    }
  };

  return {
    guard({ token, isStillAllowed, lastSeen }) {
      const end = new AbortController();
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
          await authenticator.authenticate(token);
          lastGood = clock.now();
        } catch (thrown) {
          // An outage says nothing about the token.
          if (asCodedError(thrown).code !== 'token-rejected') return;
          const seen = Math.max(lastGood, lastSeen() ?? 0);
          if (clock.now() - seen >= streamGraceMs) end.abort(new CodedError('token-rejected'));
        }
      };
      const schedule = (): void => {
        if (isReleased) return;
        cancel = clock.after(intervalMs, () => {
          check().then(schedule, (thrown: unknown) => {
            end.abort(asCodedError(thrown));
          });
        });
      };
      schedule();

      const held: Held = { end, tokens: new Set() };
      if (token !== undefined) hold(held, token);
      const release = (): void => {
        // A check may be under way.
        isReleased = true;
        cancel();
        letGo(held);
      };
      end.signal.addEventListener('abort', release, { once: true });
      return { signal: end.signal, release };
    },
    renew(previous, token) {
      for (const held of byToken.get(previous) ?? []) hold(held, token);
    },
    signOut(token) {
      for (const { end } of [...(byToken.get(token) ?? [])]) end.abort(new CodedError('sign-in-required'));
    },
  };
}
