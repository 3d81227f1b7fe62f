import type { Clock } from '../foundation/clock.ts';

/** Who waits for the head of an answer. */
export interface HeadAwaited {
  /** Milliseconds; 0 for as long as it takes (PX-25). */
  readonly headTimeoutMs: number;
  /** Whether the request is not whole yet, and it is not the cluster who holds it up. */
  isClientAwaited(): boolean;
  headMissed(): void;
}

/**
 * For the head of an answer, from when the cluster last took something: an upload that makes progress has none (PX-27).
 * One for a connection: its timer goes on from one answer to the next, since nearly all of them are never due. Where the
 * clock is moved forward meanwhile, it may take twice as long (FA-43).
 */
export class HeadDeadline {
  readonly #clock: Clock;
  #awaited: HeadAwaited | undefined;
  #progressedAt = 0;
  #ringsAt = 0;
  /** Nothing was sent since the timer was set: when it rings, that is how long it took, whatever a moved clock says (FA-43). */
  #isTimed = false;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something was sent. */
  progress(): void {
    this.#progressedAt = this.#clock.now();
    this.#isTimed = false;
  }

  start(awaited: HeadAwaited): void {
    if (awaited.headTimeoutMs === 0) return;
    this.progress();
    this.#awaited = awaited;
    this.#ringIn(awaited.headTimeoutMs, this.#progressedAt);
  }

  stop(): void {
    this.#awaited = undefined;
  }

  /** Of a connection that is gone. */
  close(): void {
    this.stop();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** One that rings too early looks how long is left. */
  #ringIn(delayMs: number, now: number): void {
    const at = now + delayMs;
    if (this.#cancel && this.#ringsAt <= at) return;
    this.#cancel?.();
    this.#ringsAt = at;
    this.#isTimed = true;
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#cancel = undefined;
      this.#look();
    });
  }

  #look(): void {
    const awaited = this.#awaited;
    if (!awaited) return;
    if (awaited.isClientAwaited()) this.progress();
    else if (this.#isTimed) {
      awaited.headMissed();
      return;
    }
    const { headTimeoutMs } = awaited;
    const now = this.#clock.now();
    const leftMs = headTimeoutMs - (now - this.#progressedAt);
    this.#ringIn(leftMs >= 0 && leftMs <= headTimeoutMs ? leftMs : headTimeoutMs, now);
  }
}
