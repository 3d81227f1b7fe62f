import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { systemClock } from './clock.ts';

const dayMs = 24 * 3_600_000;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it('[DI-03] an interval longer than a timer of Node is waited for whole', () => {
  let runs = 0;
  systemClock.after(60 * dayMs, () => {
    runs++;
  });
  vi.advanceTimersByTime(60 * dayMs - 1);
  expect(runs).toBe(0);
  vi.advanceTimersByTime(1);
  expect(runs).toBe(1);
});

it('ends such a wait in the middle of it', () => {
  let runs = 0;
  const cancel = systemClock.after(60 * dayMs, () => {
    runs++;
  });
  vi.advanceTimersByTime(30 * dayMs);
  cancel();
  vi.advanceTimersByTime(60 * dayMs);
  expect(runs).toBe(0);
});
