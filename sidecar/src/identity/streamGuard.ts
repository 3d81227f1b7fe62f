import type { Clock } from '../foundation/clock.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { TokenAuthenticator } from './authenticateToken.ts';
import { buildPersonKey, type User } from './user.ts';

export interface StreamHold {
  readonly signal: AbortSignal;
  release(): void;
}

export interface StreamGuards {
  /** Watches over one stream; `signal` is aborted with the reason when it must end. `release` when it ended by itself. */
  guard(stream: GuardedStream): StreamHold;
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

  /** One stream: a class, since there are thousands, and closures of its own take each more than all else here. */
  class Held implements StreamHold {
    readonly #stream: GuardedStream;
    readonly #end = new AbortController();
    /** Of its session, the newest first. */
    #tokens: readonly string[] = [];
    #lastGood = clock.now();
    #isReleased = false;
    #cancel: (() => void) | undefined;

    constructor(stream: GuardedStream) {
      this.#stream = stream;
      this.#schedule();
      if (stream.token !== undefined) this.goOnWith(stream.token);
    }

    get signal(): AbortSignal {
      return this.#end.signal;
    }

    goOnWith(token: string): void {
      if (this.#tokens.includes(token)) return;
      byToken.set(token, (byToken.get(token) ?? new Set()).add(this));
      const tokens = [token, ...this.#tokens];
      this.#tokens = tokens.slice(0, maxTokens);
      for (const old of tokens.slice(maxTokens)) this.#forget(old);
    }

    release(): void {
      // A check may be under way.
      this.#isReleased = true;
      this.#cancel?.();
      for (const each of this.#tokens) this.#forget(each);
    }

    end(reason: CodedError): void {
      this.release();
      this.#end.abort(reason);
    }

    readonly checkNow = (): void => {
      this.#cancel?.();
      this.#check().then(
        () => {
          this.#schedule();
        },
        (thrown: unknown) => {
          this.end(asCodedError(thrown));
        },
      );
    };

    async #check(): Promise<void> {
      const { user, token, isStillAllowed, lastSeen } = this.#stream;
      if (!(await isStillAllowed())) {
        this.end(new CodedError('access-denied'));
        return;
      }
      if (token === undefined) return;
      try {
        // Whoever signed in in the same browser took the session over.
        if (buildPersonKey(await this.#findUser()) === buildPersonKey(user)) this.#lastGood = clock.now();
        else this.end(new CodedError('sign-in-required'));
      } catch (thrown) {
        if (asCodedError(thrown).code !== 'token-rejected') return;
        const seen = Math.max(this.#lastGood, lastSeen() ?? 0);
        if (clock.now() - seen >= streamGraceMs) this.end(new CodedError('token-rejected'));
      }
    }

    /** By the newest token that is good. @throws CodedError `token-rejected`, `reviews-unavailable` */
    async #findUser(): Promise<User> {
      for (const token of this.#tokens) {
        try {
          return (await authenticator.authenticate(token)).user;
        } catch (thrown) {
          // An outage says nothing about the token.
          if (asCodedError(thrown).code !== 'token-rejected') throw thrown;
        }
      }
      throw new CodedError('token-rejected');
    }

    #schedule(): void {
      if (this.#isReleased) return;
      // Another check may have been done meanwhile.
      this.#cancel?.();
      this.#cancel = clock.after(intervalMs, this.checkNow);
    }

    #forget(token: string): void {
      const streams = byToken.get(token);
      streams?.delete(this);
      if (streams?.size === 0) byToken.delete(token);
    }
  }

  return {
    guard: (stream) => new Held(stream),
    renew(previous, token) {
      for (const held of [...(byToken.get(previous) ?? [])]) {
        held.goOnWith(token);
        // It may be another who signed in in the same browser.
        held.checkNow();
      }
    },
    signOut(token) {
      for (const held of [...(byToken.get(token) ?? [])]) held.end(new CodedError('sign-in-required'));
    },
  };
}
