/** Lets a number of works go on at a time; the others wait in the order in which they came (EX-30). */
export interface RunQueue {
  /** Rejects with the signal's reason when it is aborted before the work's turn; the work is then never started. */
  run<Value>(work: () => Promise<Value>, signal: AbortSignal): Promise<Value>;
}

export function createRunQueue(maxConcurrent: number): RunQueue {
  // A Set keeps the order of insertion and forgets those who leave.
  const waiting = new Set<() => void>();
  let free = maxConcurrent;

  const turn = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        waiting.delete(enter);
        reject(signal.reason as Error);
      };
      const enter = (): void => {
        signal.removeEventListener('abort', leave);
        waiting.delete(enter);
        resolve();
      };
      signal.addEventListener('abort', leave, { once: true });
      waiting.add(enter);
    });

  return {
    async run(work, signal) {
      signal.throwIfAborted();
      if (free > 0) free -= 1;
      else await turn(signal);
      try {
        return await work();
      } finally {
        // The place goes straight to the next in line, so that nobody who comes in between overtakes.
        const [next] = waiting;
        if (next) next();
        else free += 1;
      }
    },
  };
}
