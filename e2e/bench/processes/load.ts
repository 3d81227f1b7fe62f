import { setTimeout as sleep } from 'node:timers/promises';
import { answerParent } from '../childProcess.ts';
import { buildHead, type ClientRequest, type Connection, type Endpoint, openConnection } from '../client.ts';
import { readCpuMs } from '../processGroup.ts';
import { quantile } from '../quantile.ts';

export interface LoadResult {
  readonly seconds: number;
  /** How many answers there were of each status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly bytes: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  /** What all of it cost the load generator. */
  readonly cpuMs: number;
  /** What it cost those who were asked, where their process group was told; not the opening of connections. */
  readonly askedCpuMs?: number;
}

/** Requests over plain sockets: of a load generator every millisecond is one that it takes from what it measures. */
export interface LoadQuestions {
  /** Each connection asks as soon as it was answered. */
  saturate: [
    Endpoint & {
      readonly connections: number;
      readonly group?: number;
      readonly seconds: number;
      readonly requests: readonly ClientRequest[];
    },
    LoadResult,
  ];
  /** So many a second, whether answers come or not. */
  pace: [
    {
      readonly port: number;
      readonly perSecond: number;
      readonly seconds: number;
      readonly requests: readonly ClientRequest[];
    },
    LoadResult,
  ];
  /** Each user opens all paths at once, so often one after the other; some users at a time. */
  visit: [
    {
      readonly port: number;
      readonly tokens: readonly string[];
      readonly paths: readonly string[];
      readonly times: number;
      readonly usersAtOnce: number;
    },
    LoadResult,
  ];
}

/** Connections that are kept: a free one, or another. */
function createPool(port: number): {
  take(): Promise<Connection>;
  give(connection: Connection): void;
  close(): void;
} {
  const free: Connection[] = [];
  const all: Connection[] = [];
  return {
    async take() {
      const present = free.pop();
      if (present) return present;
      const opened = await openConnection({ port });
      all.push(opened);
      return opened;
    },
    give: (connection) => free.push(connection),
    close() {
      for (const each of all) each.close();
    },
  };
}

function createRecorder() {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  const latencies: number[] = [];
  const statuses: Record<string, number> = {};
  let bytes = 0;
  return {
    record(answer: { readonly status: string; readonly bytes: number }, since: number): void {
      latencies.push(performance.now() - since);
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      bytes += answer.bytes;
    },
    finish(): LoadResult {
      const seconds = (performance.now() - startedAt) / 1000;
      const { user, system } = process.cpuUsage(cpu);
      latencies.sort((left, right) => left - right);
      const at = (share: number): number => quantile(latencies, share);
      return {
        seconds,
        statuses,
        bytes,
        p50: at(0.5),
        p95: at(0.95),
        p99: at(0.99),
        p999: at(0.999),
        cpuMs: (user + system) / 1000,
      };
    },
  };
}

answerParent<LoadQuestions>({
  async saturate({ connections, seconds, requests, group, ...endpoint }) {
    const heads = requests.map((each) => buildHead(endpoint.port, each));
    const opened = await Promise.all(Array.from({ length: connections }, () => openConnection(endpoint)));
    const cpuBefore = group === undefined ? undefined : readCpuMs(group);
    const recorder = createRecorder();
    const endsAt = performance.now() + seconds * 1000;
    await Promise.all(
      opened.map(async (connection, index) => {
        for (let turn = index; ; turn += connections) {
          const since = performance.now();
          if (since >= endsAt) return;
          recorder.record(await connection.send(heads[turn % heads.length] ?? Buffer.alloc(0)), since);
        }
      }),
    );
    const result = recorder.finish();
    const cpuAfter = group === undefined ? undefined : readCpuMs(group);
    for (const each of opened) each.close();
    return cpuBefore === undefined || cpuAfter === undefined
      ? result
      : { ...result, askedCpuMs: cpuAfter - cpuBefore };
  },

  async pace({ port, perSecond, seconds, requests }) {
    const heads = requests.map((each) => buildHead(port, each));
    const pool = createPool(port);
    const recorder = createRecorder();
    const startedAt = performance.now();
    const running: Promise<void>[] = [];
    for (let index = 0; index < perSecond * seconds; index++) {
      const due = startedAt + (index * 1000) / perSecond;
      const early = due - performance.now();
      if (early > 0) await sleep(early);
      const head = heads[index % heads.length] ?? Buffer.alloc(0);
      // A timer is late by up to a millisecond: that is nobody's latency.
      const since = performance.now();
      running.push(
        pool.take().then(async (connection) => {
          recorder.record(await connection.send(head), since);
          pool.give(connection);
        }),
      );
    }
    await Promise.all(running);
    const result = recorder.finish();
    pool.close();
    return result;
  },

  async visit({ port, tokens, paths, times, usersAtOnce }) {
    const pool = createPool(port);
    const recorder = createRecorder();
    const waiting = [...tokens];
    const visitOne = async (head: Buffer): Promise<void> => {
      const connection = await pool.take();
      const since = performance.now();
      recorder.record(await connection.send(head), since);
      pool.give(connection);
    };
    const takeUsers = async (): Promise<void> => {
      for (let token = waiting.shift(); token !== undefined; token = waiting.shift()) {
        for (let time = 0; time < times; time++) {
          const carrier = 'bearer';
          const user = token;
          await Promise.all(paths.map((path) => visitOne(buildHead(port, { path, token: user, carrier }))));
        }
      }
    };
    await Promise.all(Array.from({ length: usersAtOnce }, takeUsers));
    const result = recorder.finish();
    pool.close();
    return result;
  },
});
