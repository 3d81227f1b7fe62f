import { describe, expect, it } from 'vitest';
import { createRunQueue } from './runQueue.ts';

const ticks = async (): Promise<void> => {
  for (let tick = 0; tick < 10; tick += 1) await Promise.resolve();
};

describe('createRunQueue', () => {
  it('[EX-30] runs so many at a time, the others in the order in which they came', async () => {
    const queue = createRunQueue(2);
    const { signal } = new AbortController();
    const started: number[] = [];
    const ends = new Map<number, () => void>();
    const runs = [0, 1, 2, 3, 4].map((index) =>
      queue.run(() => {
        started.push(index);
        return new Promise<void>((resolve) => ends.set(index, resolve));
      }, signal),
    );
    await ticks();
    expect(started).toEqual([0, 1]);
    ends.get(1)?.();
    await ticks();
    expect(started).toEqual([0, 1, 2]);
    ends.get(0)?.();
    ends.get(2)?.();
    await ticks();
    expect(started).toEqual([0, 1, 2, 3, 4]);
    ends.get(3)?.();
    ends.get(4)?.();
    await Promise.all(runs);
    // Every place came back.
    const again = [5, 6, 7].map((index) => queue.run(() => Promise.resolve(started.push(index)), signal));
    await Promise.all(again);
    expect(started.slice(5)).toEqual([5, 6, 7]);
  });

  it('gives the place on when a work fails, or throws before it has begun', async () => {
    const queue = createRunQueue(1);
    const { signal } = new AbortController();
    await expect(queue.run(() => Promise.reject(new Error('one')), signal)).rejects.toThrow('one');
    await expect(
      queue.run(() => {
        throw new Error('two');
      }, signal),
    ).rejects.toThrow('two');
    await expect(queue.run(() => Promise.resolve('three'), signal)).resolves.toBe('three');
  });

  it('one that leaves is never started, and those behind it keep their place', async () => {
    const queue = createRunQueue(1);
    const { signal } = new AbortController();
    const leaving = new AbortController();
    const started: string[] = [];
    let end = (): void => {};
    const first = queue.run(() => new Promise<void>((resolve) => (end = resolve)), signal);
    const second = queue.run(() => Promise.resolve(started.push('second')), leaving.signal);
    const third = queue.run(() => Promise.resolve(started.push('third')), signal);
    leaving.abort(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    end();
    await Promise.all([first, third]);
    expect(started).toEqual(['third']);
    await expect(queue.run(() => Promise.resolve(), leaving.signal)).rejects.toThrow('gone');
  });
});
