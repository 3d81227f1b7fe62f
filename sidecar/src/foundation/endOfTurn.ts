/** What is left to do in this turn of the event loop; an object, since a closure for each request costs more. */
export interface TurnTask {
  endTurn(): void;
}

let waiting: TurnTask[] = [];

/**
 * Called when all that came in this turn of the event loop was worked on. What is written then goes out together with
 * what others write: the process at the other end is woken once for many of them.
 */
export function atEndOfTurn(task: TurnTask): void {
  if (waiting.push(task) === 1) setImmediate(runAll);
}

function runAll(): void {
  const tasks = waiting;
  waiting = [];
  for (const task of tasks) task.endTurn();
}
