import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerParent } from '../childProcess.ts';

export interface LoadRequest {
  readonly path: string;
  readonly token: string;
  /** As a browser sends it, or as kubectl does. */
  readonly carrier: 'cookie' | 'bearer';
}

export interface LoadResult {
  readonly seconds: number;
  /** How many answers there were of each status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly bytes: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Requests over plain sockets: of a load generator every millisecond is one that it takes from what it measures. */
export interface LoadQuestions {
  /** Each connection asks as soon as it was answered. */
  saturate: [
    {
      readonly port: number;
      readonly connections: number;
      readonly seconds: number;
      readonly requests: readonly LoadRequest[];
    },
    LoadResult,
  ];
  /** So many a second, whether answers come or not. */
  pace: [
    {
      readonly port: number;
      readonly perSecond: number;
      readonly seconds: number;
      readonly requests: readonly LoadRequest[];
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

interface Connection {
  /** One at a time. */
  send(head: Buffer): Promise<{ readonly status: string; readonly bytes: number }>;
  close(): void;
}

function buildHead(port: number, { path, token, carrier }: LoadRequest): Buffer {
  const common = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: application/json\r\n`;
  const own =
    carrier === 'bearer'
      ? `User-Agent: kubectl/v1.36.0 (linux/amd64)\r\nAuthorization: Bearer ${token}\r\n`
      : 'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36\r\n' +
        'Accept-Language: en-US,en;q=0.9\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n' +
        `Cookie: cluster-inventory-session.0=${token}\r\n`;
  return Buffer.from(`${common}${own}\r\n`, 'latin1');
}

function openConnection(port: number): Promise<Connection> {
  const socket: Socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  let waiting:
    | { resolve: (answer: { status: string; bytes: number }) => void; reject: (error: Error) => void }
    | undefined;
  let head: string | undefined = '';
  let status = '';
  let received = 0;
  let wanted = 0;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
    if (head !== undefined) {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      status = head.slice(9, 12);
      wanted = end + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
      head = undefined;
      if (Number.isNaN(wanted)) {
        socket.destroy(new Error(`an answer ${status} without a length`));
        return;
      }
    }
    if (received < wanted) return;
    const { resolve } = waiting ?? {};
    const answer = { status, bytes: received };
    waiting = undefined;
    head = '';
    received = 0;
    resolve?.(answer);
  });
  const fail = (error?: Error): void => waiting?.reject(error ?? new Error('the connection was closed'));
  socket.on('error', fail);
  socket.on('close', () => fail());
  return new Promise((resolveOpen, rejectOpen) => {
    socket.once('error', rejectOpen);
    socket.once('connect', () =>
      resolveOpen({
        send: (bytes) =>
          new Promise((resolve, reject) => {
            waiting = { resolve, reject };
            socket.write(bytes);
          }),
        close: () => socket.destroy(),
      }),
    );
  });
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
      const opened = await openConnection(port);
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
      latencies.sort((left, right) => left - right);
      const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
      return { seconds, statuses, bytes, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
    },
  };
}

answerParent<LoadQuestions>({
  async saturate({ port, connections, seconds, requests }) {
    const heads = requests.map((each) => buildHead(port, each));
    const opened = await Promise.all(Array.from({ length: connections }, () => openConnection(port)));
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
    for (const each of opened) each.close();
    return result;
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
