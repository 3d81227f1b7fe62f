export interface UntilOptions {
  /** How long in all, in milliseconds. */
  readonly timeoutMs: number;
  /** What was waited for: the first words of the error. */
  readonly message: string;
  /** Pause between two tries, in milliseconds. */
  readonly intervalMs?: number;
  /** Looked at between tries: throws to give up early, e.g. when a process has ended. */
  readonly giveUp?: () => void;
}

/** Polls until the condition gives something other than false, null or undefined, and answers that. */
export async function until<T>(
  condition: () => Promise<T | false | null | undefined> | T | false | null | undefined,
  { timeoutMs, message, intervalMs = 50, giveUp }: UntilOptions,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    giveUp?.();
    try {
      const result = await condition();
      if (result !== false && result !== null && result !== undefined) return result;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() >= deadline) {
      const last = lastError instanceof Error ? ` (last: ${lastError.message})` : '';
      throw new Error(`${message}: not within ${timeoutMs / 1000} s${last}`, { cause: lastError });
    }
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
