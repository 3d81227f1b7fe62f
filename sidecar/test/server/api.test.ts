import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FakeHub, startFakeHub } from '../support/fakeHub.ts';
import { exchangeRaw } from '../support/rawClient.ts';
import { startSidecar, type TestSidecar } from '../support/startSidecar.ts';

let hub: FakeHub;
let sidecar: TestSidecar;

beforeEach(async () => {
  hub = await startFakeHub();
  sidecar = await startSidecar({ hub: { server: hub.root.server, user: { token: 't' } } });
});

afterEach(async () => {
  await sidecar.close();
  await hub.close();
});

const ask = (path: string, method: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${sidecar.port}/cluster-inventory/v1${path}`, { method });

it.each([
  ['GET', '/nope', 404, 'path-unknown'],
  ['GET', '', 404, 'path-unknown'],
  ['GET', '/clusters/', 404, 'path-unknown'],
  ['POST', '/nope', 404, 'path-unknown'],
  ['POST', '/clusters', 405, 'method-refused'],
  ['DELETE', '/clusters', 405, 'method-refused'],
  ['GET', '/clusters/cluster-inventory-x', 404, 'cluster-unknown'],
  ['GET', '/clusters/__proto__', 404, 'cluster-unknown'],
  ['PUT', '/clusters/cluster-inventory-x', 405, 'method-refused'],
  ['POST', '/events', 405, 'method-refused'],
])(
  '[PX-40] %s %s of the API is %i as a Status, and not the dashboard’s',
  async (method, path, status, code) => {
    const response = await ask(path, method);
    expect([response.status, response.headers.get('x-cluster-inventory-error')]).toEqual([status, code]);
    expect(await response.json()).toMatchObject({ kind: 'Status', code: status });
    expect(response.headers.get('allow')).toBe(
      status !== 405 ? null : path === '/events' ? 'GET' : 'GET, HEAD',
    );
  },
);

it('the list answers GET and HEAD', async () => {
  expect((await ask('/clusters', 'GET')).status).toBe(200);
  expect((await ask('/clusters', 'HEAD')).status).toBe(200);
});

it('an event stream has no head without its body', async () => {
  expect((await ask('/events', 'HEAD')).status).toBe(405);
});

it('[ID-10] no cache takes one user’s list for another’s, or keeps it', async () => {
  const { headers } = await ask('/clusters', 'GET');
  expect([headers.get('cache-control'), headers.get('vary')]).toEqual([
    'private, no-cache',
    'Cookie, Authorization',
  ]);
});

it.each(['/livez', '/readyz'])('[TH-12] %s of a whole sidecar refuses a foreign Host', async (path) => {
  const { adminPort } = sidecar;
  const asked = (host: string): string =>
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  expect((await exchangeRaw(adminPort, asked('evil.example'))).status).toBe(400);
  expect((await exchangeRaw(adminPort, asked(`127.0.0.1:${adminPort}`))).status).not.toBe(400);
});
