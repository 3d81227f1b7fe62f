import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerParent } from '../childProcess.ts';
import { buildHead, type ClientRequest, type Endpoint, openSocket } from '../client.ts';
import { quantile } from '../quantile.ts';

export interface Delays {
  readonly count: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Clients whose answers have no end, or who do not wait for it. */
export interface StreamQuestions {
  /** As many watches, some at a time, each until its first event; they stay. */
  openWatches: [Endpoint & { readonly count: number; readonly requests: readonly ClientRequest[] }, null];
  /** Of the events that came since the last time, from the upstream writing one until it was read here. */
  takeDelays: [null, Delays];
  closeWatches: [null, null];
  /** A WebSocket, then a small frame and its answer so often. */
  exec: [
    Endpoint & { readonly request: ClientRequest; readonly times: number },
    Delays & { readonly upgradeMs: number },
  ];
  /** Each leaves as soon as the first bytes of the body have come. */
  comeAndGo: [
    Endpoint & {
      readonly clients: number;
      readonly atOnce: number;
      readonly requests: readonly ClientRequest[];
    },
    { readonly seconds: number },
  ];
  /** Reads the first bytes, then nothing for a while, then all the rest. */
  readSlowly: [
    Endpoint & { readonly request: ClientRequest; readonly pauseMs: number },
    { readonly bytes: number; readonly seconds: number },
  ];
}

const openedAtOnce = 50;
const answerTimeoutMs = 10_000;
const watches = new Set<Socket>();
let delays: number[] = [];

function takeDelays(): Delays {
  const sorted = delays.toSorted((left, right) => left - right);
  delays = [];
  return { count: sorted.length, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
}

/** Runs through all, so many at a time. */
async function forEachOf<T>(
  all: readonly T[],
  atOnce: number,
  work: (each: T) => Promise<void>,
): Promise<void> {
  const waiting = all.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const each of waiting) await work(each);
    }),
  );
}

/** Sends, and resolves with the socket once the head of a 200 or 101 has come, with bytes of its body if these are wanted. */
async function start(endpoint: Endpoint, head: Buffer, wanted: 'head' | 'body'): Promise<Socket> {
  const socket = await openSocket(endpoint);
  return new Promise((resolve, reject) => {
    let text = '';
    const fail = (error?: Error): void =>
      reject(error ?? new Error(`closed after ${JSON.stringify(text.slice(0, 100))}`));
    const closed = (): void => fail();
    const late = setTimeout(() => {
      socket.destroy();
      fail(new Error(`no answer within ${answerTimeoutMs / 1000} s`));
    }, answerTimeoutMs);
    const read = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end === -1) return;
      if (!/^HTTP\/1\.1 (200|101)/.test(text)) fail(new Error(`answered ${text.slice(9, 12)}`));
      if (wanted === 'body' && text.length === end + 4) return;
      clearTimeout(late);
      socket.off('data', read).off('error', fail).off('close', closed);
      // Who leaves, or is left, meets that as an error at times.
      socket.on('error', () => socket.destroy());
      resolve(socket);
    };
    socket.on('data', read).on('error', fail).on('close', closed);
    socket.write(head);
  });
}

function recordEvents(socket: Socket): void {
  let rest = '';
  socket.on('data', (chunk: Buffer) => {
    const now = process.hrtime.bigint();
    rest += chunk.toString('latin1');
    for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n')) {
      const at = /"at":"(\d+)"/.exec(rest.slice(0, end))?.[1];
      rest = rest.slice(end + 1);
      if (at !== undefined) delays.push(Number(now - BigInt(at)) / 1e6);
    }
  });
}

function buildMaskedFrame(): Buffer {
  return Buffer.concat([Buffer.from([0x82, 0x88]), Buffer.alloc(4), Buffer.alloc(8, 'e')]);
}

const answerFrameBytes = 10;

answerParent<StreamQuestions>({
  async openWatches({ count, requests, ...endpoint }) {
    const heads = requests.map((each) => buildHead(endpoint.port, each));
    await forEachOf([...Array(count).keys()], openedAtOnce, async (index) => {
      const socket = await start(endpoint, heads[index % heads.length] ?? Buffer.alloc(0), 'body');
      watches.add(socket);
      recordEvents(socket);
    });
    return null;
  },

  takeDelays,

  closeWatches() {
    for (const each of watches) each.destroy();
    watches.clear();
    return null;
  },

  async exec({ request, times, ...endpoint }) {
    const key = randomBytes(16).toString('base64');
    const extra =
      `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n` +
      'Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n';
    const since = performance.now();
    const socket = await start(endpoint, buildHead(endpoint.port, request, extra), 'head');
    const upgradeMs = performance.now() - since;
    const frame = buildMaskedFrame();
    const round = (): Promise<number> =>
      new Promise((resolve, reject) => {
        const sentAt = performance.now();
        let received = 0;
        const fail = (): void => reject(new Error('the WebSocket was closed'));
        const read = (chunk: Buffer): void => {
          received += chunk.length;
          if (received < answerFrameBytes) return;
          socket.off('data', read).off('close', fail);
          resolve(performance.now() - sentAt);
        };
        socket.on('data', read).on('close', fail);
        socket.write(frame);
      });
    const took: number[] = [];
    for (let time = 0; time < times; time++) took.push(await round());
    socket.destroy();
    took.sort((left, right) => left - right);
    return { upgradeMs, count: took.length, p50: quantile(took, 0.5), p99: quantile(took, 0.99) };
  },

  async comeAndGo({ clients, atOnce, requests, ...endpoint }) {
    const heads = requests.map((each) => buildHead(endpoint.port, each));
    const since = performance.now();
    await forEachOf([...Array(clients).keys()], atOnce, async (index) => {
      const socket = await start(endpoint, heads[index % heads.length] ?? Buffer.alloc(0), 'body');
      socket.destroy();
    });
    return { seconds: (performance.now() - since) / 1000 };
  },

  async readSlowly({ request, pauseMs, ...endpoint }) {
    const since = performance.now();
    const socket = await openSocket(endpoint);
    socket.write(buildHead(endpoint.port, request));
    return new Promise((resolve, reject) => {
      let bytes = 0;
      let wanted = Number.NaN;
      socket.on('data', (chunk: Buffer) => {
        if (bytes === 0) {
          const text = chunk.toString('latin1');
          wanted = text.indexOf('\r\n\r\n') + 4 + Number(/content-length: *(\d+)/i.exec(text)?.[1]);
          socket.pause();
          void sleep(pauseMs).then(() => socket.resume());
        }
        bytes += chunk.length;
        if (bytes < wanted) return;
        resolve({ bytes, seconds: (performance.now() - since) / 1000 });
        socket.destroy();
      });
      socket.on('error', reject);
      socket.on('close', () => reject(new Error(`closed after ${bytes} of ${wanted} bytes`)));
    });
  },
});
