let waiting: (() => void)[] = [];

/**
 * Calls `run` when all that came in this turn of the event loop was worked on. What is written then goes out together with
 * what others write: the process at the other end is woken once for many of them.
 */
export function atEndOfTurn(run: () => void): void {
  if (waiting.push(run) === 1) setImmediate(runAll);
}

function runAll(): void {
  const runs = waiting;
  waiting = [];
  for (const run of runs) run();
}
