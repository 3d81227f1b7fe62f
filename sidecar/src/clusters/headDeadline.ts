import type { Clock } from '../foundation/clock.ts';

export interface HeadDeadlineOptions {
  readonly clock: Clock;
  /** Milliseconds; 0 for none (PX-25). */
  readonly timeoutMs: number;
  /** Whether the request is not whole yet, and it is not the cluster who holds it up. */
  readonly isClientAwaited: () => boolean;
  readonly onMissed: () => void;
}

/** For the head of an answer, from when the cluster last took something: an upload that makes progress has none (PX-27). */
export class HeadDeadline {
  readonly #options: HeadDeadlineOptions;
  #progressedAt = 0;
  #cancel: (() => void) | undefined;

  constructor(options: HeadDeadlineOptions) {
    this.#options = options;
  }

  /** Something was sent. */
  progress(): void {
    this.#progressedAt = this.#options.clock.now();
  }

  start(): void {
    this.progress();
    this.#await(this.#options.timeoutMs);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #await(delayMs: number): void {
    const { clock, timeoutMs, isClientAwaited, onMissed } = this.#options;
    this.stop();
    if (timeoutMs === 0) return;
    this.#cancel = clock.after(delayMs, () => {
      const quietMs = clock.now() - this.#progressedAt;
      if (isClientAwaited()) this.start();
      else if (quietMs < timeoutMs) this.#await(timeoutMs - quietMs);
      else onMissed();
    });
  }
}
