import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { Agent, request as send } from 'undici';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ClustersResponse } from '../../sidecar/src/api/clusterTypes.ts';
import { installPlugin } from '../dashboard/backend/pluginFolder.ts';
import { startDashboard } from '../dashboard/startDashboard.ts';
import { launchBrowser } from '../parts/browser.ts';
import { createCookieJar, type CookieJar } from '../parts/cookieJar.ts';
import { type Fleet, startFleet } from '../parts/fleet.ts';
import { type IdTokenOptions, type OidcIssuer, startOidcIssuer } from '../parts/oidcIssuer.ts';
import { reviewToken } from '../parts/reviews.ts';
import { type SidecarProcess, startSidecar } from '../parts/sidecar.ts';
import type { Spoke } from '../parts/spoke.ts';
import { until } from '../parts/until.ts';
import { grantOnHub, grantOnSpoke } from '../parts/users.ts';

const root = join(import.meta.dirname, '..', '..');
const artifacts = join(root, 'artifacts');
const sessionName = 'cluster-inventory-session';
const dashboardSessionName = 'headlamp-auth-main';

let issuer: OidcIssuer;
let fleet: Fleet;
let spoke: Spoke;
let sidecar: SidecarProcess;
let browser: Browser;
/** Generated names by display name. */
let names: ReadonlyMap<string, string>;
/** Begun first and looked at last. */
let early: Watch;
/** Node's own bound on headers is less than what an answer with a long token's cookies takes; a browser's is not. */
const agent = new Agent({ maxHeaderSize: 256 * 1024 });
/** What follows a token, where its session can be renewed. */
const successors = new Map<string, IdTokenOptions>();
/** The tokens with which the dashboard asked for a renewal, in their order. */
const renewals: string[] = [];

/** As the issuer does for the dashboard, which asks for an old token again each time that it comes. */
function refresh(token: string): Promise<string | undefined> {
  renewals.push(token);
  const next = successors.get(token);
  return Promise.resolve(next && issueRenewable(next, next));
}

function issueRenewable(claims: IdTokenOptions, next: IdTokenOptions): string {
  const token = issuer.issue(claims);
  successors.set(token, next);
  return token;
}

beforeAll(async () => {
  mkdirSync(artifacts, { recursive: true });
  issuer = await startOidcIssuer();
  [fleet, browser] = await Promise.all([
    startFleet({ spokes: 1, impersonation: true, oidc: { issuer } }),
    launchBrowser(),
  ]);
  const [first] = fleet.spokes;
  if (!first) throw new Error('no spoke');
  spoke = first;
  for (const name of ['payments', 'search']) {
    await fleet.publish(spoke, { access: 'token', name, displayName: name });
    await grantOnHub(fleet.hub, { group: `oidc:${name}`, role: 'viewer', names: [name] });
  }
  await grantOnSpoke(spoke, { group: 'oidc:payments', clusterRole: 'view' });
  const pluginDir = join(fleet.folder, 'plugins');
  await installPlugin({ distDir: join(root, 'plugin', 'dist'), pluginDir, name: 'cluster-inventory' });
  const { url, ca } = fleet.hub;
  const dashboard = await startDashboard({ hub: { url, ca }, pluginDir, refresh, env: {} });
  const { hubKubeconfigFile: kubeconfigFile, providerFile, logFolder } = fleet;
  sidecar = await startSidecar({
    providerFile,
    kubeconfigFile,
    dashboardUrl: dashboard.url,
    logFolder,
    extraArgs: ['--auth=hub', `--dashboard-host=127.0.0.1:${dashboard.port}`],
  });
  const token = issuer.issue({ sub: 'setup', groups: ['payments', 'search'] });
  await until(async () => (await listClusters({ token })).length === 2, {
    timeoutMs: 30_000,
    message: 'the clusters are listed',
  });
  names = new Map((await listClusters({ token })).map(({ displayName, name }) => [displayName, name]));
  early = await openWatch({ token: issuer.issue({ ...ana, expiresInSeconds: 12 }) });
  return async () => {
    await browser.close();
    await agent.destroy();
    await sidecar.stop();
    await dashboard.stop();
    await fleet.stop();
    await issuer.stop();
  };
});

const ana = { sub: 'ana', groups: ['payments'] };
/** Seen once the session is renewed, and only then. */
const renewedAna = { sub: 'ana', groups: ['payments', 'search'], expiresInSeconds: 30 };

interface Identity {
  readonly jar?: CookieJar;
  readonly token?: string;
}

interface Answer {
  readonly status: number;
  readonly error: string | undefined;
  readonly setCookies: readonly string[];
  readonly text: string;
}

function buildHeaders(path: string, { jar, token }: Identity): Record<string, string> {
  const cookie = jar?.headerFor(path);
  return {
    origin: sidecar.url,
    ...(cookie === undefined ? {} : { cookie }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
}

/** The answer's cookies are not yet in the jar. */
async function ask(path: string, identity: Identity, body?: object): Promise<Answer> {
  const {
    statusCode,
    headers,
    body: answer,
  } = await send(new URL(path, sidecar.url), {
    dispatcher: agent,
    method: body ? 'POST' : 'GET',
    headers: { ...buildHeaders(path, identity), ...(body ? { 'content-type': 'application/json' } : {}) },
    body: body ? JSON.stringify(body) : null,
  });
  return {
    status: statusCode,
    error: headers['x-cluster-inventory-error']?.toString(),
    setCookies: [headers['set-cookie'] ?? []].flat(),
    text: await answer.text(),
  };
}

const under = (displayName: string, path: string): string =>
  `/clusters/${names.get(displayName) ?? 'missing'}${path}`;
const pods = '/api/v1/namespaces/default/pods';

async function listClusters(identity: Identity): Promise<ClustersResponse['clusters']> {
  const { text } = await ask('/cluster-inventory/v1/clusters', identity);
  return (JSON.parse(text) as ClustersResponse).clusters;
}

/** The display names of the clusters that somebody sees. */
async function listSeen(identity: Identity): Promise<readonly string[]> {
  return (await listClusters(identity)).map(({ displayName }) => displayName).sort();
}

/** Who the cluster takes somebody for, with the answer. */
async function whoAmI(
  identity: Identity,
): Promise<{ who: { name: string; groups: readonly string[] } } & Answer> {
  const answer = await ask(under('payments', '/apis/authentication.k8s.io/v1/selfsubjectreviews'), identity, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'SelfSubjectReview',
  });
  expect([answer.status, answer.error]).toEqual([201, undefined]);
  const { status } = JSON.parse(answer.text) as {
    status: { userInfo: { username: string; groups: readonly string[] } };
  };
  return { ...answer, who: { name: status.userInfo.username, groups: status.userInfo.groups } };
}

/** At the page of a discovered cluster. */
async function signIn(token: string, jar = createCookieJar()): Promise<CookieJar> {
  const answer = await ask(under('payments', '/set-token'), { jar }, { token });
  expect(answer.status).toBe(200);
  jar.take(answer.setCookies);
  return jar;
}

/** As Headlamp's own sign-out. */
async function signOut(jar: CookieJar): Promise<void> {
  const answer = await ask('/clusters/main/set-token', { jar }, { token: '' });
  expect(answer.status).toBe(200);
  jar.take(answer.setCookies);
}

interface Watch {
  readonly startedAt: number;
  /** Whether a Pod that is made now comes; false where the watch has ended. */
  shows(name: string): Promise<boolean>;
  isOpen(): boolean;
  close(): void;
}

async function openWatch(identity: Identity): Promise<Watch> {
  const path = under('payments', `${pods}?watch=1`);
  const { statusCode, body } = await send(new URL(path, sidecar.url), {
    dispatcher: agent,
    headers: buildHeaders(path, identity),
    bodyTimeout: 0,
  });
  expect(statusCode).toBe(200);
  let text = '';
  let isOpen = true;
  body.on('data', (chunk: Buffer) => (text += chunk.toString()));
  body.on('error', () => undefined);
  body.once('close', () => {
    isOpen = false;
  });
  return {
    startedAt: Date.now(),
    async shows(name) {
      await createPod(name);
      await until(() => text.includes(`"name":"${name}"`) || !isOpen, {
        timeoutMs: 5_000,
        message: `the watch shows ${name}`,
      });
      return isOpen;
    },
    isOpen: () => isOpen,
    close: () => {
      body.destroy();
    },
  };
}

function createPod(name: string): Promise<unknown> {
  return spoke.client.create(pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { containers: [{ name, image: name }] },
  });
}

const countRenewals = (token: string): number => renewals.filter((each) => each === token).length;

const chunksOf = (jar: CookieJar, name: string): number =>
  jar.names().filter((each) => each.startsWith(`${name}.`)).length;

describe('a user of OIDC', () => {
  it('[ID-01, ID-10, ID-11] sees and opens what their groups are bound to', async () => {
    const token = issuer.issue({ ...ana, expiresInSeconds: 30 });
    expect(await listSeen({ token })).toEqual(['payments']);
    const answer = await ask(under('payments', pods), { token });
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('"name":"hello"');
    const other = issuer.issue({ sub: 'ben', groups: ['search'], expiresInSeconds: 30 });
    expect(await listSeen({ token: other })).toEqual(['search']);
    expect((await ask(under('payments', '/version'), { token: other })).status).toBe(404);
    expect((await ask(under('search', '/version'), { token })).status).toBe(404);
  });

  it('[ID-20, ID-22] arrives at a cluster by that name and those groups', async () => {
    const token = issuer.issue({ sub: 'ana', groups: ['payments', 'on-call'], expiresInSeconds: 30 });
    const { who } = await whoAmI({ token });
    expect(who).toEqual({
      name: 'oidc:ana',
      groups: ['oidc:payments', 'oidc:on-call', 'system:authenticated'],
    });
  });

  it('[ID-06] with an expired token is nobody, although the hub takes it for a while', async () => {
    const token = issuer.issue({ ...ana, expiresInSeconds: 4 });
    const jar = await signIn(token);
    expect((await ask(under('payments', '/version'), { token })).status).toBe(200);
    await sleep(4_000);
    for (const identity of [{ token }, { jar }])
      for (const path of [under('payments', '/version'), '/cluster-inventory/v1/clusters']) {
        const answer = await ask(path, identity);
        expect([answer.status, answer.error]).toEqual([401, 'token-rejected']);
      }
    expect((await reviewToken(fleet.hub, token)).authenticated).toBe(true);
  });
});

describe('a session that is about to end', () => {
  const start = (next: IdTokenOptions = renewedAna): string =>
    issueRenewable({ ...ana, expiresInSeconds: 9 }, next);

  it.each([
    [
      'a discovered cluster',
      201,
      () => under('payments', '/apis/authentication.k8s.io/v1/selfsubjectreviews'),
    ],
    ['our API', 200, () => '/cluster-inventory/v1/clusters'],
    ['/config', 200, () => '/config'],
    ['who the user is', 200, () => under('payments', '/me')],
  ])('[ID-04] is renewed by the next request to %s, which it serves', async (_title, status, path) => {
    const token = start();
    const jar = await signIn(token);
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const answer = await ask(path(), { jar }, status === 201 ? body : undefined);
    expect(answer.status).toBe(status);
    // Its groups, or the cluster that only they see.
    expect(answer.text).toContain('search');
    expect(countRenewals(token)).toBe(1);
    jar.take(answer.setCookies);
    expect(answer.setCookies.map((line) => line.split('=', 1)[0])).toEqual(
      expect.arrayContaining([`${sessionName}.0`, `${dashboardSessionName}.0`]),
    );
    expect([chunksOf(jar, sessionName), chunksOf(jar, dashboardSessionName)]).toEqual([1, 1]);
    const before = renewals.length;
    const { who, setCookies } = await whoAmI({ jar });
    expect(who.groups).toContain('oidc:search');
    expect([setCookies, renewals.length]).toEqual([[], before]);
  });

  it.each([
    ['may not be seen', 404, () => '/clusters/cluster-inventory-none/version'],
    ['is refused', 403, () => under('payments', '/api/v1/nodes/x/proxy/')],
  ])('[ID-04] is renewed by a request that %s, too', async (_title, status, path) => {
    const jar = await signIn(start());
    const answer = await ask(path(), { jar });
    expect(answer.status).toBe(status);
    jar.take(answer.setCookies);
    const before = renewals.length;
    expect((await whoAmI({ jar })).who.groups).toContain('oidc:search');
    expect(renewals.length).toBe(before);
  });

  it('[ID-04] is renewed once for 20 requests, and for those that come late with the old cookie', async () => {
    const token = start();
    const jar = await signIn(token);
    const paths = [
      under('payments', pods),
      under('payments', '/version'),
      '/config',
      '/cluster-inventory/v1/clusters',
    ];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => ask(paths[index % paths.length] ?? '', { jar })),
    );
    await sleep(500);
    answers.push(await ask('/config', { jar }));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(countRenewals(token)).toBe(1);
    expect(new Set(answers.map(({ setCookies }) => setCookies.join('\n'))).size).toBe(1);
  });

  it('[ID-04] is signed out in one tab and so in all, though the dashboard renews it on the way', async () => {
    const token = start();
    const jar = await signIn(token);
    const old = await signIn(token);
    await signOut(jar);
    expect(countRenewals(token)).toBe(1);
    expect(jar.names()).toEqual([]);
    expect((await ask('/cluster-inventory/v1/clusters', { jar })).error).toBe('sign-in-required');
    old.take((await ask('/config', { jar: old })).setCookies);
    await signOut(old);
    expect(old.names()).toEqual([]);
  });
});

describe('a session of a token that takes three cookies', () => {
  const many = Array.from({ length: 150 }, (_, index) => `team-${index}-${'x'.repeat(32)}`);
  const long = { sub: 'ana', groups: ['payments', ...many] };
  const chunks = (jar: CookieJar): [number, number] => [
    chunksOf(jar, sessionName),
    chunksOf(jar, dashboardSessionName),
  ];

  it('[ID-04] is whole, and leaves nothing when a short one follows', async () => {
    const jar = await signIn(issuer.issue({ ...long, expiresInSeconds: 30 }));
    expect(chunks(jar)).toEqual([3, 3]);
    const { who } = await whoAmI({ jar });
    expect(who.groups).toEqual([...long.groups.map((group) => `oidc:${group}`), 'system:authenticated']);
    await signIn(issuer.issue({ ...ana, expiresInSeconds: 30 }), jar);
    expect(chunks(jar)).toEqual([1, 1]);
    expect((await whoAmI({ jar })).who.groups).toEqual(['oidc:payments', 'system:authenticated']);
    await signIn(issuer.issue({ ...long, expiresInSeconds: 30 }), jar);
    await signOut(jar);
    expect(jar.names()).toEqual([]);
  });

  it('[ID-04] is renewed by a short one, and the other way round', async () => {
    const short = { ...ana, expiresInSeconds: 9 };
    const token = issueRenewable({ ...long, expiresInSeconds: 9 }, short);
    const jar = await signIn(token);
    jar.take((await whoAmI({ jar })).setCookies);
    expect(chunks(jar)).toEqual([1, 1]);
    const again = await signIn(issueRenewable(short, { ...long, expiresInSeconds: 30 }));
    const { who, setCookies } = await whoAmI({ jar: again });
    expect(who.groups).toHaveLength(long.groups.length + 1);
    again.take(setCookies);
    expect(chunks(again)).toEqual([3, 3]);
    expect((await whoAmI({ jar: again })).who.groups).toHaveLength(long.groups.length + 1);
  });
});

describe('what stays open', () => {
  it.concurrent(
    '[ID-14] a watch goes on over a renewal, and ends at once with the sign-out',
    async () => {
      const token = issueRenewable({ ...ana, expiresInSeconds: 13 }, { ...ana, expiresInSeconds: 60 });
      const ends = Date.now() + 13_000;
      const jar = await signIn(token);
      const watch = await openWatch({ jar });
      await until(
        async () => {
          jar.take((await ask(under('payments', '/version'), { jar })).setCookies);
          return countRenewals(token) > 0;
        },
        { timeoutMs: 5_000, intervalMs: 200, message: 'the session is renewed' },
      );
      await sleep(ends + 1_000 - Date.now());
      expect(await watch.shows('after-the-renewal')).toBe(true);
      await signOut(jar);
      await until(() => !watch.isOpen(), { timeoutMs: 1_000, message: 'the watch has ended' });
    },
    30_000,
  );

  it.concurrent(
    '[ID-04] a page shows its Pods over two lifetimes of its token, and asks for none',
    async () => {
      const claims = { sub: 'page', groups: ['payments'], expiresInSeconds: 15 };
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
      context.setDefaultTimeout(20_000);
      const page = await context.newPage();
      const visited: string[] = [];
      page.on('framenavigated', (frame) => visited.push(frame.url()));
      try {
        await page.goto(new URL(`/c/${names.get('payments') ?? ''}/pods`, sidecar.url).href);
        await page.waitForURL(/\/token$/);
        await page.locator('input').first().fill(issueRenewable(claims, claims));
        await page.getByRole('button', { name: /authenticate/i }).click();
        const hello = page.getByRole('link', { name: 'hello' });
        await hello.waitFor();
        const from = visited.length;
        const leavesAt = Date.now() + 40_000;
        while (Date.now() < leavesAt) {
          expect(await hello.isVisible()).toBe(true);
          await sleep(1_000);
        }
        expect(visited.slice(from)).toEqual([]);
        await createPod('made-late');
        await page.getByRole('link', { name: 'made-late' }).waitFor();
        // What has not been asked for before needs a session now.
        await hello.click();
        await page.getByRole('button', { name: 'Show Logs' }).waitFor();
        // Each lives for 15 s and is renewed with 10 s left at the earliest.
        const own = new Set(renewals.filter((token) => subjectOf(token) === 'page'));
        expect(own.size).toBeGreaterThanOrEqual(2);
      } finally {
        await page.screenshot({ path: join(artifacts, 'oidc-page.png') });
        await context.close();
      }
    },
    90_000,
  );
});

it('[ID-14] a watch outlives its token when it is looked at again, after a minute', async () => {
  await sleep(early.startedAt + 62_000 - Date.now());
  expect(await early.shows('after-a-minute')).toBe(true);
  early.close();
}, 70_000);

function subjectOf(token: string): unknown {
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  return typeof claims === 'object' && claims !== null && 'sub' in claims ? claims.sub : undefined;
}
