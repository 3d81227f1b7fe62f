import { setTimeout as sleep } from 'node:timers/promises';
import { judgeAnswer } from './answers.ts';
import type { Violations } from './violations.ts';

/** Requests that are under way all the time. */
export interface Traffic {
  /** How often each outcome was: a status with its code, or how a stream ended. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** No further request begins; resolves when those under way are done. */
  pause(): Promise<void>;
  resume(): void;
}

export interface TrafficOptions {
  readonly url: string;
  readonly adminUrl: string;
  /** Paths of clusters, those that are not there too. */
  readonly paths: readonly string[];
  readonly violations: Violations;
}

const askersCount = 6;
/** Longer than a plugin, its queue, a connection and the headers of an answer may take together. */
const answerDeadlineMs = 90_000;
const leavesWithinMs = 300;
const streamLastsMs = 3000;
const pauseMs = 40;

export function startTraffic({ url, adminUrl, paths, violations }: TrafficOptions): Traffic {
  const outcomes = new Map<string, number>();
  const count = (outcome: string): void => {
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  };
  let isPaused = false;
  const underWay = new Set<Promise<void>>();

  const askWhole = async (path: string, init: RequestInit = {}): Promise<void> => {
    const response = await fetch(path, { ...init, signal: AbortSignal.timeout(answerDeadlineMs) });
    const text = await response.text().catch(() => undefined);
    // Of a cluster that broke off: an end would have been taken for the whole.
    if (text === undefined) count('an answer was cut');
    else count(judgeAnswer(response, text, violations));
  };
  const askAndLeave = async (path: string): Promise<void> => {
    const signal = AbortSignal.timeout(Math.ceil(Math.random() * leavesWithinMs));
    await fetch(path, { signal })
      .then((response) => response.text())
      .catch(() => undefined);
    count('a client came and left');
  };
  const askStream = async (path: string): Promise<void> => {
    const leaving = new AbortController();
    const deadline = setTimeout(() => leaving.abort(), answerDeadlineMs);
    const response = await fetch(`${path}?watch=true`, { signal: leaving.signal });
    clearTimeout(deadline);
    const text = response.text();
    if (response.status !== 200) {
      count(judgeAnswer(response, await text, violations));
      return;
    }
    const cut = text.then(
      () => 'a stream ended',
      () => 'a stream was cut',
    );
    count(await Promise.race([cut, sleep(Math.random() * streamLastsMs, 'a stream was left')]));
    leaving.abort();
    await cut;
  };
  const askCluster = (): Promise<void> => {
    const path = `${url}${paths[Math.floor(Math.random() * paths.length)] ?? ''}/api/v1/pods`;
    const chance = Math.random();
    if (chance < 0.1) return askStream(path);
    if (chance > 0.9) return askAndLeave(path);
    return askWhole(path, chance < 0.2 ? { method: 'POST', body: 'x'.repeat(10_000) } : {});
  };
  /** What is to answer 200 whatever happens; once or twice a busy machine may be the reason why it does not. */
  const createAskOwn = (path: string): (() => Promise<void>) => {
    let failures = 0;
    return async () => {
      const { status } = await fetch(path, { signal: AbortSignal.timeout(answerDeadlineMs) });
      failures = status === 200 ? 0 : failures + 1;
      if (failures > 2) violations.add(`${new URL(path).pathname} answers ${status}, again and again`);
    };
  };

  const keepAsking = async (ask: () => Promise<void>, everyMs: number): Promise<never> => {
    for (;;) {
      await sleep(everyMs);
      if (isPaused) continue;
      const asking = ask().catch((error: unknown) => {
        const { message, cause } = error as Error;
        violations.add(`a request failed: ${message} ${cause instanceof Error ? cause.message : ''}`.trim());
      });
      underWay.add(asking);
      await asking;
      underWay.delete(asking);
    }
  };
  for (let asker = 0; asker < askersCount; asker++) void keepAsking(askCluster, pauseMs);
  for (const path of [
    `${url}/cluster-inventory/v1/clusters`,
    `${url}/config`,
    `${adminUrl}/livez`,
    `${adminUrl}/readyz`,
  ])
    void keepAsking(createAskOwn(path), 500);
  return {
    outcomes,
    async pause() {
      isPaused = true;
      await Promise.all(underWay);
    },
    resume() {
      isPaused = false;
    },
  };
}
