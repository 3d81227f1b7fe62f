import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ClustersResponse } from '../../sidecar/src/api/clusterTypes.ts';
import { type Demo, startDemo } from '../demo/startDemo.ts';
import { createCertificateAuthority } from '../parts/certificates.ts';
import { type SidecarProcess, startSidecar } from '../parts/sidecar.ts';
import { until } from '../parts/until.ts';
import { buildPod, nodeName } from '../parts/kwok.ts';
import { providerUser, type Spoke } from '../parts/spoke.ts';
import { allowImpersonation, createServiceAccountToken, grantOnHub, grantOnSpoke } from '../parts/users.ts';

let demo: Demo;
let folder: string;
/** Generated names by display name. */
let names: Readonly<Record<string, string>>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'users-'));
  demo = await startDemo({ port: undefined, clusters: 3, auth: 'hub', folder: join(folder, 'demo') });
  names = Object.fromEntries((await listAs('ana')).map(({ displayName, name }) => [displayName, name]));
  return async () => {
    await demo.stop();
    rmSync(folder, { recursive: true, force: true });
  };
});

const tokenOf = (user: string): string => {
  const token = demo.tokens[user];
  if (token === undefined) throw new Error(`no user ${user}`);
  return token;
};

type SentHeaders = Readonly<Record<string, string>>;

const as = (user: string): SentHeaders => ({ authorization: `Bearer ${tokenOf(user)}` });

interface Sent {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: SentHeaders;
}

function ask(path: string, headers: SentHeaders, init: Sent = {}): Promise<Response> {
  return fetch(new URL(path, demo.url), { ...init, headers: { ...headers, ...init.headers } });
}

async function listAs(user: string): Promise<ClustersResponse['clusters']> {
  return ((await (await ask('/cluster-inventory/v1/clusters', as(user))).json()) as ClustersResponse)
    .clusters;
}

const prefixOf = (displayName: string): string => `/clusters/${names[displayName] ?? 'missing'}`;
const eu = (path: string): string => `${prefixOf('payments-prod-eu-1')}${path}`;
const us = (path: string): string => `${prefixOf('payments-prod-us-1')}${path}`;

function post(path: string, headers: SentHeaders, body: unknown): Promise<Response> {
  return ask(path, headers, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

interface SelfSubjectReview {
  readonly status: { readonly userInfo: { readonly username: string; readonly groups: readonly string[] } };
}

/** Who a cluster takes somebody for. */
async function whoAmI(
  path: (path: string) => string,
  headers: SentHeaders,
): Promise<{ name: string; groups: readonly string[] }> {
  const answer = await post(path('/apis/authentication.k8s.io/v1/selfsubjectreviews'), headers, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'SelfSubjectReview',
  });
  expect([answer.status, answer.headers.get('x-cluster-inventory-error')]).toEqual([201, null]);
  const { userInfo } = ((await answer.json()) as SelfSubjectReview).status;
  return { name: userInfo.username, groups: userInfo.groups };
}

async function mayI(
  headers: SentHeaders,
  verb: string,
  resource: string,
  subresource = '',
): Promise<boolean> {
  const answer = await post(eu('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'), headers, {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { verb, resource, subresource, namespace: 'default' } },
  });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { readonly status: { readonly allowed: boolean } }).status.allowed;
}

describe('who', () => {
  it.each<[string, SentHeaders]>([
    ['no token', {}],
    ['an empty one', { authorization: 'Bearer ' }],
    ['one that the hub does not know', { authorization: 'Bearer made-up' }],
    ['another scheme', { authorization: 'Basic YW5hOmFuYQ==' }],
    ['a proxy’s word', { 'x-remote-user': 'ana', 'x-forwarded-user': 'ana', x_forwarded_user: 'ana' }],
  ])('[ID-01, TH-03, TH-04] with %s nothing answers', async (_title, headers) => {
    for (const path of [
      eu('/api/v1/pods'),
      eu('/version'),
      '/clusters/cluster-inventory-none/version',
      '/cluster-inventory/v1/clusters',
    ]) {
      const answer = await ask(path, headers);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBeNull();
    }
    const config = await ask('/config', headers);
    expect(config.status).toBe(200);
    const { clusters } = (await config.json()) as { clusters: readonly { name: string }[] };
    expect(clusters.map(({ name }) => name)).toEqual(['main']);
  });

  it('[ID-01] tokens of two users in one request are refused', async () => {
    const answer = await ask(eu('/version'), {
      ...as('ana'),
      cookie: `cluster-inventory-session.0=${tokenOf('ben')}`,
    });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('x-cluster-inventory-error')).toBe('users-differ');
  });

  it('[TH-07] two users one after the other on one connection are each themselves', async () => {
    for (const user of ['ana', 'ben', 'ana', 'ben']) expect((await whoAmI(eu, as(user))).name).toBe(user);
  });

  it('[TH-06] a token for another audience is refused', async () => {
    const foreign = await createServiceAccountToken(demo.fleet.hub, {
      namespace: 'default',
      name: 'robot',
      audiences: ['https://elsewhere.example'],
    });
    expect((await ask(eu('/version'), { authorization: `Bearer ${foreign}` })).status).toBe(401);
  });
});

describe('what', () => {
  it.each([
    ['ana', ['batch-gpu', 'payments-prod-eu-1', 'payments-prod-us-1']],
    ['ben', ['payments-prod-eu-1', 'payments-prod-us-1']],
    ['eve', ['batch-gpu', 'payments-prod-eu-1', 'payments-prod-us-1']],
    ['nobody', []],
  ])('[ID-10] %s sees %j, in the list and in /config', async (user, expected) => {
    expect((await listAs(user)).map(({ displayName }) => displayName).sort()).toEqual(expected);
    const { clusters } = (await (await ask('/config', as(user))).json()) as {
      clusters: readonly { name: string }[];
    };
    expect(clusters.map(({ name }) => name)).toEqual([
      'main',
      ...expected.map((displayName) => names[displayName]),
    ]);
  });

  it('[ID-11] a viewer reads and changes nothing', async () => {
    expect((await ask(eu('/api/v1/pods'), as('ben'))).status).toBe(200);
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await ask(eu('/api/v1/namespaces/default/pods/hello'), as('ben'), { method });
      expect(answer.status).toBe(403);
      expect(answer.headers.get('x-cluster-inventory-error')).toBe('access-denied');
    }
    expect((await ask(eu('/api/v1/namespaces/default/pods/hello'), as('ana'))).status).toBe(200);
  });

  it('[ID-12] a viewer opens no terminal, by whatever method or protocol', async () => {
    const exec = eu('/api/v1/namespaces/default/pods/hello/exec?command=id&stdout=true');
    for (const method of ['GET', 'POST']) expect((await ask(exec, as('ben'), { method })).status).toBe(403);
    for (const proxy of [
      'nodes/node-1/proxy/exec',
      'namespaces/default/pods/hello/proxy/',
      'namespaces/default/services/x/proxy/',
    ])
      expect((await ask(eu(`/api/v1/${proxy}`), as('ben'))).status).toBe(403);
  });

  it('[ID-15] what may not be seen answers as what is not there', async () => {
    const unseen = await ask(`${prefixOf('batch-gpu')}/version`, as('ben'));
    const missing = await ask('/clusters/cluster-inventory-missing/version', as('ben'));
    expect([unseen.status, await unseen.text()]).toEqual([404, await missing.text()]);
    expect(missing.status).toBe(404);
  });

  it('who sees a cluster and may not open it is told what is missing', async () => {
    const answer = await ask(eu('/version'), as('eve'));
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain('clusterprofiles/proxy of default/payments-prod-eu-1');
  });

  it('[ID-16] asking about oneself needs only get', async () => {
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectRulesReview',
      spec: { namespace: 'default' },
    };
    const path = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
    expect((await post(eu(path), as('ben'), review)).status).toBe(201);
    expect((await post(eu(`${path}/`), as('ben'), review)).status).toBe(403);
    // Who may do nothing is told so, and not refused: Headlamp would ask for a token.
    const nothing = await post(eu(path), as('eve'), review);
    expect(nothing.status).toBe(201);
    expect(await nothing.json()).toMatchObject({ status: { resourceRules: [], nonResourceRules: [] } });
    expect((await post(`${prefixOf('batch-gpu')}${path}`, as('ben'), review)).status).toBe(404);
  });

  it('[ID-17] the answer about oneself says no wherever the hub would refuse', async () => {
    expect(await mayI(as('ben'), 'list', 'pods')).toBe(true);
    expect(await mayI(as('ben'), 'list', 'secrets')).toBe(false);
    expect(await mayI(as('ana'), 'delete', 'pods')).toBe(true);
    const [spoke] = demo.fleet.spokes;
    if (!spoke) throw new Error('no spoke');
    const grant = await grantOnSpoke(spoke, { user: 'ben', clusterRole: 'cluster-admin' });
    // The cluster would let him now; the hub does not.
    for (const [verb, subresource] of [
      ['delete', ''],
      ['create', ''],
      ['patch', ''],
      ['create', 'exec'],
      ['get', 'exec'],
      ['*', ''],
    ] as const)
      expect(await mayI(as('ben'), verb, 'pods', subresource)).toBe(false);
    expect(await mayI(as('ben'), 'list', 'secrets')).toBe(true);
    await grant.revoke();
  });

  it('[ID-13] a right that is withdrawn is gone within 10 s', async () => {
    const grant = await grantOnHub(demo.fleet.hub, {
      user: 'nobody',
      role: 'viewer',
      names: ['payments-prod-eu-1'],
    });
    await until(async () => (await ask(eu('/version'), as('nobody'))).status !== 404, {
      timeoutMs: 12_000,
      message: 'the right holds',
    });
    await grant.revoke();
    await until(async () => (await ask(eu('/version'), as('nobody'))).status === 404, {
      timeoutMs: 12_000,
      message: 'the right is gone',
    });
  });
});

describe('as whom', () => {
  it('[ID-20, ID-22] everyone is themselves, by whichever credential, with no group of the hub’s system', async () => {
    for (const path of [eu, us]) {
      const { name, groups } = await whoAmI(path, as('ana'));
      expect(name).toBe('ana');
      expect(groups).toEqual(['system:authenticated']);
    }
  });

  it('[ID-20] what the cluster does not let the user do is refused there', async () => {
    const answer = await ask(eu('/api/v1/secrets'), as('ben'));
    expect(answer.status).toBe(403);
    expect(answer.headers.get('x-cluster-inventory-error')).toBeNull();
    expect(await answer.text()).toContain('User \\"ben\\" cannot list resource');
  });

  it('[ID-22] a ServiceAccount of the hub is none of the cluster', async () => {
    const token = await createServiceAccountToken(demo.fleet.hub, { namespace: 'default', name: 'robot' });
    await grantOnHub(demo.fleet.hub, { user: 'system:serviceaccount:default:robot', role: 'operator' });
    const { name, groups } = await whoAmI(eu, { authorization: `Bearer ${token}` });
    expect(name).toBe('hub:system:serviceaccount:default:robot');
    expect(groups).toEqual(['system:authenticated']);
  });

  it('[ID-22] a user of the hub’s system goes to no cluster', async () => {
    const user = 'system:odd';
    const grant = await grantOnHub(demo.fleet.hub, { user, role: 'operator' });
    const answer = await ask(eu('/version'), { ...as('ana'), 'impersonate-user': user });
    expect([answer.status, answer.headers.get('x-cluster-inventory-error')]).toEqual([
      403,
      'identity-refused',
    ]);
    await grant.revoke();
  });

  it('[ID-22] who is in system:masters of the hub is in no such group of a cluster', async () => {
    const admin = { authorization: `Bearer ${demo.fleet.hub.tokens['admin'] ?? ''}` };
    expect(await whoAmI(eu, admin)).toEqual({ name: 'admin', groups: ['system:authenticated'] });
  });

  it('[PX-13, ID-24, TH-01] acting as another needs the hub’s word, and never makes one of its system', async () => {
    const impersonate = (headers: SentHeaders): Promise<Response> =>
      ask(eu('/version'), { ...as('ben'), ...headers });
    expect((await impersonate({ 'impersonate-user': 'ana' })).status).toBe(403);
    expect((await impersonate({ 'impersonate-group': 'x' })).status).toBe(400);
    expect((await impersonate({ 'impersonate-user': 'ana', 'impersonate-something': 'x' })).status).toBe(400);
    const asAna = { ...as('ana'), 'impersonate-user': 'ben' };
    expect((await whoAmI(eu, asAna)).name).toBe('ben');
    // As ben she may what ben may.
    expect((await ask(eu('/api/v1/namespaces/default/pods/hello'), asAna, { method: 'DELETE' })).status).toBe(
      403,
    );
    const asMaster = { ...asAna, 'impersonate-group': 'system:masters' };
    expect((await ask(eu('/version'), asMaster)).status).toBe(403);
  });
});

describe('[ID-25] a cluster that lets the provider impersonate nobody', () => {
  const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';

  it('is diagnosed as such, and works when it does', async () => {
    const [, spoke] = demo.fleet.spokes;
    if (!spoke) throw new Error('no second spoke');
    expect((await ask(us('/api/v1/pods'), as('ana'))).status).toBe(200);
    for (const { metadata } of await spoke.client.list(bindings))
      if (metadata.name.startsWith('cluster-inventory-impersonator'))
        await spoke.client.delete(`${bindings}/${metadata.name}`);
    await until(async () => (await ask(us('/api/v1/pods'), as('ana'))).status === 502, {
      timeoutMs: 10_000,
      message: 'the cluster refuses',
    });
    const answer = await ask(us('/api/v1/pods'), as('ana'));
    expect(answer.headers.get('x-cluster-inventory-error')).toBe('provider-may-not-impersonate');
    expect(await answer.text()).toContain('kubeconfig-secretreader');
    const listed = (await listAs('ana')).find(({ displayName }) => displayName === 'payments-prod-us-1');
    expect(listed?.access).toMatchObject({ state: 'impersonation-refused', stage: 'permission' });
    await allowImpersonation(spoke, providerUser);
    await until(async () => (await ask(us('/api/v1/pods'), as('ana'))).status === 200, {
      timeoutMs: 40_000,
      message: 'the cluster serves again',
    });
  }, 70_000);

  it('is told from a refusal of the user', async () => {
    const answer = await ask(us('/api/v1/secrets'), as('ben'));
    expect([answer.status, answer.headers.get('x-cluster-inventory-error')]).toEqual([403, null]);
  });
});

describe('a session', () => {
  const signIn = (token: string): Promise<Response> =>
    post(eu('/set-token'), { origin: new URL(demo.url).origin }, { token });
  const cookiesOf = (answer: Response): readonly string[] => answer.headers.getSetCookie();
  const cookieHeader = (answer: Response): string =>
    cookiesOf(answer)
      .map((line) => line.split(';', 1)[0] ?? '')
      .join('; ');

  it('[ID-04, ID-05] of the hub serves the whole fleet, by a cookie of the sidecar’s own', async () => {
    const answer = await signIn(tokenOf('ana'));
    expect(answer.status).toBe(200);
    const own = cookiesOf(answer).filter((line) => line.startsWith('cluster-inventory-session.'));
    expect(own).toHaveLength(1);
    expect(own[0]).toMatch(/; Path=\/; Max-Age=86400; HttpOnly; SameSite=Strict$/);
    expect(cookiesOf(answer).filter((line) => line.startsWith('headlamp-auth-main.'))).toHaveLength(1);
    const cookie = cookieHeader(answer);
    expect((await ask(eu('/api/v1/pods'), { cookie })).status).toBe(200);
    expect((await ask(us('/api/v1/pods'), { cookie })).status).toBe(200);
    const me = await ask(eu('/me'), { cookie });
    expect(await me.json()).toMatchObject({ username: 'ana' });
  });

  it('[ID-05] is not begun with a token that the hub refuses', async () => {
    const answer = await signIn('made-up');
    expect(answer.status).toBe(401);
    expect(cookiesOf(answer)).toEqual([]);
  });

  it('[ID-04, ID-05] ends everywhere with an empty token', async () => {
    const cookie = cookieHeader(await signIn(tokenOf('ana')));
    const answer = await post(eu('/set-token'), { cookie, origin: new URL(demo.url).origin }, { token: '' });
    expect(answer.status).toBe(200);
    expect(cookiesOf(answer).every((line) => line.includes('Max-Age=0'))).toBe(true);
    expect(cookiesOf(answer).map((line) => line.split('.', 1)[0])).toEqual(
      expect.arrayContaining(['cluster-inventory-session', 'headlamp-auth-main']),
    );
  });

  it('[ID-04] begins with a sign-in at the dashboard’s own cluster too', async () => {
    const answer = await post(
      '/clusters/main/set-token',
      { origin: new URL(demo.url).origin },
      { token: tokenOf('ben') },
    );
    expect(cookiesOf(answer).map((line) => line.split('.', 1)[0])).toEqual(
      expect.arrayContaining(['cluster-inventory-session', 'headlamp-auth-main']),
    );
    expect((await ask(eu('/api/v1/pods'), { cookie: cookieHeader(answer) })).status).toBe(200);
  });

  it('[ID-09] serves a program that says no Origin for reading alone', async () => {
    const cookie = `cluster-inventory-session.0=${tokenOf('ana')}`;
    expect((await ask(eu('/api/v1/pods'), { cookie })).status).toBe(200);
    const write = await ask(
      eu('/api/v1/namespaces/default/configmaps'),
      { cookie },
      { method: 'POST', body: '{}' },
    );
    expect([write.status, write.headers.get('x-cluster-inventory-error')]).toEqual([403, 'origin-refused']);
  });

  it('goes with other cookies, and reaches the dashboard’s own cluster as nobody', async () => {
    const cookie = `cluster-inventory-session.0=${tokenOf('ana')}; other=1`;
    const answer = await ask('/clusters/main/version', { cookie });
    // The dashboard's own cluster knows nothing of the sidecar's cookie: nobody is signed in there.
    expect(answer.status).not.toBe(500);
    expect((await whoAmI(eu, { cookie, origin: new URL(demo.url).origin })).name).toBe('ana');
  });
});

describe('kubectl as a user', () => {
  let secure: SidecarProcess;
  let certificateFile: string;

  beforeAll(async () => {
    const { hubKubeconfigFile, providerFile, logFolder } = demo.fleet;
    const authority = await createCertificateAuthority('sidecar CA');
    const pair = await authority.issueServer({ dns: ['localhost'], ips: ['127.0.0.1'] });
    certificateFile = join(folder, 'sidecar-ca.crt');
    writeFileSync(certificateFile, authority.certificate);
    writeFileSync(join(folder, 'tls.crt'), pair.certificate);
    writeFileSync(join(folder, 'tls.key'), pair.key);
    secure = await startSidecar({
      name: 'sidecar-tls',
      providerFile,
      kubeconfigFile: hubKubeconfigFile,
      // Any that answers: nothing here asks for a page.
      dashboardUrl: new URL(demo.url).origin,
      logFolder,
      extraArgs: [
        '--auth=hub',
        `--dashboard-host=${new URL(demo.url).host}`,
        `--tls-cert-path=${join(folder, 'tls.crt')}`,
        `--tls-key-path=${join(folder, 'tls.key')}`,
      ],
    });
    return () => secure.stop();
  });

  function kubectl(user: string, args: readonly string[]): Promise<{ code: number | null; text: string }> {
    const server = new URL(eu(''), `https://127.0.0.1:${secure.port}`).href;
    return new Promise((resolve, reject) => {
      const child = spawn(
        demo.fleet.binaries.programs.kubectl.path,
        [
          `--server=${server}`,
          `--certificate-authority=${certificateFile}`,
          `--token=${tokenOf(user)}`,
          `--cache-dir=${join(folder, 'cache', user)}`,
          ...args,
        ],
        { env: { HOME: folder, PATH: process.env['PATH'] ?? '' }, stdio: ['ignore', 'pipe', 'pipe'] },
      );
      let text = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      child.once('error', reject);
      child.once('close', (code) => {
        resolve({ code, text });
      });
    });
  }

  it('[ID-11, OP-25] reads as a viewer, over https', async () => {
    const pods = await kubectl('ben', ['get', 'pods', '-A']);
    expect(pods).toMatchObject({ code: 0 });
    expect(pods.text).toContain('hello');
    expect(await kubectl('ben', ['logs', '-n', 'shop', 'cart', '--tail=1'])).toMatchObject({ code: 0 });
  });

  it('[ID-11, ID-12] changes nothing and opens no terminal as a viewer', async () => {
    for (const args of [
      ['delete', 'pod', 'hello'],
      ['exec', 'hello', '--', 'id'],
      ['label', 'pod', 'hello', 'a=b'],
    ]) {
      const refused = await kubectl('ben', args);
      expect(refused.code).toBe(1);
      expect(refused.text).toContain('clusterprofiles/proxy');
    }
  });

  it('[ID-20] opens a terminal as an operator, over WebSocket', async () => {
    expect(await kubectl('ana', ['exec', 'hello', '--', 'echo', 'from inside'])).toEqual({
      code: 0,
      text: 'from inside\n',
    });
  });

  it('[ID-24] acts as another where the hub lets the user', async () => {
    expect(await kubectl('ana', ['--as=ben', 'get', 'pods'])).toMatchObject({ code: 0 });
    expect((await kubectl('ana', ['--as=ben', 'delete', 'pod', 'hello'])).code).toBe(1);
    expect((await kubectl('ben', ['--as=ana', 'get', 'pods'])).text).toContain('does not let you act as');
  });

  it('[ID-17] auth can-i answers what would be', async () => {
    expect((await kubectl('ana', ['auth', 'can-i', 'delete', 'pods'])).text).toBe('yes\n');
    // Not the cluster's no: kubectl asks in protobuf.
    expect((await kubectl('ben', ['auth', 'can-i', 'delete', 'pods'])).text).toContain(
      'The hub does not let you',
    );
    expect((await kubectl('ben', ['auth', 'can-i', 'list', 'pods'])).text).toBe('yes\n');
  });

  it('[ID-10] nobody is told of nothing', async () => {
    const refused = await kubectl('nobody', ['get', 'pods']);
    expect(refused.code).toBe(1);
    expect(refused.text).not.toContain('payments-prod-eu-1 ');
  });
});

describe('a node', () => {
  const spokeOfUs = (): Spoke => {
    const [, spoke] = demo.fleet.spokes;
    if (!spoke) throw new Error('no second spoke');
    return spoke;
  };
  const drain = (headers: SentHeaders): Promise<Response> =>
    post('/drain-node', headers, { cluster: names['payments-prod-us-1'], nodeName });
  const askState = (headers: SentHeaders): Promise<Response> =>
    ask(`/drain-node-status?cluster=${names['payments-prod-us-1'] ?? ''}&nodeName=${nodeName}`, headers);
  const stateIs = (id: string): Promise<unknown> =>
    until(async () => ((await (await askState(as('ana'))).json()) as { readonly id: string }).id === id, {
      timeoutMs: 30_000,
      message: `the drain is ${id}`,
    });
  const readNode = async (): Promise<string> =>
    JSON.stringify(await spokeOfUs().client.get(`/api/v1/nodes/${nodeName}`));
  const isCordoned = async (): Promise<boolean> => (await readNode()).includes('"unschedulable":true');
  const podNames = async (): Promise<string[]> =>
    (await spokeOfUs().client.list('/api/v1/pods')).map(({ metadata }) => metadata.name).sort();

  it('[PX-45] is not drained by who may only read, nor is its state told against the cluster’s word', async () => {
    for (const [user, status, code] of [
      ['ben', 403, 'access-denied'],
      ['eve', 403, 'access-denied'],
      ['nobody', 404, 'cluster-unknown'],
    ] as const) {
      const answer = await drain(as(user));
      expect([answer.status, answer.headers.get('x-cluster-inventory-error')]).toEqual([status, code]);
    }
    const state = await askState(as('ben'));
    expect([state.status, state.headers.get('x-cluster-inventory-error')]).toEqual([403, null]);
    expect(await state.text()).toContain('User \\"ben\\" cannot get resource');
    expect(await isCordoned()).toBe(false);
    expect(await podNames()).toEqual(['cart', 'frontend', 'hello']);
  });

  it('[PX-45] is drained by who may, as far as a PodDisruptionBudget lets it and then whole', async () => {
    const { client } = spokeOfUs();
    const budgets = '/apis/policy/v1/namespaces/shop/poddisruptionbudgets';
    // Nobody counts what is healthy here, so that the API server lets nothing of it be evicted.
    await client.create(budgets, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'cart', namespace: 'shop' },
      spec: { maxUnavailable: 0, selector: { matchLabels: { app: 'cart' } } },
    });
    await client.create('/api/v1/namespaces/default/pods', {
      ...buildPod({ namespace: 'default', name: 'agent', container: 'agent', image: 'agent:1.0' }),
      metadata: {
        name: 'agent',
        namespace: 'default',
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent', uid: 'x', controller: true },
        ],
      },
    });
    const answer = await drain(as('ana'));
    expect([answer.status, await answer.json()]).toMatchObject([
      200,
      { cluster: names['payments-prod-us-1'] },
    ]);
    expect(await isCordoned()).toBe(true);
    await stateIs('draining: 1 Pod left');
    expect(await podNames()).toEqual(['agent', 'cart']);
    await client.delete(`${budgets}/cart`);
    await stateIs('success');
    expect(await podNames()).toEqual(['agent']);
    await until(async () => !(await readNode()).includes('"cluster-inventory.headlamp.dev/drain-until"'), {
      timeoutMs: 10_000,
      message: 'nothing of the drain stays on the node',
    });
  }, 90_000);

  it('[PX-45] serviceproxy leads to the Service, for who may create', async () => {
    await spokeOfUs().client.create('/api/v1/namespaces/shop/services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'catalog', namespace: 'shop' },
      spec: { ports: [{ name: 'http', port: 8080 }] },
    });
    await spokeOfUs().client.create('/api/v1/namespaces/shop/endpoints', {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { name: 'catalog', namespace: 'shop' },
      subsets: [],
    });
    const path = us('/serviceproxy/shop/catalog?request=%2Findex.yaml');
    const refused = await ask(path, as('ben'));
    expect([refused.status, refused.headers.get('x-cluster-inventory-error')]).toEqual([
      403,
      'access-denied',
    ]);
    // Nothing stands behind it; the API server has found the way to it.
    const answer = await ask(path, as('ana'));
    expect([await answer.text(), answer.headers.get('x-cluster-inventory-error')]).toEqual([
      expect.stringContaining('no endpoints available for service'),
      null,
    ]);
    expect((await ask(us('/serviceproxy/shop/missing?request=/'), as('ana'))).status).toBe(404);
  });
});
