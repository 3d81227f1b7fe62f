import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { startFleet, type Fleet } from '../parts/fleet.ts';
import type { KubeClient } from '../parts/kubeClient.ts';
import { applyManifest, readManifest } from '../parts/manifests.ts';
import { startOidcIssuer, type OidcIssuer } from '../parts/oidcIssuer.ts';
import { reviewAccess, reviewToken } from '../parts/reviews.ts';
import { providersGroup, providerUser, type Spoke } from '../parts/spoke.ts';
import { until } from '../parts/until.ts';
import {
  allowImpersonation,
  createServiceAccountToken,
  grantOnHub,
  grantOnSpoke,
  rbacFolder,
} from '../parts/users.ts';

let issuer: OidcIssuer;
let fleet: Fleet;
let spoke: Spoke;

beforeAll(async () => {
  issuer = await startOidcIssuer();
  fleet = await startFleet({
    spokes: 1,
    pods: false,
    users: [
      { name: 'alice', groups: ['payments', 'on-call'] },
      { name: 'bob' },
      { name: 'narrowed' },
      { name: 'constrained' },
    ],
    impersonation: true,
    oidc: { issuer },
  });
  const [first] = fleet.spokes;
  if (!first) throw new Error('no spoke');
  spoke = first;
  return async () => {
    await fleet.stop();
    await issuer.stop();
  };
});

type Verb = 'get' | 'list' | 'create' | 'update' | 'patch' | 'delete';

/** Whether somebody may do something with a ClusterProfile of the hub, or with its traffic. */
async function may(
  user: string,
  verb: Verb,
  { proxy = false, namespace = 'default', name }: { proxy?: boolean; namespace?: string; name?: string } = {},
): Promise<boolean> {
  const { allowed } = await reviewAccess(
    fleet.hub,
    { user },
    {
      verb,
      group: 'multicluster.x-k8s.io',
      resource: 'clusterprofiles',
      namespace,
      ...(proxy ? { subresource: 'proxy' } : {}),
      ...(name === undefined ? {} : { name }),
    },
  );
  return allowed;
}

async function bindOnHub(clusterRole: string, user: string): Promise<void> {
  const apiGroup = 'rbac.authorization.k8s.io';
  await fleet.hub.client.create(`/apis/${apiGroup}/v1/clusterrolebindings`, {
    metadata: { name: `${clusterRole}-${user}` },
    roleRef: { apiGroup, kind: 'ClusterRole', name: clusterRole },
    subjects: [{ apiGroup, kind: 'User', name: user }],
  });
}

describe('the manifests', () => {
  it.each(readdirSync(rbacFolder))('%s is taken as it is written', async (file) => {
    const path = join(rbacFolder, file);
    const applied = await applyManifest(fleet.hub.client, path);
    expect(applied.map(({ kind, metadata, rules }) => ({ kind, name: metadata.name, rules }))).toEqual(
      readManifest(path).map(({ kind, metadata, rules }) => ({ kind, name: metadata.name, rules })),
    );
  });

  it('spoke-impersonator.yaml narrows with what is commented out', async () => {
    const text = readFileSync(join(rbacFolder, 'spoke-impersonator.yaml'), 'utf8');
    const file = join(fleet.folder, 'narrowed.yaml');
    const uncommented = text
      .replace(/^( *)# (- apiGroups|(?: {2})?(?:resources|verbs|resourceNames):)/gm, '$1$2')
      .replace('name: cluster-inventory-impersonator', 'name: narrowed');
    writeFileSync(file, uncommented);
    const [role] = await applyManifest(fleet.hub.client, file);
    expect(role?.['rules']).toEqual(readManifest(file)[0]?.['rules']);
    await bindOnHub('narrowed', 'narrowed');
    const client = fleet.hub.clientAs('narrowed');
    const statusAs = async (headers: Readonly<Record<string, string>>): Promise<number> =>
      (await client.raw('GET', '/version', { headers })).status;
    const full = {
      'impersonate-user': 'alice@example.com',
      'impersonate-group': 'payments-developers',
      'impersonate-uid': '1',
      'impersonate-extra-example.com%2Fteam': 'payments',
    };
    await until(async () => (await statusAs(full)) === 200, {
      timeoutMs: 10_000,
      message: 'the narrowed role is in force',
    });
    expect(await statusAs({ 'impersonate-user': 'system:serviceaccount:default:deployer' })).toBe(200);
    for (const other of [
      { 'impersonate-user': 'eve@example.com' },
      { 'impersonate-user': 'system:serviceaccount:default:default' },
      { 'impersonate-group': 'system:masters' },
      { 'impersonate-extra-example.com%2Fteam': 'search' },
      { 'impersonate-extra-role': 'payments' },
    ]) {
      expect(await statusAs({ ...full, ...other }), JSON.stringify(other)).toBe(403);
    }
  });

  it('hub-sidecar.yaml is all that reviews and watches need', async () => {
    const { client } = fleet.hub;
    await applyManifest(client, join(rbacFolder, 'hub-sidecar.yaml'));
    await bindOnHub('cluster-inventory-sidecar', 'bob');
    const sidecar = { client: fleet.hub.clientAs('bob') };
    const profiles = '/apis/multicluster.x-k8s.io/v1alpha1/clusterprofiles';
    await until(async () => (await sidecar.client.raw('GET', profiles)).status === 200, {
      timeoutMs: 10_000,
      message: 'the sidecar lists',
    });
    const watch = await sidecar.client.raw('GET', `${profiles}?watch=1&timeoutSeconds=1`);
    expect(watch.status).toBe(200);
    expect((await reviewToken(sidecar, fleet.tokens['alice'] ?? '')).user.username).toBe('alice');
    const asked = { verb: 'get', resource: 'secrets', namespace: 'default' };
    expect((await reviewAccess(sidecar, { user: 'bob' }, asked)).allowed).toBe(false);
    expect(await may('bob', 'get', { proxy: true, name: 'spoke-1' })).toBe(false);
  });
});

describe('a grant on the hub', () => {
  it('lets a viewer see and read, in all namespaces, until it is revoked', async () => {
    const grant = await grantOnHub(fleet.hub, { user: 'victor', role: 'viewer' });
    for (const namespace of ['default', 'elsewhere']) {
      expect(await may('victor', 'list', { namespace })).toBe(true);
      expect(await may('victor', 'get', { namespace, proxy: true, name: 'spoke-1' })).toBe(true);
    }
    for (const verb of ['create', 'update', 'patch', 'delete'] as const) {
      expect(await may('victor', verb, { proxy: true, name: 'spoke-1' })).toBe(false);
      expect(await may('victor', verb, { name: 'spoke-1' })).toBe(false);
    }
    await grant.revoke();
    expect(await may('victor', 'get', { proxy: true, name: 'spoke-1' })).toBe(false);
  });

  it('lets an operator write through a cluster, not to the inventory, in one namespace', async () => {
    await grantOnHub(fleet.hub, { user: 'olga', role: 'operator', namespace: 'default' });
    for (const verb of ['get', 'create', 'update', 'patch', 'delete'] as const) {
      expect(await may('olga', verb, { proxy: true, name: 'spoke-1' })).toBe(true);
      expect(await may('olga', verb, { proxy: true, name: 'spoke-1', namespace: 'elsewhere' })).toBe(false);
      expect(await may('olga', verb, { name: 'spoke-1' })).toBe(verb === 'get');
    }
  });

  it('is for the named clusters alone, whatever the verb', async () => {
    const grant = await grantOnHub(fleet.hub, { user: 'nina', role: 'operator', names: ['one', 'two'] });
    for (const verb of ['get', 'create', 'delete'] as const) {
      expect(await may('nina', verb, { proxy: true, name: 'one' })).toBe(true);
      expect(await may('nina', verb, { proxy: true, name: 'two' })).toBe(true);
      expect(await may('nina', verb, { proxy: true, name: 'three' })).toBe(false);
      expect(await may('nina', verb, { proxy: true })).toBe(false);
    }
    expect(await may('nina', 'get', { name: 'one' })).toBe(true);
    expect(await may('nina', 'list')).toBe(false);
    await grant.revoke();
    expect(await may('nina', 'get', { proxy: true, name: 'one' })).toBe(false);
  });

  it('is for a group as well', async () => {
    await grantOnHub(fleet.hub, { group: 'oidc:searchers', role: 'viewer' });
    const asked = { verb: 'get', group: 'multicluster.x-k8s.io', resource: 'clusterprofiles' };
    expect((await reviewAccess(fleet.hub, { group: 'oidc:searchers' }, asked)).allowed).toBe(true);
    expect((await reviewAccess(fleet.hub, { group: 'searchers' }, asked)).allowed).toBe(false);
  });
});

describe("the hub's TokenReview", () => {
  it('knows a static user, and nobody with a made-up token', async () => {
    expect(Object.keys(fleet.tokens)).toEqual(['alice', 'bob', 'narrowed', 'constrained']);
    expect(await reviewToken(fleet.hub, fleet.tokens['alice'] ?? '')).toMatchObject({
      authenticated: true,
      user: { username: 'alice', groups: ['payments', 'on-call', 'system:authenticated'] },
    });
    const unknown = await reviewToken(fleet.hub, 'made-up');
    expect(unknown.authenticated).toBeUndefined();
    expect(unknown.user.username).toBeUndefined();
    expect((await reviewToken(spoke, fleet.tokens['alice'] ?? '')).authenticated).toBeUndefined();
  });

  it('knows a ServiceAccount, unless its token is for another audience', async () => {
    const account = { namespace: 'robots', name: 'deployer' };
    const token = await createServiceAccountToken(fleet.hub, { ...account, expirationSeconds: 600 });
    expect(await reviewToken(fleet.hub, token)).toMatchObject({
      authenticated: true,
      user: {
        username: 'system:serviceaccount:robots:deployer',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:robots', 'system:authenticated'],
      },
    });
    const other = await createServiceAccountToken(fleet.hub, { ...account, audiences: ['elsewhere'] });
    expect((await reviewToken(fleet.hub, other)).authenticated).toBeUndefined();
    expect((await reviewToken(fleet.hub, other, ['elsewhere'])).authenticated).toBe(true);
  });

  const carol = { sub: 'carol', groups: ['payments'], email: 'carol@example.com' };

  it('knows an OIDC user, with prefixes; static tokens and anonymous requests go on', async () => {
    expect(await reviewToken(fleet.hub, issuer.issue(carol))).toMatchObject({
      authenticated: true,
      user: { username: 'oidc:carol', groups: ['oidc:payments', 'system:authenticated'] },
    });
    const { client } = fleet.hub;
    expect((await client.raw('GET', '/version', { headers: { authorization: '' } })).status).toBe(200);
    expect((await client.raw('GET', '/api/v1/pods', { headers: { authorization: '' } })).status).toBe(403);
  });

  it('knows no OIDC token that has expired or is for another audience, and fails where an audience is asked for', async () => {
    for (const options of [{ expiresInSeconds: -60 }, { audience: 'elsewhere' }]) {
      const review = await reviewToken(fleet.hub, issuer.issue({ ...carol, ...options }));
      expect(review.authenticated).toBeUndefined();
    }
    const review = await reviewToken(fleet.hub, issuer.issue(carol), [issuer.audience]);
    expect(review.authenticated).toBeUndefined();
  });

  it('follows a rotation of keys, and forgets a key that was dropped', async () => {
    const isKnown = async (token: string): Promise<boolean> =>
      (await reviewToken(fleet.hub, token)).authenticated === true;
    const [first, again] = [issuer.issue(carol), issuer.issue(carol)];
    issuer.rotateKey();
    expect(await isKnown(issuer.issue(carol))).toBe(true);
    expect(await isKnown(first)).toBe(true);
    issuer.rotateKey({ dropOld: true });
    expect(await isKnown(issuer.issue(carol))).toBe(true);
    expect(await isKnown(again)).toBe(false);
  });
});

describe("the provider's user on a spoke", () => {
  const pods = '/api/v1/namespaces/default/pods';
  let provider: KubeClient;

  beforeAll(() => {
    provider = spoke.clientAs(providerUser);
  });

  const listAs = (headers: Readonly<Record<string, string>>): Promise<{ status: number; text: string }> =>
    provider.raw('GET', pods, { headers });

  it('sees nothing as itself', async () => {
    const { status, text } = await listAs({});
    expect(status).toBe(403);
    expect(text).toContain(`User \\"${providerUser}\\" cannot list resource \\"pods\\"`);
    const everything = { verb: '*', group: '*', resource: '*' };
    expect((await reviewAccess(spoke, { group: providersGroup }, everything)).allowed).toBe(false);
  });

  it('is whom it impersonates: that user may do what the spoke grants to the user or the group', async () => {
    const carol = { 'impersonate-user': 'oidc:carol' };
    expect((await listAs(carol)).text).toContain('User \\"oidc:carol\\" cannot list resource \\"pods\\"');
    const grant = await grantOnSpoke(spoke, { user: 'oidc:carol', clusterRole: 'view' });
    expect((await listAs(carol)).status).toBe(200);
    const create = (headers: Readonly<Record<string, string>>): Promise<{ status: number }> =>
      provider.raw('POST', `${pods}?dryRun=All`, {
        headers: { 'content-type': 'application/json', ...headers },
        body: {
          metadata: { name: 'a' },
          spec: { containers: [{ name: 'a', image: 'a' }] },
        },
      });
    expect((await create(carol)).status).toBe(403);
    await grant.revoke();
    expect((await listAs(carol)).status).toBe(403);

    await grantOnSpoke(spoke, { group: 'oidc:payments', clusterRole: 'edit' });
    const inGroup = { ...carol, 'impersonate-group': 'oidc:payments' };
    expect((await listAs(inGroup)).status).toBe(200);
    expect((await create(inGroup)).status).toBe(201);
    expect((await listAs(carol)).status).toBe(403);
  });

  it('may not send a uid, extra keys or a ServiceAccount of the spoke', async () => {
    const carol = { 'impersonate-user': 'oidc:carol' };
    for (const headers of [
      { ...carol, 'impersonate-uid': '1' },
      { ...carol, 'impersonate-extra-team': 'payments' },
      { 'impersonate-user': 'system:serviceaccount:kube-system:namespace-controller' },
    ]) {
      const { status, text } = await listAs(headers);
      expect(status).toBe(403);
      expect(text).toContain(`User \\"${providerUser}\\" cannot impersonate`);
    }
    expect((await listAs({ 'impersonate-group': 'oidc:payments' })).status).toBe(400);
  });

  it('becomes everybody: the file says to narrow', async () => {
    const master = { 'impersonate-user': 'oidc:carol', 'impersonate-group': 'system:masters' };
    expect((await listAs(master)).status).toBe(200);
  });

  it('is refused where nobody has let it impersonate', async () => {
    const client = fleet.hub.clientAs('bob');
    const headers = { 'impersonate-user': 'alice' };
    const refused = await client.raw('GET', pods, { headers });
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('User \\"bob\\" cannot impersonate');
    await allowImpersonation(fleet.hub, 'bob');
    const now = await client.raw('GET', pods, { headers });
    expect(now.text).toContain('User \\"alice\\" cannot list');
  });

  it('may be limited to some verbs, and never become system:masters, from 1.36 on', async (context) => {
    const { minor } = await fleet.hub.client.get<{ readonly minor: string }>('/version');
    context.skip(parseInt(minor) < 36, 'an older API server');
    const verbs = ['get', 'list', 'watch'].map((verb) => `impersonate-on:user-info:${verb}`);
    await fleet.hub.client.create('/apis/rbac.authorization.k8s.io/v1/clusterroles', {
      metadata: { name: 'constrained' },
      rules: [
        {
          apiGroups: ['authentication.k8s.io'],
          resources: ['users', 'groups'],
          verbs: ['impersonate:user-info'],
        },
        { apiGroups: ['*'], resources: ['*'], verbs },
        { nonResourceURLs: ['*'], verbs },
      ],
    });
    await bindOnHub('constrained', 'constrained');
    await grantOnSpoke(fleet.hub, { group: 'developers', clusterRole: 'edit' });
    const client = fleet.hub.clientAs('constrained');
    const ask = async (method: 'GET' | 'DELETE', path: string, group: string): Promise<number> =>
      (
        await client.raw(method, path, {
          headers: { 'impersonate-user': 'alice', 'impersonate-group': group },
        })
      ).status;
    await until(async () => (await ask('GET', pods, 'developers')) === 200, {
      timeoutMs: 10_000,
      message: 'the constrained role is in force',
    });
    expect(await ask('GET', '/version', 'developers')).toBe(200);
    expect(await ask('DELETE', `${pods}/a`, 'developers')).toBe(403);
    expect(await ask('GET', pods, 'system:masters')).toBe(403);
  });
});
