export interface BackoffOptions {
  /** First upper bound, in milliseconds. */
  readonly initialMs: number;
  /** Largest upper bound, in milliseconds. */
  readonly maxMs: number;
  /**
   * `above`: between the bound and twice the bound (client-go's reflector, DI-25).
   * `below`: between half the bound and the bound, so that a wait is never nothing (EX-28).
   */
  readonly jitter: 'above' | 'below';
  /** A number in [0, 1). */
  readonly random: () => number;
}

/** Delays that double from `initialMs` to `maxMs`, with jitter. */
export interface Backoff {
  /** The delay before the next attempt, in milliseconds; each call doubles the bound. */
  nextMs(): number;
  reset(): void;
}

export function createBackoff({ initialMs, maxMs, jitter, random }: BackoffOptions): Backoff {
  let boundMs = initialMs;
  return {
    nextMs() {
      const current = boundMs;
      boundMs = Math.min(boundMs * 2, maxMs);
      return jitter === 'above' ? current * (1 + random()) : current * (0.5 + random() / 2);
    },
    reset() {
      boundMs = initialMs;
    },
  };
}
