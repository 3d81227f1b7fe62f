import { beforeEach, describe, expect, it } from 'vitest';
import { createManualClock, type ManualClock } from '../../test/support/manualClock.ts';
import { HeadDeadline } from './headDeadline.ts';

let timers: ManualClock;
let skewMs: number;
let deadline: HeadDeadline;
let missedAt: number[];
let startedAt: number;

beforeEach(() => {
  timers = createManualClock();
  skewMs = 0;
  missedAt = [];
  startedAt = timers.now();
  deadline = new HeadDeadline({
    now: () => timers.now() + skewMs,
    after: (delayMs, run) => timers.after(delayMs, run),
  });
});

const awaited = (headTimeoutMs = 1000, isClientAwaited = (): boolean => false) => ({
  headTimeoutMs,
  isClientAwaited,
  headMissed: () => missedAt.push(timers.now() - startedAt),
});

describe('[PX-25] the deadline of a head', () => {
  it('is missed once, after its time', () => {
    deadline.start(awaited());
    timers.advance(999);
    expect(missedAt).toEqual([]);
    timers.advance(10_000);
    expect(missedAt).toEqual([1000]);
  });

  it('is none for what may take as long as it likes', () => {
    deadline.start(awaited(0));
    timers.advance(100_000);
    expect([missedAt, timers.pending]).toEqual([[], 0]);
  });

  it('is none for an answer that came', () => {
    deadline.start(awaited());
    timers.advance(500);
    deadline.stop();
    timers.advance(10_000);
    expect([missedAt, timers.pending]).toEqual([[], 0]);
  });

  it('has its whole time for each answer, with one timer for all of them', () => {
    for (let index = 0; index < 100; index++) {
      deadline.start(awaited());
      timers.advance(30);
      deadline.stop();
      expect(timers.pending).toBeLessThanOrEqual(1);
    }
    deadline.start(awaited());
    timers.advance(10_000);
    expect(missedAt).toEqual([4000]);
  });

  it('is the sooner one where answers have different times', () => {
    deadline.start(awaited(5000));
    deadline.stop();
    deadline.start(awaited(700));
    timers.advance(10_000);
    expect(missedAt).toEqual([700]);
  });

  it('[PX-27] begins anew with what the cluster takes', () => {
    deadline.start(awaited());
    for (let index = 0; index < 7; index++) {
      timers.advance(600);
      deadline.progress();
    }
    timers.advance(10_000);
    expect(missedAt).toEqual([7 * 600 + 1000]);
  });

  it('[PX-27] is not missed while the client is awaited', () => {
    let isAwaited = true;
    deadline.start(awaited(1000, () => isAwaited));
    timers.advance(3500);
    isAwaited = false;
    timers.advance(10_000);
    expect(missedAt).toEqual([4000]);
  });

  it('[FA-43] takes no shorter, and at most twice as long, when the clock is moved by an hour', () => {
    for (const moved of [3_600_000, -3_600_000]) {
      skewMs = 0;
      missedAt = [];
      deadline.start(awaited());
      timers.advance(400);
      deadline.stop();
      startedAt = timers.now();
      deadline.start(awaited());
      skewMs = moved;
      timers.advance(999);
      expect(missedAt).toEqual([]);
      timers.advance(1001);
      expect(missedAt).toHaveLength(1);
    }
  });

  it('leaves no timer of a connection that is gone', () => {
    deadline.start(awaited());
    deadline.close();
    timers.advance(10_000);
    expect([missedAt, timers.pending]).toEqual([[], 0]);
  });
});
