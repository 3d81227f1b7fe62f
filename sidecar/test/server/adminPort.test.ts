import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/foundation/log.ts';
import { createAdminApp } from '../../src/server/adminApp.ts';
import { type FakeHub, startFakeHub } from '../support/fakeHub.ts';
import { exchangeRaw } from '../support/rawClient.ts';
import { startSidecar, type TestSidecar } from '../support/startSidecar.ts';
import { until } from '../support/until.ts';

let hub: FakeHub;
let dashboard: Server;
let answer: (host: string | undefined) => number;
let sidecar: TestSidecar;

beforeEach(async () => {
  hub = await startFakeHub();
  answer = () => 200;
  dashboard = createServer((request, response) => {
    response.statusCode = answer(request.headers.host);
    response.end();
  });
  await new Promise<void>((resolve) => dashboard.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  await sidecar.close();
  dashboard.close();
  dashboard.closeAllConnections();
  await hub.close();
});

async function start(...more: string[]): Promise<void> {
  const { port } = dashboard.address() as AddressInfo;
  const context = { server: hub.root.server, user: { token: 't' } };
  sidecar = await startSidecar({ hub: context }, `--dashboard-url=http://127.0.0.1:${port}`, ...more);
  await until('the root is tried', async () => /each root tried once$/m.test((await sidecar.readyz()).text));
}

describe('[OP-10] /readyz', () => {
  it('is 200 while the dashboard answers, and 503 with the reason while it does not', async () => {
    await start();
    expect((await sidecar.readyz()).status).toBe(200);
    dashboard.close();
    dashboard.closeAllConnections();
    const { status, text } = await sidecar.readyz();
    expect([status, text]).toEqual([
      503,
      '[+] not draining\n[-] dashboard answers: it cannot be reached\n[+] each root tried once\n' +
        '    store/hub default synced\nnot ready\n',
    ]);
  });

  it('is 503 for a dashboard that fails', async () => {
    answer = () => 500;
    await start();
    const { status, text } = await sidecar.readyz();
    expect([status, text]).toEqual([503, expect.stringContaining('answers: it answers 500')]);
  });

  it('[PX-43] says which option is missing where the dashboard refuses the Host', async () => {
    answer = (host) => (host === 'headlamp.example' ? 200 : 403);
    await start();
    const { status, text } = await sidecar.readyz();
    expect([status, text]).toEqual([
      503,
      expect.stringContaining('answers: the dashboard refuses this Host: --dashboard-host'),
    ]);
    await sidecar.close();
    await start('--dashboard-host=headlamp.example');
    expect((await sidecar.readyz()).status).toBe(200);
  });
});

describe('the admin port', () => {
  it.each(['/livez', '/readyz', '/metrics', '/x'])(
    '[ID-09, TH-12] on a loopback address refuses a foreign Host for %s',
    async (path) => {
      await start();
      const ask = (host: string) =>
        exchangeRaw(sidecar.adminPort, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      const refused = await ask(`evil.example:${sidecar.adminPort}`);
      expect(refused.status).toBe(400);
      expect(refused.headers).toContain('X-Cluster-Inventory-Error: host-refused');
      expect((await ask(`localhost:${sidecar.adminPort}`)).status).toBe(path === '/x' ? 404 : 200);
    },
  );

  it('[PX-40] answers a fault of its own without a stack', async () => {
    await start();
    const app = createAdminApp({
      inventory: { states: () => [], isSettled: () => true },
      isDraining: () => false,
      findDashboardFault: () => Promise.reject(new Error('somewhere')),
      isHostAllowed: () => true,
      readMetrics: () => Promise.reject(new Error('somewhere')),
      log: silentLog,
    });
    const faulty = createServer(app);
    await new Promise<void>((resolve) => faulty.listen(0, '127.0.0.1', resolve));
    const response = await fetch(`http://127.0.0.1:${(faulty.address() as AddressInfo).port}/readyz`);
    faulty.close();
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('somewhere');
  });
});
