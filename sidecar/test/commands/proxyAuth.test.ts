import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildClusterName } from '../../src/clusters/clusterName.ts';
import { checkConfig } from '../../src/commands/checkConfig.ts';
import { readOptionTexts } from '../../src/config/readOptionTexts.ts';
import { asRecord } from '../../src/foundation/unknownValue.ts';
import { buildProfileKey } from '../../src/inventory/profileKey.ts';
import { readRequestBody } from '../../src/proxy/readRequestBody.ts';
import { codedErrorOf } from '../support/codedErrorOf.ts';
import { type FakeHub, profileObject, sendJson, startFakeHub } from '../support/fakeHub.ts';
import { answerWith, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt } from '../support/startProxy.ts';
import { startSidecar, type TestSidecar } from '../support/startSidecar.ts';
import { until } from '../support/until.ts';

const secret = 'a-secret-of-the-proxy';

let folder = '';
let hub: FakeHub;
let sidecar: TestSidecar | undefined;
/** What the dashboard was sent. */
let toDashboard: IncomingHttpHeaders[] = [];
/** What the hub was asked in reviews, by the last part of their path. */
let reviews: [string, Record<string, unknown>][] = [];

const dashboard = createServer((request, response) => {
  toDashboard.push(request.headers);
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({ clusters: [{ name: 'main', auth_type: 'oidc' }] }));
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'proxy-auth-'));
  await writeFile(join(folder, 'secret'), `${secret}\n`);
  toDashboard = [];
  reviews = [];
  await new Promise<void>((resolve) => dashboard.listen(0, '127.0.0.1', resolve));
  hub = await startFakeHub();
  hub.items = [profileObject('a'), profileObject('b')];
  hub.intercept = (request, response, url) => {
    const kind = url.pathname.split('/').at(-1) ?? '';
    if (request.method !== 'POST') return false;
    void readRequestBody(request, 1_000_000).then((body) => {
      const spec = asRecord(asRecord(JSON.parse(body.toString()))['spec']);
      reviews.push([kind, spec]);
      const { name } = asRecord(spec['resourceAttributes']);
      sendJson(response, 201, {
        status:
          kind === 'tokenreviews'
            ? { authenticated: spec['token'] === 'ana-secret', user: { username: 'ana' } }
            : { allowed: name === 'a' },
      });
    });
    return true;
  };
});

afterEach(async () => {
  await sidecar?.close();
  sidecar = undefined;
  await hub.close();
  dashboard.closeAllConnections();
  await new Promise((resolve) => dashboard.close(resolve));
  await rm(folder, { recursive: true });
});

async function start(...more: readonly string[]): Promise<void> {
  const { port } = dashboard.address() as AddressInfo;
  sidecar = await startSidecar(
    { hub: { server: hub.root.server, user: { token: 'of-the-sidecar' } } },
    `--dashboard-url=http://127.0.0.1:${port}`,
    ...more,
  );
}

const startForHeaders = (): Promise<void> =>
  start(
    '--auth=trusted-headers',
    '--trusted-proxies=127.0.0.1',
    `--proxy-auth-secret-file=${join(folder, 'secret')}`,
    '--proxy-auth-group-header=X-Forwarded-Groups',
  );

async function ask(path: string, headers: Readonly<Record<string, string>>): Promise<[number, unknown]> {
  const response = await fetch(`http://127.0.0.1:${sidecar?.port ?? 0}${path}`, { headers });
  return [response.status, JSON.parse(await response.text())];
}

const namesOf = (answer: unknown): unknown[] =>
  (asRecord(answer)['clusters'] as unknown[]).map((each) => {
    const { profileName, name, auth_type: authType } = asRecord(each);
    return profileName ?? (name === 'main' ? 'main' : `discovered ${String(authType)}`);
  });

const ana = (shown = secret) => ({
  'x-forwarded-user': 'ana',
  'x-forwarded-groups': 'dev,ops',
  'x-proxy-secret': shown,
});

describe('--auth=trusted-headers', () => {
  it('[ID-02, ID-10] shows each user what they may see, which the hub is asked without a token of theirs', async () => {
    await startForHeaders();
    const list = '/cluster-inventory/v1/clusters';
    await until('the profile is seen', async () => namesOf((await ask(list, ana()))[1]).length === 1);
    expect(namesOf((await ask(list, ana()))[1])).toEqual(['a']);
    expect((await ask(list, {}))[0]).toBe(401);
    expect(namesOf((await ask('/config', ana()))[1])).toEqual(['main', 'discovered ']);
    expect(namesOf((await ask('/config', {}))[1])).toEqual(['main']);
    expect(new Set(reviews.map(([kind]) => kind))).toEqual(new Set(['subjectaccessreviews']));
    expect(reviews.map(([, { user, groups }]) => [user, groups])).toContainEqual([
      'ana',
      ['dev', 'ops', 'system:authenticated'],
    ]);
    expect(new Set(hub.requests.map(({ authorization }) => authorization))).toEqual(
      new Set(['Bearer of-the-sidecar']),
    );
  });

  it('[ID-02] the dashboard does not learn the secret, and sets no session of the sidecar', async () => {
    await startForHeaders();
    for (const path of ['/config', '/', '/clusters/main/version']) await ask(path, ana());
    expect(toDashboard).toHaveLength(3);
    expect(toDashboard.map((headers) => headers['x-forwarded-user'])).toEqual(['ana', 'ana', 'ana']);
    expect(JSON.stringify(toDashboard)).not.toContain(secret);
  });

  it('[PX-12, ID-02] no app of a cluster learns the secret, or what the proxy says', async () => {
    const upstream = await startRecordingUpstream();
    const accessProviders = [{ name: 'p', cluster: clusterAt(upstream) }];
    hub.items = [profileObject('a', {}, { status: { accessProviders } })];
    upstream.answers.push(answerWith('"ok"'));
    await startForHeaders();
    await until('the hub is watched', () => hub.watches.length === 1);
    const cluster = buildClusterName(buildProfileKey('store/hub', 'default', 'a'));
    const app = `/clusters/${cluster}/api/v1/namespaces/n/services/s/proxy/`;
    const answer = await ask(app, { ...ana(), 'x-of-the-app': 'passes' });
    const [head] = upstream.heads;
    await upstream.close();
    expect(answer).toEqual([200, 'ok']);
    expect(head).toContain('x-of-the-app: passes');
    expect(head).not.toMatch(/x-proxy-secret|x-forwarded|a-secret/i);
  });

  it('[ID-02] another secret counts as soon as its file says so, and one that is none never', async () => {
    await startForHeaders();
    const other = 'another-secret-of-it';
    const statusOf = async (shown: string): Promise<number> =>
      (await ask('/cluster-inventory/v1/clusters', ana(shown)))[0];
    expect([await statusOf(secret), await statusOf(other)]).toEqual([200, 401]);
    await writeFile(join(folder, 'secret'), other);
    await until('the new one counts', async () => (await statusOf(other)) === 200);
    expect(await statusOf(secret)).toBe(401);
    await writeFile(join(folder, 'secret'), '');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect([await statusOf(other), await statusOf('')]).toEqual([200, 401]);
  });

  it.each([
    ['', 'holds less than 16 characters'],
    ['short\n', 'holds less than 16 characters'],
    ['two words of a secret', 'holds more than one line of plain characters without spaces'],
    ['a-secret-of-the-proxy\nanother-secret-of-it\n', 'holds more than one line'],
    [undefined, 'does not exist'],
  ])('[ID-02, OP-14] the secret %j stops the start, and --check-config says why', async (text, why) => {
    await rm(join(folder, 'secret'));
    if (text !== undefined) await writeFile(join(folder, 'secret'), text);
    const error = await codedErrorOf(startForHeaders);
    expect([error.code, error.message]).toEqual(['options-invalid', expect.stringContaining(why)]);
    const line = readOptionTexts(
      [
        '--check-config',
        '--auth=trusted-headers',
        '--trusted-proxies=127.0.0.1',
        `--proxy-auth-secret-file=${join(folder, 'secret')}`,
      ],
      {},
    );
    if (line.kind !== 'check-config') throw new Error('not to be checked');
    const lines: string[] = [];
    await writeFile(
      join(folder, 'providers'),
      '{"providers":[{"name":"p","execConfig":{"apiVersion":"client.authentication.k8s.io/v1","command":"p"}}]}',
    );
    const code = await checkConfig(
      {
        ...line.texts,
        'cluster-inventory-provider-file': { text: join(folder, 'providers'), from: 'here' },
      },
      { environment: {}, write: (each) => lines.push(each) },
    );
    expect([code, lines.join('')]).toEqual([2, expect.stringContaining(why)]);
    expect(lines.join('') + error.message).not.toContain(secret);
  });
});

describe('--auth=hub', () => {
  it('[ID-01, OP-25] reads the proxy’s token under its name, from the proxy alone', async () => {
    const list = '/cluster-inventory/v1/clusters';
    for (const [proxies, name, status] of [
      ['127.0.0.1', 'x-who', 200],
      ['10.0.0.1', 'x-who', 401],
      ['127.0.0.1', 'x-forwarded-id-token', 401],
    ] as const) {
      await start('--auth=hub', `--trusted-proxies=${proxies}`, '--proxy-auth-token-header=X-Who');
      expect((await ask(list, { [name]: 'ana-secret' }))[0]).toBe(status);
      // What is no token is no user.
      expect((await ask(list, ana()))[0]).toBe(401);
      await sidecar?.close();
      sidecar = undefined;
    }
  });
});
