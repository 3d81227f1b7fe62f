export interface LaneLimits {
  /** At once. */
  readonly concurrent: number;
  readonly waiting: number;
}

export type Lane = <Result>(task: () => Promise<Result>) => Promise<Result>;

/** Runs tasks some at a time; one beyond those that may wait fails at once. */
export function createLane({ concurrent, waiting }: LaneLimits, tooMany: () => Error): Lane {
  let running = 0;
  const queue: (() => void)[] = [];
  return async <Result>(task: () => Promise<Result>): Promise<Result> => {
    if (running >= concurrent) {
      if (queue.length >= waiting) throw tooMany();
      // Whoever ends hands its place on, so that nobody new gets in between.
      await new Promise<void>((resolve) => queue.push(resolve));
    } else running++;
    try {
      return await task();
    } finally {
      const next = queue.shift();
      if (next) next();
      else running--;
    }
  };
}
