import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createConfigEndpoint } from '../../src/dashboard/configEndpoint.ts';
import { silentLog } from '../../src/foundation/log.ts';
import { createApp } from '../../src/server/app.ts';
import { createManualClock, type ManualClock } from '../support/manualClock.ts';
import { exchangeRaw, type RawAnswer } from '../support/rawClient.ts';
import { until } from '../support/until.ts';

let dashboard: Server;
let dashboardPort: number;
let sidecar: Server;
let agent: Agent;
let clock: ManualClock;
let asked: IncomingMessage[];
let answer: RequestListener;

const listenOn = async (server: Server, port = 0): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};
const end = (server: Server): void => {
  server.close();
  server.closeAllConnections();
};
const createDashboard = (): Server =>
  createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  });

beforeEach(async () => {
  asked = [];
  answer = (_request, response) => response.end(JSON.stringify({ clusters: [], padding: 'x'.repeat(2000) }));
  clock = createManualClock();
  agent = new Agent();
  dashboard = createDashboard();
  dashboardPort = await listenOn(dashboard);
  const config = createConfigEndpoint({
    dashboardUrl: new URL(`http://127.0.0.1:${dashboardPort}`),
    dashboardHost: '',
    dispatcher: agent,
    findViewer: () =>
      Promise.resolve({
        look: () => Promise.resolve({ entries: [], isAll: true, version: 1, isSeen: () => false }),
      }),
    hubContextName: undefined,
    clock,
    log: silentLog,
  });
  const nothing = (): never => {
    throw new Error('not asked');
  };
  const app = createApp({ baseUrl: '', api: nothing, config, dashboard: nothing, log: silentLog });
  sidecar = createServer(app);
  // As at the listener, where nothing answers 100 by itself (PX-24).
  sidecar.on('checkContinue', app);
  await listenOn(sidecar);
});

afterEach(async () => {
  end(sidecar);
  end(dashboard);
  await agent.destroy();
});

const ask = (...headers: string[]): Promise<RawAnswer> => {
  const lines = headers.some((each) => each.startsWith('Connection:'))
    ? headers
    : [...headers, 'Connection: close'];
  return exchangeRaw(
    (sidecar.address() as AddressInfo).port,
    ['GET /config HTTP/1.1', 'Host: dashboard.example', ...lines, '', ''].join('\r\n'),
  );
};
const headerOf = ({ headers }: RawAnswer, name: string): string | undefined =>
  headers.find((line) => line.toLowerCase().startsWith(`${name}: `))?.slice(name.length + 2);

describe('[PX-11, PX-46] what the dashboard is asked', () => {
  it.each([
    ['Keep-Alive: timeout=5'],
    ['Expect: 100-continue'],
    ['Connection: close, Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'],
    ['TE: trailers'],
    ['Content-Length: 0'],
    ['Connection: close', 'Transfer-Encoding: chunked', '', '0'],
    ['Connection: close, X-Hop', 'X-Hop: 1'],
  ])('leaves %s out, and is asked once and at once', async (...headers) => {
    const { status } = await ask('X-Forwarded-Proto: https', 'Cookie: a=b', ...headers);
    expect(status).toBe(200);
    expect(asked.map(({ headers: { connection: _ours, ...seen } }) => seen)).toEqual([
      { host: 'dashboard.example', cookie: 'a=b', 'x-forwarded-proto': 'https' },
    ]);
  });

  it('is without what is decided here', async () => {
    await ask('If-None-Match: "x"', 'If-Modified-Since: x', 'Range: bytes=0-1', 'Accept-Encoding: gzip');
    expect(Object.keys(asked[0]?.headers ?? {}).sort()).toEqual(['connection', 'host']);
  });
});

describe('[PX-46] a dashboard that restarts', () => {
  it('is waited for', async () => {
    end(dashboard);
    const waiting = ask();
    await until('it waits', () => clock.pending > 0);
    dashboard = createDashboard();
    await listenOn(dashboard, dashboardPort);
    clock.advance(250);
    expect((await waiting).status).toBe(200);
  });

  it('is waited for no longer than 5 s, then 503', async () => {
    end(dashboard);
    const waiting = ask();
    for (let round = 0; round < 20; round++) {
      await until('it waits', () => clock.pending > 0);
      clock.advance(250);
    }
    const answered = await waiting;
    expect([answered.status, headerOf(answered, 'x-cluster-inventory-error')]).toEqual([
      503,
      'dashboard-restarting',
    ]);
  });

  it('one that answers something else than HTTP is not restarting', async () => {
    answer = ({ socket }) => void socket.end('nonsense\r\n\r\n');
    const answered = await ask();
    expect(headerOf(answered, 'x-cluster-inventory-error')).toBe('dashboard-unreachable');
  });
});

describe('[PX-44] an unchanged answer', () => {
  it('is 304 by its ETag, weak or strong, in a list, and for *; whatever its coding', async () => {
    const plain = headerOf(await ask(), 'etag') ?? '';
    expect(headerOf(await ask('Accept-Encoding: gzip'), 'etag')).toBe(plain);
    expect(plain).toMatch(/^W\/"[\w-]{27}"$/);
    for (const match of [plain, plain.slice(2), `"other", ${plain}`, '*']) {
      const { status, body } = await ask(`If-None-Match: ${match}`);
      expect([match, status, body]).toEqual([match, 304, '']);
    }
    expect((await ask('If-None-Match: "other"')).status).toBe(200);
  });

  it.each([
    ['gzip', true],
    ['deflate, gzip;q=0.5', true],
    ['GZIP', true],
    ['*', true],
    ['gzip;q=0', false],
    ['gzip; q=0.000, *', false],
    ['*;q=0', false],
    ['identity', false],
    ['', false],
  ])('with Accept-Encoding %j is compressed: %s', async (accepted, isCompressed) => {
    const answered = await ask(`Accept-Encoding: ${accepted}`);
    expect(headerOf(answered, 'content-encoding')).toBe(isCompressed ? 'gzip' : undefined);
    const bytes = Buffer.from(answered.body, 'latin1');
    expect((isCompressed ? gunzipSync(bytes) : bytes).toString()).toMatch(/^\{"clusters":\[\]/);
  });
});
