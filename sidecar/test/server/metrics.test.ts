import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildClusterName } from '../../src/clusters/clusterName.ts';
import { asRecord } from '../../src/foundation/unknownValue.ts';
import { buildProfileKey } from '../../src/inventory/profileKey.ts';
import { readRequestBody } from '../../src/proxy/readRequestBody.ts';
import { type FakeHub, profileObject, sendJson, startFakeHub, type Watch } from '../support/fakeHub.ts';
import { exchangeRaw, openRawClient, type RawAnswer, type RawClient } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { parseSamples, scrapeMetrics } from '../support/scrapeMetrics.ts';
import { clusterAt } from '../support/startProxy.ts';
import { startSidecar, type TestContext, type TestSidecar, writePlugin } from '../support/startSidecar.ts';
import { until } from '../support/until.ts';

const apiVersion = 'client.authentication.k8s.io/v1';

let hub: FakeHub;
let isHubAway = false;
let upstream: RecordingUpstream;
let sidecar: TestSidecar | undefined;

const dashboard = createServer((_request, response) => {
  response.setHeader('Content-Type', 'application/json');
  response.setHeader('X-Cluster-Inventory-Error', 'canary-error');
  response.end('{"clusters":[]}');
});

beforeEach(async () => {
  await new Promise<void>((resolve) => dashboard.listen(0, '127.0.0.1', resolve));
  upstream = await startRecordingUpstream();
  isHubAway = false;
  hub = await startFakeHub();
  hub.items = [profileOf('a'), profileOf('b')];
  // Whoever has a token with `good` in it is a user of that name, who may do all but in clusters with `secret` in theirs.
  hub.intercept = (request, response) => {
    if (request.method !== 'POST') return false;
    void readRequestBody(request, 1_000_000).then((body) => {
      const { token, resourceAttributes } = asRecord(asRecord(JSON.parse(body.toString()))['spec']);
      if (isHubAway) sendJson(response, 500, {});
      else if (typeof token === 'string') {
        const status = { authenticated: token.includes('good'), user: { username: token } };
        sendJson(response, 201, { status });
      } else {
        const { name } = asRecord(resourceAttributes);
        sendJson(response, 201, { status: { allowed: !String(name).includes('secret') } });
      }
    });
    return true;
  };
});

afterEach(async () => {
  await sidecar?.close();
  sidecar = undefined;
  await upstream.close();
  await hub.close();
  dashboard.closeAllConnections();
  await new Promise((resolve) => dashboard.close(resolve));
});

function profileOf(name: string, provider = 'p'): object {
  return profileObject(
    name,
    { uid: name },
    { status: { accessProviders: [{ name: provider, cluster: clusterAt(upstream) }] } },
  );
}

const hubContext = (): TestContext => ({ server: hub.root.server, user: { token: 'canary-of-the-hub' } });

async function start(
  contexts: Readonly<Record<string, TestContext>>,
  ...more: readonly string[]
): Promise<TestSidecar> {
  const { port } = dashboard.address() as AddressInfo;
  sidecar = await startSidecar(
    contexts,
    `--dashboard-url=http://127.0.0.1:${port}`,
    '--audit-log=/dev/null',
    ...more,
  );
  return sidecar;
}

async function writeProviders({ folder }: TestSidecar, ...names: readonly string[]): Promise<void> {
  const command = join(folder, 'plugin-of-the-provider');
  const providers = names.map((name) => ({ name, execConfig: { apiVersion, command } }));
  await writeFile(join(folder, 'providers'), JSON.stringify({ providers }));
}

const scrape = (): Promise<ReadonlyMap<string, number>> => scrapeMetrics(sidecar?.adminPort ?? 0);

async function sampleOf(series: string): Promise<number | undefined> {
  return (await scrape()).get(`cluster_inventory_${series}`);
}

const untilListed = (count: number): Promise<void> =>
  until('the profiles are there', async () => {
    const samples = [...(await scrape())].filter(([name]) => name.startsWith('cluster_inventory_profiles{'));
    return samples.reduce((sum, [, value]) => sum + value, 0) === count;
  });

const pathOf = (name: string): string =>
  `/clusters/${buildClusterName(buildProfileKey('store/hub', 'default', name))}`;
async function watchOfHub(): Promise<Watch> {
  await until('the hub is watched', () => hub.watches.length > 0);
  const [watch] = hub.watches.slice(-1);
  if (!watch) throw new Error('not watched');
  return watch;
}

const bearer = (token: string): string => `Authorization: Bearer ${token}`;
const requestOf = (line: string, headers: readonly string[]): string =>
  [`${line} HTTP/1.1`, `Host: 127.0.0.1:${sidecar?.port ?? 0}`, ...headers, '', ''].join('\r\n');
const ask = (line: string, ...headers: readonly string[]): Promise<RawAnswer> =>
  exchangeRaw(sidecar?.port ?? 0, requestOf(line, ['Connection: close', ...headers]));

async function openStream(line: string, ...headers: readonly string[]): Promise<RawClient> {
  const client = await openRawClient(sidecar?.port ?? 0);
  client.send(requestOf(line, headers));
  await client.waitFor('\r\n\r\n');
  return client;
}

describe('credential plugins', () => {
  it('[EX-32] runs by provider and outcome, duration, time to expiry, time of the last success', async () => {
    const started = await start({ hub: hubContext() });
    await untilListed(2);
    const command = join(started.folder, 'plugin-of-the-provider');
    const expiresAt = Math.floor(Date.now() / 1000) + 1800;
    const expirationTimestamp = new Date(expiresAt * 1000).toISOString();
    const status = { token: 'canary-token', expirationTimestamp };
    const credential = JSON.stringify({ apiVersion, kind: 'ExecCredential', status });
    await writeFile(command, `#!/bin/sh\necho canary-stderr >&2\nsleep 0.3\necho '${credential}'\n`);
    expect(await sampleOf('plugin_runs_total{provider="p",outcome="ok"}')).toBeUndefined();

    upstream.answers.push(answerWith('{}'), answerWith('{}'));
    const before = Date.now() / 1000;
    for (let round = 0; round < 2; round++)
      expect((await ask(`GET ${pathOf('a')}/version`)).status).toBe(200);
    const after = Date.now() / 1000;
    expect(await sampleOf('plugin_runs_total{provider="p",outcome="ok"}')).toBe(1);
    expect(await sampleOf('plugin_run_seconds_count{provider="p"}')).toBe(1);
    expect(await sampleOf('plugin_run_seconds_bucket{le="0.25",provider="p"}')).toBe(0);
    expect(await sampleOf('plugin_run_seconds_sum{provider="p"}')).toBeGreaterThanOrEqual(0.29);
    expect(await sampleOf('credentials{provider="p",expiry="1h"}')).toBe(1);
    expect(await sampleOf('credential_next_expiry_timestamp_seconds{provider="p"}')).toBe(expiresAt);
    const lastSuccess = await sampleOf('plugin_last_success_timestamp_seconds{provider="p"}');
    expect(lastSuccess).toBeGreaterThanOrEqual(before);
    expect(lastSuccess).toBeLessThanOrEqual(after);
    expect(await sampleOf('credentials_failing{provider="p"}')).toBeUndefined();

    await writeFile(command, '#!/bin/sh\necho canary-stdout\nexit 3\n');
    for (let round = 0; round < 2; round++)
      expect((await ask(`GET ${pathOf('b')}/version`)).status).toBe(502);
    expect(await sampleOf('plugin_runs_total{provider="p",outcome="plugin-exited"}')).toBe(1);
    expect(await sampleOf('plugin_runs_total{provider="p",outcome="ok"}')).toBe(1);
    expect(await sampleOf('credentials_failing{provider="p"}')).toBe(1);
    expect(await sampleOf('plugin_last_success_timestamp_seconds{provider="p"}')).toBe(lastSuccess);
  });

  it('[EX-32, TH-46] a cluster, a provider and a root that are gone leave no series', async () => {
    const started = await start({ hub: hubContext() });
    await untilListed(2);
    const series = async (label: string): Promise<string[]> =>
      [...(await scrape()).keys()].filter((each) => each.includes(`"${label}"`));
    upstream.answers.push(answerWith('{}'), answerWith('{}'));
    for (const name of ['a', 'b']) await ask(`GET ${pathOf(name)}/version`);
    expect(await sampleOf('credentials{provider="p",expiry="none"}')).toBe(2);
    expect(await sampleOf('profiles{state="ready",code=""}')).toBe(2);
    for (const name of ['a', 'b']) (await watchOfHub()).send('DELETED', profileOf(name));
    await untilListed(0);
    expect(await sampleOf('credentials{provider="p",expiry="none"}')).toBeUndefined();
    expect(await sampleOf('profiles{state="ready",code=""}')).toBeUndefined();

    expect((await series('p')).length).toBeGreaterThan(0);
    await writeProviders(started, 'q');
    await until('the provider is gone', async () => (await series('p')).length === 0);

    const command = await writePlugin(started.folder, 'of-a-root');
    const exec = { apiVersion, command };
    await started.writeKubeconfig({ hub: hubContext(), x: { server: hub.root.server, user: { exec } } });
    await until('its plugin ran', async () =>
      [...(await scrape()).keys()].some((each) =>
        each.endsWith('plugin_runs_total{provider="store/x",outcome="ok"}'),
      ),
    );
    await until(
      'it is watched',
      async () => (await sampleOf('watches{root="store/x",state="synced"}')) === 1,
    );
    await started.writeKubeconfig({ hub: hubContext() });
    await until('the root is gone', async () => (await series('store/x')).length === 0);
    expect(await sampleOf('watches{root="store/hub",state="synced"}')).toBe(1);
  });
});

describe('[OP-11] what there is', () => {
  const total = (requestClass: string, outcome: string): Promise<number | undefined> =>
    sampleOf(`requests_total{class="${requestClass}",outcome="${outcome}"}`);

  it('requests by class and outcome, errors by code, upstream latency', async () => {
    await start({ hub: hubContext() }, '--auth=hub');
    await untilListed(2);
    const user = bearer('good');
    upstream.answers.push(
      answerWith('{}'),
      answerWith('{}', '201 Created'),
      answerWith('{}', '404 Not Found'),
      answerWith('{}', '999 None'),
      'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf',
    );
    await ask(`GET ${pathOf('a')}/version`, user);
    await ask(`POST ${pathOf('a')}/api/v1/namespaces`, user, 'Content-Length: 0');
    await ask(`GET ${pathOf('a')}/api/v1/pods`, user);
    await ask(`GET ${pathOf('a')}/api/v1/pods`, user);
    const cut = await openStream(`GET ${pathOf('a')}/api/v1/pods`, user);
    await cut.waitFor('half');
    upstream.connections.at(-1)?.reset();
    await cut.waitForEnd();
    expect(await total('read', '2xx')).toBe(1);
    expect(await total('write', '2xx')).toBe(1);
    expect(await total('read', '4xx')).toBe(1);
    expect(await total('read', '5xx')).toBe(1);
    expect(await total('read', 'failed')).toBe(1);
    expect(await sampleOf('upstream_response_seconds_count{class="read"}')).toBe(4);
    expect(await sampleOf('upstream_response_seconds_count{class="write"}')).toBe(1);

    await ask(`GET ${pathOf('a')}/version`);
    await ask(`GET ${pathOf('none')}/version`, user);
    await ask('GET /cluster-inventory/v1/clusters', user);
    await ask('GET /cluster-inventory/v1/none', user);
    await ask('GET /config', user);
    await ask('GET /plugins');
    await ask(`GET ${pathOf('a')}/me`, user);
    expect(await sampleOf('errors_total{code="sign-in-required"}')).toBe(1);
    expect(await total('other', 'refused')).toBe(1);
    expect(await sampleOf('errors_total{code="cluster-unknown"}')).toBe(1);
    expect(await total('read', 'refused')).toBe(1);
    expect(await sampleOf('errors_total{code="path-unknown"}')).toBe(1);
    expect([await total('api', '2xx'), await total('api', '4xx')]).toEqual([1, 1]);
    expect(await total('config', '2xx')).toBe(1);
    expect(await total('dashboard', '2xx')).toBe(1);
    expect(await total('other', '2xx')).toBe(1);
  });

  it('open streams by kind, and who left', async () => {
    await start({ hub: hubContext() });
    await untilListed(2);
    const open = (kind: string): Promise<number | undefined> => sampleOf(`open_streams{kind="${kind}"}`);
    upstream.answers.push(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    const watch = await openStream(`GET ${pathOf('a')}/api/v1/pods?watch=true`);
    const terminal = await openStream(
      `GET ${pathOf('a')}/api/v1/namespaces/n/pods/p/exec`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      `Origin: http://127.0.0.1:${sidecar?.port ?? 0}`,
    );
    expect([await open('watch'), await open('exec'), await open('log')]).toEqual([1, 1, 0]);
    expect(await sampleOf('upstream_response_seconds_count{class="stream"}')).toBe(2);
    watch.socket.destroy();
    await until('the watch is gone', async () => (await open('watch')) === 0);
    terminal.socket.destroy();
    upstream.connections.at(-1)?.socket.destroy();
    await until('the terminal is gone', async () => (await open('exec')) === 0);
    expect([await total('stream', 'gone'), await total('stream', '1xx')]).toEqual([1, 1]);
    expect(await sampleOf('errors_total{code="connection-reset"}')).toBe(0);
  });

  it('reviews by outcome', async () => {
    await start({ hub: hubContext() }, '--auth=hub');
    await untilListed(2);
    const reviews = (kind: string, outcome: string): Promise<number | undefined> =>
      sampleOf(`reviews_total{kind="${kind}",outcome="${outcome}"}`);
    upstream.answers.push(answerWith('{}'));
    await ask(`GET ${pathOf('a')}/version`, bearer('good'));
    await ask(`GET ${pathOf('a')}/version`, bearer('bad'));
    expect([await reviews('token', 'yes'), await reviews('token', 'no')]).toEqual([1, 1]);
    expect([await reviews('access', 'yes'), await reviews('access', 'no')]).toEqual([1, 0]);
    isHubAway = true;
    await ask(`GET ${pathOf('a')}/version`, bearer('good-too'));
    expect(await reviews('token', 'unavailable')).toBe(1);
    expect(await sampleOf('review_seconds_count{kind="token"}')).toBe(3);
    expect(await sampleOf('errors_total{code="reviews-unavailable"}')).toBe(1);
  });

  it('watch state by root, profiles by status', async () => {
    hub.items = [profileOf('a'), profileOf('b', 'unknown'), profileOf('c', 'unknown')];
    await start({ hub: hubContext(), nowhere: { server: 'nonsense', user: {} } });
    await untilListed(3);
    const watches = (root: string, state: string): Promise<number | undefined> =>
      sampleOf(`watches{root="store/${root}",state="${state}"}`);
    expect([await watches('hub', 'synced'), await watches('hub', 'failing')]).toEqual([1, 0]);
    expect([await watches('nowhere', 'synced'), await watches('nowhere', 'failing')]).toEqual([0, 1]);
    const confirmed = await sampleOf('watch_confirmed_timestamp_seconds{root="store/hub"}');
    expect(Math.abs(Date.now() / 1000 - (confirmed ?? 0))).toBeLessThan(60);
    expect(await sampleOf('watch_confirmed_timestamp_seconds{root="store/nowhere"}')).toBeUndefined();
    expect(await sampleOf('profiles{state="not-checked",code=""}')).toBe(1);
    expect(await sampleOf('profiles{state="no-provider",code="no-matching-provider"}')).toBe(2);
  });

  it('event-loop delay', async () => {
    await start({ hub: hubContext() });
    await until('a stall shows', async () => {
      await sleep(50);
      const end = Date.now() + 300;
      while (Date.now() < end);
      await sleep(50);
      return ((await sampleOf('event_loop_delay_seconds{quantile="1"}')) ?? 0) > 0.2;
    });
    expect(await sampleOf('event_loop_delay_seconds{quantile="0.5"}')).toBeDefined();
  });
});

describe('[TH-46] who sends requests or writes profiles makes no series', () => {
  const odd = ['canary-%00', '%2e%2e', '..', 'canary"} 1', 'x'.repeat(5000), '__proto__', 'canary\u00e9'];

  it('[TH-32] by path, method, user, token, Host, or name of a cluster or provider, nor is any secret there', async () => {
    const started = await start({ hub: hubContext() }, '--auth=hub');
    const command = join(started.folder, 'plugin-of-the-provider');
    const credential = JSON.stringify({
      apiVersion,
      kind: 'ExecCredential',
      status: { token: 'canary-token' },
    });
    await writeFile(command, `#!/bin/sh\necho canary-stderr >&2\necho '${credential}'\n`);
    (await watchOfHub()).send('ADDED', profileOf('canary-warm', 'unknown'));
    await untilListed(3);

    let sent = 0;
    const attack = async (round: number): Promise<void> => {
      const token = bearer(`canary-good-${round}`);
      const lines = [
        `GET ${pathOf('a')}/canary-${round}?q=canary-${round}`,
        `POST ${pathOf('a')}/apis/canary-${round}/v1/canary${round}/canary-${round}`,
        `PROPFIND ${pathOf('a')}/canary-${round}`,
        `GET ${pathOf('a')}/api/v1/namespaces/n/pods/p/canary${round}?watch=canary-${round}`,
        `GET ${pathOf(`canary-${round}`)}/version`,
        `GET ${pathOf(`canary-secret-${round}`)}/version`,
        `GET /canary-${round}`,
        `DELETE /canary-${round}?cluster=cluster-inventory-canary-${round}`,
        ...odd.map((name) => `GET ${pathOf(`${name}${round}`)}/version`),
        ...odd.map((name) => `GET ${pathOf('a')}/${name}${round}`),
      ];
      // A cluster that is against us answers them.
      const answer = (status: string): string =>
        answerWith('canary', status, `X-Cluster-Inventory-Error: canary-${round}\r\nConnection: close\r\n`);
      const statuses = lines.map((_line, index) => 200 + ((37 * index + 13 * round) % 800));
      // Its 401 would be news about the provider.
      upstream.answers.splice(
        0,
        Infinity,
        ...statuses.map((status) => answer(`${status === 401 ? 400 : status} canary`)),
      );
      for (const line of lines) await ask(line, token, 'Content-Length: 0');
      for (const line of lines.slice(0, 1)) {
        await ask(line, bearer(`canary-bad-${round}`));
        await ask(line, token, `Impersonate-User: canary-${round}`);
        await ask(line, token, `Origin: http://canary-${round}.example`);
        await ask(line, token, 'Connection: Upgrade', `Upgrade: canary-${round}`);
        await exchangeRaw(
          started.port,
          `${line} HTTP/1.1\r\nHost: canary-${round}\r\nConnection: close\r\n\r\n`,
        );
      }
      sent += lines.length + 5;
      (await watchOfHub()).send('ADDED', profileOf(`canary-${round}`, `canary-${round}`));
    };

    await attack(0);
    await untilListed(4);
    const before = [...(await scrape()).keys()];
    for (let round = 1; round <= 8; round++) await attack(round);
    await untilListed(12);
    const response = await fetch(`http://127.0.0.1:${started.adminPort}/metrics?canary`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await response.text();
    const after = parseSamples(text);
    expect([...after.keys()]).toEqual(before);
    expect(text.match(/canary[^ ]*/gi)).toBeNull();
    const counted = [...after].filter(([name]) => name.startsWith('cluster_inventory_requests_total'));
    const requests = counted.reduce((sum, [, value]) => sum + value, 0);
    // What Node's parser refuses is no request.
    expect(requests).toBeGreaterThan(sent / 2);
    expect(requests).toBeLessThanOrEqual(sent);
  });

  it('contexts of a kubeconfig are named up to 100, and the rest is together', async () => {
    const nowhere = { server: 'nonsense', user: {} };
    const contexts = Array.from({ length: 300 }, (_, index) => [`c${index}`, nowhere] as const);
    await start(Object.fromEntries(contexts));
    await until('all have failed', async () => {
      const failing = [...(await scrape())].filter(([name]) =>
        /^cluster_inventory_watches\{.*state="failing"/.test(name),
      );
      return failing.reduce((sum, [, value]) => sum + value, 0) === 300;
    });
    const roots = [...(await scrape()).keys()].filter((name) =>
      name.startsWith('cluster_inventory_watches{'),
    );
    expect(roots).toHaveLength(101 * 4);
    expect(await sampleOf('watches{root="other",state="failing"}')).toBe(200);
  });
});
