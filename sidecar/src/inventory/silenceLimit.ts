import type { Clock } from '../foundation/clock.ts';

/** Ends a request of which nothing comes any more: a half-open connection looks like a quiet one (DI-26). */
export interface SilenceLimit {
  /** For the request; aborted once nothing came for so long. */
  readonly signal: AbortSignal;
  /** The body's chunks, each of which arms the limit anew. */
  guard(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer>;
  /** Ends the limit itself. */
  end(): void;
}

/** Armed at once, so that the wait for an answer counts as well. */
export function armSilenceLimit(clock: Clock, silenceMs: number): SilenceLimit {
  const silence = new AbortController();
  const arm = (): (() => void) =>
    clock.after(silenceMs, () => {
      silence.abort();
    });
  let cancel = arm();
  return {
    signal: silence.signal,
    async *guard(body) {
      for await (const chunk of body) {
        cancel();
        cancel = arm();
        yield chunk;
      }
    },
    end: () => {
      cancel();
    },
  };
}
