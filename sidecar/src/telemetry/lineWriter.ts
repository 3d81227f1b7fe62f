import type { Writable } from 'node:stream';
import { type Clock, sleep } from '../foundation/clock.ts';
import type { Log } from '../foundation/log.ts';

/** Where lines go. */
export interface LineTarget {
  /** Resolves when all of it is written. */
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

export interface LineWriter {
  /** Returns at once; what does not fit in the buffer is counted and lost. */
  write(line: string): void;
  /** Writes what is waiting, as far as it can be written in a moment. */
  close(): Promise<void>;
}

export interface LineWriterOptions {
  readonly target: LineTarget;
  readonly clock: Clock;
  readonly log: Log;
  /** The line that stands where lines are missing. */
  readonly describeLost: (count: number) => string;
  readonly maxCharacters?: number;
}

const retryMs = 1000;
/** After a write, what comes in this time goes together: a write for each line costs more than what it tells about. */
const gatherMs = 100;
const closeMs = 2000;

export function createLineWriter(options: LineWriterOptions): LineWriter {
  const { target, clock, log, describeLost, maxCharacters = 8 * 1024 * 1024 } = options;
  const ended = new AbortController();
  let waiting: string[] = [];
  let characters = 0;
  let lost = 0;
  let isFailing = false;
  let running: Promise<void> | undefined;

  /** @returns how long until the next */
  const writeBatch = async (): Promise<number> => {
    const batch = waiting;
    const missing = lost;
    waiting = [];
    characters = 0;
    try {
      await target.write((missing > 0 ? describeLost(missing) : '') + batch.join(''));
    } catch (thrown) {
      lost += batch.length;
      if (!isFailing) {
        const reason = thrown instanceof Error ? ((thrown as NodeJS.ErrnoException).code ?? thrown.name) : '';
        log.error('the audit log cannot be written', { reason });
      }
      isFailing = true;
      return retryMs;
    }
    isFailing = false;
    if (missing > 0) {
      lost -= missing;
      log.warn('lines of the audit log were lost', { count: missing });
    }
    return gatherMs;
  };

  const run = async (): Promise<void> => {
    // What comes in the same turn goes together.
    await Promise.resolve();
    while (waiting.length > 0) await sleep(clock, await writeBatch(), ended.signal);
    running = undefined;
  };

  return {
    write(line) {
      if (characters + line.length > maxCharacters) {
        lost++;
        return;
      }
      waiting.push(line);
      characters += line.length;
      running ??= run();
    },
    async close() {
      ended.abort();
      const limit = new AbortController();
      const closed = (running ?? Promise.resolve()).then(() => target.close());
      await Promise.race([closed, sleep(clock, closeMs, limit.signal)]);
      limit.abort();
      const count = lost + waiting.length;
      if (count > 0) log.warn('lines of the audit log were lost', { count });
    },
  };
}

/** The stream stays open. */
export function toStream(stream: Writable): LineTarget {
  return {
    write: (text) =>
      new Promise((resolve, reject) => {
        stream.write(text, (error) => {
          if (error) reject(error);
          else resolve();
        });
      }),
    close: () => Promise.resolve(),
  };
}
