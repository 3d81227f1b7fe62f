/** Time as a parameter, so that tests need no sleeps. Instants are milliseconds since the epoch, spans are milliseconds. */
export interface Clock {
  now(): number;
  /** Calls `run` once after `delayMs`; the returned function cancels it. Never keeps the process alive. */
  after(delayMs: number, run: () => void): () => void;
}

/** The longest delay a Node timer takes; a longer one would fire after 1 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    if (delayMs > LONGEST_TIMER_MS) return afterSeveral(delayMs, run);
    const timer = setTimeout(run, Math.max(delayMs, 0));
    timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
};

/** One timer behind the other; apart, since every request has a timer, and hardly one of them is this long. */
function afterSeveral(delayMs: number, run: () => void): () => void {
  let cancel = systemClock.after(LONGEST_TIMER_MS, () => {
    cancel = systemClock.after(delayMs - LONGEST_TIMER_MS, run);
  });
  return () => {
    cancel();
  };
}

/** Resolves after `delayMs`, or at once when `signal` is aborted. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(delayMs, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}
