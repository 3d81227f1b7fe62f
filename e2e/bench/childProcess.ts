import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

/** What a child is asked, by the name of the question: what goes along, and what comes back. Both pass as JSON. */
export type Questions<Q> = Record<keyof Q, readonly [asked: unknown, answer: unknown]>;

type Answer<Q extends Questions<Q>, Name extends keyof Q> = Q[Name][1];
export type Answers<Q extends Questions<Q>> = {
  readonly [Name in keyof Q]: (asked: Q[Name][0]) => Promise<Q[Name][1]> | Q[Name][1];
};

export interface Child<Q extends Questions<Q>> {
  readonly pid: number;
  ask<Name extends keyof Q & string>(name: Name, asked: Q[Name][0]): Promise<Answer<Q, Name>>;
  end(): Promise<void>;
}

interface Asked {
  readonly id: number;
  readonly name: string;
  readonly asked: unknown;
}

interface Answered {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

/** Starts a file of `processes/` as a process of its own, which ends with ours. */
export function startChild<Q extends Questions<Q>>(file: string): Child<Q> {
  const child = fork(join(import.meta.dirname, 'processes', file), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  child.on('message', ({ id, answer, error }: Answered) => {
    const asker = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) asker?.resolve(answer);
    else asker?.reject(new Error(`${file}: ${error}`));
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      for (const { reject } of waiting.values()) reject(new Error(`${file} ended`));
      resolve();
    });
  });
  return {
    pid: child.pid ?? -1,
    ask: <Name extends keyof Q & string>(name: Name, asked: Q[Name][0]) =>
      new Promise<Answer<Q, Name>>((resolve, reject) => {
        const id = ++lastId;
        waiting.set(id, { resolve, reject });
        const message: Asked = { id, name, asked };
        child.send(message);
      }),
    end() {
      if (isRunning(child)) child.kill('SIGKILL');
      return ended;
    },
  };
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

/** The other end of it: answers until whoever started us is gone. */
export function answerParent<Q extends Questions<Q>>(answers: Answers<Q>): void {
  const reply = (answered: Answered): void => {
    process.send?.(answered);
  };
  process.on('message', ({ id, name, asked }: Asked) => {
    Promise.resolve(answers[name as keyof Q](asked as Q[keyof Q][0])).then(
      (answer: unknown) => reply({ id, answer }),
      (error: unknown) => reply({ id, error: String(error) }),
    );
  });
  process.on('disconnect', () => process.exit());
}
