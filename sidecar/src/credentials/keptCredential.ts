import { createBackoff } from '../foundation/backoff.ts';
import type { Clock } from '../foundation/clock.ts';
import { asCodedError } from '../foundation/errors.ts';
import type { CodedError, ErrorCode } from '../foundation/errors.ts';
import type { Credential } from './credential.ts';
import { isSameCredential } from './isSameCredential.ts';
import { pluginError } from './pluginError.ts';

/** What is known of a credential without running anything. Instants are milliseconds since the epoch. */
export interface CredentialState {
  readonly isHeld: boolean;
  readonly isRunning: boolean;
  readonly expiresAt?: number;
  readonly lastSuccessAt?: number;
  /** The last run failed. `retryAt` is when a caller may start the next one (EX-28). */
  readonly failure?: { readonly error: CodedError; readonly at: number; readonly retryAt: number };
}

/** One credential and its life (EX-21 to EX-28). No timer ever runs a plugin: only a caller does (EX-31). */
export interface KeptCredential {
  /** @throws CodedError of stage `credential` */
  get(): Promise<Credential>;
  /** What `get` would give, where nobody has to wait for it. */
  current(): Credential | undefined;
  reject(credential: Credential): void;
  endBackoff(): void;
  state(): CredentialState;
  /** Ends the run under way; everything after that fails with `plugin-ended`. */
  close(): void;
}

export interface KeptCredentialOptions {
  readonly provider: string;
  /** Runs the plugin; calls `onStarted` when its turn has come (EX-30). */
  readonly ask: (signal: AbortSignal, onStarted: () => void) => Promise<Credential>;
  readonly clock: Clock;
  readonly random: () => number;
  /** After each run that was started. `durationMs` is without the time in the queue. */
  readonly onRun: (outcome: ErrorCode | 'ok', durationMs: number) => void;
  /** The state changed. */
  readonly onChange: () => void;
}

/** Renewed this long before the expiry, or a fifth of its life when that is shorter (EX-23). */
const renewAheadMs = 60_000;
/** An answer with less to live counts as expired on arrival: a run for each request would be a loop (EX-24). */
const shortestLifeMs = 1000;
/** Half of the first bound is the least wait: 1 s, then doubled, never above 60 s (EX-28). */
const backoffBoundsMs = { initialMs: 2000, maxMs: 60_000 };

interface Held {
  readonly credential: Credential;
  readonly obtainedAt: number;
  readonly renewAt: number;
  /** Infinity without an expiry (EX-22). */
  readonly expiresAt: number;
  /** Serves until `isWaiting` ends, whatever its expiry says (EX-24). */
  readonly isExpiredOnArrival: boolean;
}

export function createKeptCredential({
  provider,
  ask,
  clock,
  random,
  onRun,
  onChange,
}: KeptCredentialOptions): KeptCredential {
  const ending = new AbortController();
  const backoff = createBackoff({ ...backoffBoundsMs, jitter: 'below', random });
  let held: Held | undefined;
  let running: Promise<Credential> | undefined;
  let lastSuccessAt: number | undefined;
  let failure: CredentialState['failure'];
  /**
   * What the cluster refused last. Once the plugin has answered it again and the back-off has ended, the same
   * answer is tried at the cluster anew: the fault may have been the cluster's.
   */
  let rejected: { readonly credential: Credential; answeredAgain: boolean } | undefined;
  let rejections = 0;
  /** A timer of at most 60 s, and not a comparison of instants, so that a moved clock neither ends nor extends it (FA-43). */
  let cancelWait: (() => void) | undefined;

  const endWait = (): void => {
    cancelWait?.();
    cancelWait = undefined;
  };
  const wait = (): number => {
    const waitMs = backoff.nextMs();
    endWait();
    cancelWait = clock.after(waitMs, () => {
      cancelWait = undefined;
    });
    return clock.now() + waitMs;
  };

  const fail = (error: CodedError): CodedError => {
    if (!ending.signal.aborted) {
      const at = clock.now();
      failure = { error, at, retryAt: wait() };
    }
    return error;
  };

  const hold = (credential: Credential): void => {
    const obtainedAt = clock.now();
    const expiresAt = credential.expiresAt ?? Infinity;
    const lifeMs = expiresAt - obtainedAt;
    const isExpiredOnArrival = lifeMs < shortestLifeMs;
    held = {
      credential,
      obtainedAt,
      expiresAt,
      renewAt: expiresAt - Math.min(renewAheadMs, lifeMs / 5),
      isExpiredOnArrival,
    };
    lastSuccessAt = obtainedAt;
    failure = undefined;
    if (isExpiredOnArrival) wait();
    else if (!rejected) backoff.reset();
  };

  /** One run, judged. @returns the credential, or undefined when the run has to be done again */
  const runOnce = async (): Promise<Credential | undefined> => {
    const rejectionsBefore = rejections;
    let startedAt: number | undefined;
    const report = (outcome: ErrorCode | 'ok'): void => {
      if (startedAt !== undefined) onRun(outcome, Math.max(clock.now() - startedAt, 0));
    };
    let answer: Credential;
    try {
      answer = await ask(ending.signal, () => {
        startedAt = clock.now();
      });
      ending.signal.throwIfAborted();
    } catch (thrown) {
      const error = asCodedError(thrown);
      report(error.code);
      throw fail(error);
    }
    if (rejected && isSameCredential(answer, rejected.credential)) {
      // The 401 came after the plugin was started: its answer may be as old as what was refused, and says nothing.
      if (rejections !== rejectionsBefore) {
        report('ok');
        return undefined;
      }
      if (!rejected.answeredAgain) {
        rejected.answeredAgain = true;
        report('plugin-credential-rejected');
        throw fail(
          pluginError(
            'plugin-credential-rejected',
            provider,
            'the cluster rejects the credential that the plugin answers',
          ),
        );
      }
    } else {
      rejected = undefined;
    }
    report('ok');
    hold(answer);
    return answer;
  };

  const untilJudged = async (): Promise<Credential> => {
    let answer: Credential | undefined;
    // Twice at most: only the refusal of a held credential makes a run too old, and there is none in the second.
    while (!answer) answer = await runOnce();
    return answer;
  };

  const startRun = (): Promise<Credential> => {
    running = untilJudged().finally(() => {
      running = undefined;
      onChange();
    });
    return running;
  };

  const isUsable = ({ isExpiredOnArrival, expiresAt }: Held): boolean =>
    isExpiredOnArrival ? cancelWait !== undefined : clock.now() < expiresAt;

  /** After its close nothing is held. */
  const current = (): Credential | undefined => {
    if (held && !isUsable(held)) held = undefined;
    if (held && !running && !cancelWait && clock.now() >= held.renewAt) {
      // Nobody waits for a renewal ahead of time, and one that fails changes nothing yet (EX-27).
      startRun().catch(() => undefined);
    }
    return held?.credential;
  };

  return {
    current,
    get() {
      if (ending.signal.aborted) return Promise.reject(ending.signal.reason as CodedError);
      const credential = current();
      if (credential) return Promise.resolve(credential);
      if (running) return running;
      if (cancelWait && failure) return Promise.reject(failure.error);
      return startRun();
    },

    reject(credential) {
      if (!held || !isSameCredential(held.credential, credential)) return;
      if (clock.now() - held.obtainedAt >= backoffBoundsMs.maxMs) backoff.reset();
      rejected = { credential: held.credential, answeredAgain: false };
      held = undefined;
      rejections += 1;
      // The wait of an answer that arrived expired, which serves no more; the wait of a failure stays.
      if (!failure) endWait();
      onChange();
    },

    endBackoff() {
      endWait();
      backoff.reset();
      rejected = undefined;
      if (failure) failure = { ...failure, retryAt: clock.now() };
    },

    state: () => ({
      isHeld: held !== undefined && isUsable(held),
      isRunning: running !== undefined,
      ...(held?.credential.expiresAt === undefined ? {} : { expiresAt: held.credential.expiresAt }),
      ...(lastSuccessAt === undefined ? {} : { lastSuccessAt }),
      ...(failure ? { failure } : {}),
    }),

    close() {
      ending.abort(
        pluginError(
          'plugin-ended',
          provider,
          'the run of the plugin was ended because its cluster went away',
        ),
      );
      endWait();
      held = undefined;
    },
  };
}
