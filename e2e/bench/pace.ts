import { setTimeout as sleep } from 'node:timers/promises';

/** One after the other, so often on the average: a timer that was late is made up for. Answers how many there were. */
export async function paceEach<T>(
  all: readonly T[],
  everyMs: number,
  work: (each: T) => void,
): Promise<number> {
  const startedAt = performance.now();
  for (const [index, each] of all.entries()) {
    const early = startedAt + index * everyMs - performance.now();
    if (early > 0) await sleep(early);
    work(each);
  }
  return all.length;
}
