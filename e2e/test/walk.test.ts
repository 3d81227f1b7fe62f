import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Demo, startDemo } from '../demo/startDemo.ts';
import { grantBySecretReader } from '../parts/access.ts';
import { until } from '../parts/until.ts';

interface ConfigCluster {
  readonly name: string;
  readonly meta_data: { readonly source: string };
}

interface Status {
  readonly kind: string;
  readonly code: number;
  readonly reason: string;
  readonly message: string;
}

interface Cluster {
  readonly name: string;
  readonly displayName: string;
  readonly access: { readonly state: string; readonly code?: string; readonly message?: string };
}

let folder: string;
let demo: Demo;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'walk-'));
  demo = await startDemo({ port: undefined, clusters: 3, auth: 'none', folder });
  return async () => {
    await demo.stop();
    rmSync(folder, { recursive: true, force: true });
  };
});

const get = (path: string): Promise<Response> => fetch(new URL(path, demo.url));

async function readConfig(): Promise<readonly ConfigCluster[]> {
  return ((await (await get('/config')).json()) as { clusters: readonly ConfigCluster[] }).clusters;
}

async function readClusters(): Promise<readonly Cluster[]> {
  return ((await (await get('/cluster-inventory/v1/clusters')).json()) as { clusters: readonly Cluster[] })
    .clusters;
}

async function nameOf(displayName: string): Promise<string> {
  const cluster = (await readClusters()).find((each) => each.displayName === displayName);
  if (!cluster) throw new Error(`no cluster ${displayName}`);
  return cluster.name;
}

async function podNames(cluster: string): Promise<readonly string[]> {
  const answer = await get(`/clusters/${cluster}/api/v1/pods`);
  expect(answer.status).toBe(200);
  const { items } = (await answer.json()) as { items: readonly { metadata: { name: string } }[] };
  return items.map(({ metadata }) => metadata.name).sort();
}

describe('the walk', () => {
  // The digest is of the key `store/hub/default/workload-1`.
  const name = 'cluster-inventory-store--hub--default--workload-1--f52b86f86a75';
  // What the README promises: within a second, without a restart.
  const within = { timeoutMs: 1000, intervalMs: 20 };
  const isListed = async (): Promise<boolean> =>
    (await readConfig()).some((cluster) => cluster.name === name);

  it('[DI-07, DI-30] a profile appears, is browsed, hidden, shown again, and goes', async () => {
    const { hub, spokes } = demo.fleet;
    const [spoke] = spokes;
    if (!spoke) throw new Error('no spoke');
    await hub.createProfile({ name: 'workload-1', displayName: 'Workload one' });
    await until(isListed, { ...within, message: 'in /config after creation' });
    await hub.patchStatus('workload-1', { accessProviders: [await grantBySecretReader(hub, spoke)] });
    const listed = (await readConfig()).find((cluster) => cluster.name === name);
    expect(listed?.meta_data.source).toBe('cluster_inventory');
    expect((await readConfig())[0]?.name).toBe('main');

    expect(await podNames(name)).toEqual(['cart', 'frontend', 'hello']);

    await hub.patchProfile('workload-1', { metadata: { labels: { 'headlamp.dev/ignore': 'true' } } });
    await until(async () => !(await isListed()), {
      ...within,
      message: 'gone from /config once it is to be ignored',
    });
    expect((await get(`/clusters/${name}/api/v1/pods`)).status).toBe(404);

    await hub.patchProfile('workload-1', { metadata: { labels: { 'headlamp.dev/ignore': null } } });
    await until(isListed, { ...within, message: 'back in /config' });
    expect(await podNames(name)).toEqual(['cart', 'frontend', 'hello']);

    await hub.deleteProfile('workload-1');
    await until(async () => !(await isListed()), { ...within, message: 'gone from /config after deletion' });
    const gone = await get(`/clusters/${name}/api/v1/pods`);
    expect(gone.status).toBe(404);
    expect(await gone.json()).toMatchObject({
      kind: 'Status',
      apiVersion: 'v1',
      code: 404,
      reason: 'NotFound',
    });
  });
});

describe('both reference plugins', () => {
  it.each(['payments-prod-eu-1', 'payments-prod-us-1'])(
    '%s lists its Pods, and is Ready',
    async (displayName) => {
      expect(await podNames(await nameOf(displayName))).toEqual(['cart', 'frontend', 'hello']);
      expect((await readClusters()).find((each) => each.displayName === displayName)?.access.state).toBe(
        'ready',
      );
    },
  );
});

describe('a cluster whose plugin fails', () => {
  it('[PX-40, FA-20] answers a Status that says which provider and what happened, without a secret or a path', async () => {
    const answer = await get(`/clusters/${await nameOf('batch-gpu')}/api/v1/pods`);
    expect(answer.status).toBe(502);
    expect(answer.headers.get('content-type')).toContain('application/json');
    expect(answer.headers.get('x-cluster-inventory-error')).toBe('plugin-exited');
    const text = await answer.text();
    const status = JSON.parse(text) as Status;
    expect(status).toMatchObject({ kind: 'Status', status: 'Failure', code: 502 });
    expect(status.message).toContain('secretreader');
    expect(status.message).toMatch(/exit(ed with)? code 1/);
    expect(text).not.toMatch(/\/(root|home|tmp|usr|plugins|work)\b|127\.0\.0\.1|-absent|Bearer|eyJ/);
  });

  it('[AC-12] is in the list with its reason', async () => {
    const cluster = (await readClusters()).find((each) => each.displayName === 'batch-gpu');
    expect(cluster?.access).toMatchObject({ state: 'credential-failed', code: 'plugin-exited' });
  });

  it('works as soon as what it lacked is there', async () => {
    const spoke = demo.fleet.spokes[2];
    if (!spoke) throw new Error('no third spoke');
    await grantBySecretReader(demo.fleet.hub, spoke, { secretName: `${spoke.name}-absent` });
    const name = await nameOf('batch-gpu');
    await until(async () => (await get(`/clusters/${name}/version`)).status === 200, {
      timeoutMs: 20_000,
      intervalMs: 200,
      message: 'batch-gpu answers',
    });
    expect((await readClusters()).find((each) => each.displayName === 'batch-gpu')?.access.state).toBe(
      'ready',
    );
  });
});

describe('what is not a discovered cluster', () => {
  it('[PX-43] pages and the dashboard’s own cluster pass through', async () => {
    const page = await get('/');
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('<div id="root"');
    const version = await get('/clusters/main/version');
    expect(version.status).toBe(200);
    expect(version.headers.get('x-cluster-inventory-error')).toBeNull();
  });

  it('[OP-10] /livez and /readyz answer on the admin port and say how each root is', async () => {
    expect((await fetch(`${demo.adminUrl}/livez`)).status).toBe(200);
    const ready = await fetch(`${demo.adminUrl}/readyz?verbose`);
    expect(ready.status).toBe(200);
    expect(await ready.text()).toContain('store/hub default synced');
  });
});
