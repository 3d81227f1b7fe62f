import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Express } from 'express';
import { Agent } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createChangeFeed } from '../../src/api/changeFeed.ts';
import { createVersionTexts } from '../../src/api/inventoryVersion.ts';
import { createApiRouter } from '../../src/api/router.ts';
import { createConfigEndpoint } from '../../src/dashboard/configEndpoint.ts';
import type { HubSession } from '../../src/dashboard/hubSession.ts';
import { createFindViewer } from '../../src/dashboard/viewer.ts';
import { silentLog } from '../../src/foundation/log.ts';
import { createGate } from '../../src/identity/gate.ts';
import { errorHeader } from '../../src/proxy/status.ts';
import { createApp } from '../../src/server/app.ts';
import { createSignIn } from '../../src/server/signIn.ts';
import { createFakeReviews, person } from '../support/fakeReviews.ts';
import { createManualClock } from '../support/manualClock.ts';
import { exchangeRaw, type RawAnswer } from '../support/rawClient.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';
import { policyWith } from '../support/startUsers.ts';

/**
 * Every route that the sidecar has, as the code has it: those of its routers, those of signing in, and whatever else
 * looks like a path in the source that decides about paths. So a route that comes later is walked, too.
 */

const missingName = 'cluster-inventory-missing';
const missing = `/clusters/${missingName}`;
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const ownClusters = [{ name: 'main', auth_type: 'oidc' }];

let upstream: RecordingUpstream;
/** With a cluster `a`, and without any. */
let full: Proxy;
let empty: Proxy;
let app: Express | undefined;
let signInPaths: string[] = [];

const dashboard = createServer((_request, response) => {
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({ clusters: ownClusters }));
});

async function start(clusters: Readonly<Record<string, object>>): Promise<Proxy> {
  const clock = createManualClock();
  const reviews = createFakeReviews({ 'eve-secret': person('eve') });
  const gate = createGate({
    reviews,
    clock,
    hashKey: Buffer.from('key'),
    outageGraceMs: 0,
    streamGraceMs: 0,
  });
  const session: HubSession = {
    copyCookies: () => [],
    setToken: () => Promise.resolve({ status: 200, setCookies: [] }),
    renew: () => Promise.resolve(undefined),
  };
  signInPaths = createSignIn({ gate, session, baseUrl: '', hubContextName: 'main' }).routes.map(
    ({ path }) => path,
  );
  const { port } = dashboard.address() as AddressInfo;
  return startProxy({
    clusters,
    clock,
    gate,
    session,
    policy: policyWith(),
    makeApp(registry, check) {
      // So that the event stream ends at once, with what it says at first.
      const feed = createChangeFeed(registry);
      feed.close();
      const findViewer = createFindViewer(registry, { gate, session });
      app = createApp({
        baseUrl: '',
        api: createApiRouter({
          registry,
          inventory: { states: () => [] },
          feed,
          versions: createVersionTexts(Buffer.alloc(16)),
          findViewer,
          check,
          clock,
        }),
        config: createConfigEndpoint({
          dashboardUrl: new URL(`http://127.0.0.1:${port}`),
          dashboardHost: '',
          dispatcher: new Agent(),
          findViewer,
          hubContextName: 'main',
          clock,
          log: silentLog,
        }),
        dashboard: (_request, response) => {
          response.end('dashboard');
        },
        log: silentLog,
      });
      return app;
    },
  });
}

beforeAll(async () => {
  await new Promise<void>((resolve) => dashboard.listen(0, '127.0.0.1', resolve));
  upstream = await startRecordingUpstream();
  empty = await start({});
  full = await start({ a: clusterAt(upstream) });
});

afterAll(async () => {
  await full.close();
  await empty.close();
  await upstream.close();
  dashboard.closeAllConnections();
  dashboard.close();
});

interface Layer {
  readonly rawPath?: unknown;
  readonly route?: { readonly path: unknown };
  readonly handle: { readonly stack?: readonly Layer[] };
}

/** @throws Error for a path that this cannot walk */
function readPath(path: unknown): string {
  if (typeof path !== 'string') throw new Error(`walk ${String(path)} here, too`);
  const named = path.replaceAll(':name', 'cluster-inventory-missing');
  return path === '/' ? '' : named.replaceAll(/:\w+|\*\w+/g, 'x');
}

/** The paths of a router and of those below it. */
function pathsOf(stack: readonly Layer[]): string[] {
  return stack.flatMap(({ rawPath, route, handle }) => {
    if (route) return [readPath(route.path)];
    const mount = readPath(rawPath);
    return handle.stack ? pathsOf(handle.stack).map((path) => `${mount}${path}`) : [mount];
  });
}

/** What begins with a slash in the source of these folders, under their names. */
function literalsOf(...folders: readonly string[]): string[] {
  return folders.flatMap((folder) => {
    const directory = join(import.meta.dirname, '../../src', folder);
    return readdirSync(directory)
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .flatMap((file) => {
        const source = readFileSync(join(directory, file), 'utf8');
        const quoted = [...source.matchAll(/['"`](?:\$\{[^}]*\})?(\/[^'"`\s]*)['"`]/g)].map(([, path = '']) =>
          path.replaceAll(/\$\{[^}]*\}/g, 'x'),
        );
        // `/^\/(one|other)(\/|$)/`
        const alternatives = [...source.matchAll(/\/\^\\\/\(([\w|-]+)\)/g)].flatMap(([, names = '']) =>
          names.split('|').map((name) => `/${name}`),
        );
        return [...quoted, ...alternatives];
      });
  });
}

/** All paths, with the cluster that is not there in the place of each. */
function listPaths(): string[] {
  if (app === undefined) throw new Error('not started');
  const literals = literalsOf('server', 'api', 'dashboard');
  const found = [
    ...pathsOf(app.router.stack as unknown as readonly Layer[]),
    ...[
      ...signInPaths,
      ...literals,
      '',
      '/api/v1/pods',
      '/serviceproxy/tools/catalog?request=/',
      '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
    ].map((path) => `${missing}${path}`),
    ...literals,
    ...literals.map((path) => `/cluster-inventory/v1${path}`),
  ];
  return [...new Set(found)].filter((path) => path.startsWith('/')).sort();
}

const codeOf = ({ headers }: RawAnswer): string | undefined =>
  headers.find((line) => line.startsWith(errorHeader))?.split(': ')[1];

interface Asked {
  /** Method, path and, where it is not the usual one, body; `UPGRADE` for one by GET. */
  readonly line: string;
  readonly full: RawAnswer;
  readonly empty: RawAnswer;
}

async function ask(proxy: Proxy, line: string, who: readonly string[]): Promise<RawAnswer> {
  const [method = '', path = '', usual = '{"token":"made-up"}'] = line.split(' ');
  const isUpgrade = method === 'UPGRADE';
  const body = isUpgrade || method === 'GET' || method === 'HEAD' ? '' : usual;
  const answer = await exchangeRaw(
    proxy.port,
    [
      `${isUpgrade ? 'GET' : method} ${path} HTTP/1.1`,
      `Host: ${proxy.host}`,
      `Origin: http://${proxy.host}`,
      ...(isUpgrade ? ['Connection: Upgrade', 'Upgrade: websocket'] : ['Connection: close']),
      ...(body === '' ? [] : ['Content-Type: application/json', `Content-Length: ${body.length}`]),
      ...who,
      '',
      body,
    ].join('\r\n'),
  );
  return { ...answer, headers: answer.headers.filter((header) => !header.startsWith('Date: ')) };
}

/** Those of the dashboard's routes that name a cluster in their body or their query. */
function listDrainLines(): string[] {
  const body = JSON.stringify({ cluster: missingName, nodeName: 'node-1' });
  return full.drainRoutes.map(({ method, path }) =>
    method === 'POST' ? `POST ${path} ${body}` : `${method} ${path}?cluster=${missingName}&nodeName=node-1`,
  );
}

/** All routes by all methods, of the cluster and of one that is not there. */
async function walk(who: readonly string[]): Promise<Asked[]> {
  const name = full.pathOf('a').split('/').at(-1) ?? '';
  const lines = [
    ...listPaths().flatMap((path) => [...methods, 'UPGRADE'].map((method) => `${method} ${path}`)),
    ...listDrainLines(),
  ];
  const asked: Asked[] = [];
  const queue = [...lines];
  const work = async (): Promise<void> => {
    for (let line = queue.shift(); line !== undefined; line = queue.shift())
      asked.push({
        line,
        full: await ask(full, line.replaceAll(missingName, name), who),
        empty: await ask(empty, line, who),
      });
  };
  await Promise.all(Array.from({ length: 16 }, work));
  return asked;
}

const isOfDashboard = ({ line, full: { status, body } }: Asked): boolean =>
  !line.includes(missingName) &&
  (body === 'dashboard' || (line.startsWith('HEAD ') && status === 200 && !line.includes('/v1/clusters')));

/** Answers that are the same to all, whatever is asked about. */
const isFixedRefusal = ({ full: answer }: Asked): boolean =>
  [
    [400, 'path-refused'],
    [404, 'path-unknown'],
    [405, 'method-refused'],
    [501, 'not-implemented'],
  ].some(([status, code]) => answer.status === status && codeOf(answer) === code);

/** Without what shows nothing, that which is to be looked at. */
function describeAnswer({ line, full: answer }: Asked): string {
  return `${line}: ${answer.status} ${codeOf(answer) ?? answer.body}`;
}

const ownConfig = JSON.stringify({ clusters: ownClusters });

describe('every route', () => {
  it('[ID-10] is found: those of the routers, of signing in, of drains, and those that are refused', () => {
    expect(listDrainLines().map((line) => line.split(/[ ?]/, 2).join(' '))).toEqual([
      'POST /drain-node',
      'GET /drain-node-status',
    ]);
    const paths = listPaths();
    for (const path of [
      '/cluster-inventory/v1/clusters',
      `/cluster-inventory/v1${missing}`,
      '/cluster-inventory/v1/events',
      '/config',
      `${missing}/set-token`,
      `${missing}/me`,
      `${missing}/helm`,
      '/oidc',
    ])
      expect(paths).toContain(path);
  });

  it.each([
    ['nothing', []],
    ['a made-up token', ['Authorization: Bearer made-up']],
    ['another scheme', ['Authorization: Basic ZXZlOmV2ZQ==']],
    ['an empty session', ['Cookie: cluster-inventory-session.0=']],
    ['a proxy’s word', ['X-Forwarded-User: eve', 'X-Forwarded-Id-Token: eve-secret']],
  ])('[ID-10, TH-04] with %s answers 401, or is the dashboard’s own', async (_, who) => {
    const asked = await walk(who);
    expect(asked.length).toBeGreaterThan(200);
    const open = asked.filter(
      (each) =>
        !(
          isOfDashboard(each) ||
          isFixedRefusal(each) ||
          (each.full.status === 401 &&
            ['sign-in-required', 'token-rejected'].includes(codeOf(each.full) ?? ''))
        ),
    );
    expect(open.map(describeAnswer)).toEqual([`GET /config: 200 ${ownConfig}`]);
    expect(differing(asked)).toEqual([]);
    expect(upstream.connections).toHaveLength(0);
  });

  it('[ID-10, ID-15, TH-04] shows a user without rights nothing, and no cluster from none', async () => {
    const asked = await walk(['Authorization: Bearer eve-secret']);
    const open = asked.filter(
      (each) =>
        !(
          isOfDashboard(each) ||
          isFixedRefusal(each) ||
          (each.full.status === 404 && codeOf(each.full) === 'cluster-unknown') ||
          (each.full.status === 401 && codeOf(each.full) === 'token-rejected')
        ),
    );
    expect(open.map(describeAnswer).sort()).toEqual([
      expect.stringMatching(/^GET \/cluster-inventory\/v1\/clusters: 200 .*"clusters":\[\],"roots":\[\]/s),
      expect.stringMatching(/^GET \/cluster-inventory\/v1\/events: 200 .*"clusters":\[\],"roots":\[\]/s),
      expect.stringMatching(new RegExp(`^GET ${missing}/me: 200 .*"username":"eve"`, 's')),
      `GET /config: 200 ${ownConfig}`,
      'HEAD /cluster-inventory/v1/clusters: 200 ',
    ]);
    expect(differing(asked)).toEqual([]);
    expect(upstream.connections).toHaveLength(0);
  });
});

/** Those by whose answers one could tell that there is a cluster. */
function differing(asked: readonly Asked[]): string[] {
  const textOf = ({ status, headers, body }: RawAnswer): string => [status, ...headers, body].join('\n');
  return asked.filter((each) => textOf(each.full) !== textOf(each.empty)).map(({ line }) => line);
}
