import type { Clock } from '../foundation/clock.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { TokenAuthenticator } from './authenticateToken.ts';

export interface StreamGuards {
  /** Watches over one stream; `signal` is aborted with the reason when it must end. `release` when it ended by itself. */
  guard(stream: GuardedStream): { readonly signal: AbortSignal; release(): void };
  /** Ends every stream that began with this token (ID-14). */
  signOut(token: string): void;
}

export interface GuardedStream {
  readonly token: string;
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

/**
 * Long streams are asked about every minute. A token that is no longer accepted ends them only after the grace, unless
 * its user was seen with a newer one: kube-apiserver ends none at expiry either.
 */
export function createStreamGuards({
  authenticator,
  clock,
  streamGraceMs,
}: StreamGuardsOptions): StreamGuards {
  const bySession = new Map<string, Set<AbortController>>();

  const isTokenGood = async (token: string): Promise<boolean> => {
    try {
      await authenticator.authenticate(token);
      return true;
    } catch (thrown) {
      // An outage says nothing about the token.
      return asCodedError(thrown).code !== 'token-rejected';
    }
  };

  return {
    guard({ token, isStillAllowed, lastSeen }) {
      const end = new AbortController();
      let lastGood = clock.now();
      let cancel = (): void => undefined;

      const check = async (): Promise<void> => {
        if (!(await isStillAllowed())) {
          end.abort(new CodedError('access-denied'));
          return;
        }
        if (await isTokenGood(token)) lastGood = clock.now();
        const seen = Math.max(lastGood, lastSeen() ?? 0);
        if (clock.now() - seen >= streamGraceMs) end.abort(new CodedError('token-rejected'));
      };
      const schedule = (): void => {
        if (end.signal.aborted) return;
        cancel = clock.after(intervalMs, () => {
          check().then(schedule, (thrown: unknown) => {
            end.abort(asCodedError(thrown));
          });
        });
      };
      schedule();

      const session = bySession.get(token) ?? new Set();
      bySession.set(token, session.add(end));
      const release = (): void => {
        cancel();
        session.delete(end);
        if (session.size === 0 && bySession.get(token) === session) bySession.delete(token);
      };
      end.signal.addEventListener('abort', release, { once: true });
      return { signal: end.signal, release };
    },
    signOut(token) {
      for (const each of bySession.get(token) ?? []) each.abort(new CodedError('sign-in-required'));
    },
  };
}
