import { createServer } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ClustersResponse, ClusterSummary } from '../../src/api/clusterTypes.ts';
import { type FakeHub, profileObject, startFakeHub } from '../support/fakeHub.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt } from '../support/startProxy.ts';
import { startSidecar, type TestSidecar } from '../support/startSidecar.ts';
import { until } from '../support/until.ts';

/** Where one cluster is published: names that differ, but not in what is easily made of them. */
const places = [
  { root: 'hub', namespace: 'kueue-system', name: 'edge-02' },
  { root: 'hub', namespace: 'argocd', name: 'edge-02' },
  { root: 'hub', namespace: 'argocd', name: 'system--edge-02' },
  { root: 'hub', namespace: 'argocd--system', name: 'edge-02' },
  { root: 'other', namespace: 'argocd', name: 'edge-02' },
] as const;
type Place = (typeof places)[number];

let folder = '';
let hubs: Record<Place['root'], FakeHub>;
/** A cluster for each place, so that it shows who was asked. */
let upstreams: Map<Place, RecordingUpstream>;
let sidecar: TestSidecar;
/** What the dashboard was asked for. */
let toDashboard: string[] = [];
let staticNames: string[] = [];

const dashboard = createServer((request, response) => {
  toDashboard.push(request.url ?? '');
  response.setHeader('Content-Type', 'application/json');
  response.end(
    request.url === '/config'
      ? JSON.stringify({ clusters: staticNames.map((name) => ({ name, auth_type: '' })) })
      : '"of the dashboard"',
  );
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'same-name-'));
  toDashboard = [];
  staticNames = ['main', 'edge-02'];
  hubs = { hub: await startFakeHub(), other: await startFakeHub() };
  upstreams = new Map();
  for (const place of places) upstreams.set(place, await startRecordingUpstream());
  await new Promise<void>((resolve) => dashboard.listen(0, '127.0.0.1', resolve));
  await writeFile(
    join(folder, 'policy'),
    JSON.stringify({
      apiVersion: 'cluster-inventory.headlamp.dev/v1alpha1',
      kind: 'AccessPolicy',
      defaults: { allowedServers: ['*'] },
    }),
  );
  const namespaces = [...new Set(places.map(({ namespace }) => namespace))];
  sidecar = await startSidecar(
    Object.fromEntries(
      Object.entries(hubs).map(([name, { root }]) => [name, { server: root.server, user: { token: 't' } }]),
    ),
    `--access-policy=${join(folder, 'policy')}`,
    `--cluster-inventory-namespaces=${namespaces.join()}`,
    `--dashboard-url=http://127.0.0.1:${(dashboard.address() as AddressInfo).port}`,
  );
  await until('all watches', () =>
    Object.values(hubs).every(({ watches }) => watches.length === namespaces.length),
  );
});

afterEach(async () => {
  await sidecar.close();
  for (const hub of Object.values(hubs)) await hub.close();
  for (const upstream of upstreams.values()) await upstream.close();
  dashboard.closeAllConnections();
  await new Promise((resolve) => dashboard.close(resolve));
  await rm(folder, { recursive: true });
});

let resourceVersion = 200;

function send(type: 'ADDED' | 'DELETED', place: Place): void {
  const { root, namespace, name } = place;
  const upstream = upstreams.get(place);
  if (!upstream) throw new Error('no upstream');
  const watch = hubs[root].watches.find(({ url }) => url.pathname.includes(`/namespaces/${namespace}/`));
  watch?.send(
    type,
    profileObject(
      name,
      { namespace, uid: `${root} ${namespace} ${name}`, resourceVersion: String(++resourceVersion) },
      {
        spec: { clusterManager: { name: 'ocm' }, displayName: 'edge-02' },
        status: { accessProviders: [{ name: 'p', cluster: clusterAt(upstream) }] },
      },
    ),
  );
}

async function get(path: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`http://127.0.0.1:${sidecar.port}${path}`);
  return { status: response.status, text: await response.text() };
}

async function list(): Promise<readonly ClusterSummary[]> {
  return (JSON.parse((await get('/cluster-inventory/v1/clusters')).text) as ClustersResponse).clusters;
}

async function namesInConfig(): Promise<string[]> {
  const { clusters } = JSON.parse((await get('/config')).text) as { clusters: { name: string }[] };
  return clusters.map(({ name }) => name);
}

/** The name of each place's cluster, as the list has it. */
async function namesByPlace(): Promise<Map<Place, string>> {
  const clusters = await list();
  return new Map(
    places.flatMap((place) => {
      const found = clusters.filter(
        ({ root, namespace, profileName }) =>
          root === `store/${place.root}` && namespace === place.namespace && profileName === place.name,
      );
      expect(found.length).toBeLessThanOrEqual(1);
      return found.map(({ name }) => [place, name] as const);
    }),
  );
}

/** Whether a request under this name gets to this place's cluster and to no other. */
async function leadsTo(place: Place, name: string): Promise<boolean> {
  const before = new Map([...upstreams].map(([each, { heads }]) => [each, heads.length]));
  for (const upstream of upstreams.values()) upstream.answers.splice(0, Infinity, answerWith('{}'));
  const { status } = await get(`/clusters/${name}/api/v1/pods`);
  const asked = [...upstreams].filter(([each, { heads }]) => heads.length > (before.get(each) ?? 0));
  return status === 200 && asked.length === 1 && asked[0]?.[0] === place;
}

const orders: readonly (readonly [string, readonly Place[]])[] = [
  ['in one order', places],
  ['in the other', [...places].reverse()],
  ['in a third', [places[2], places[4], places[0], places[3], places[1]]],
];

it.each(orders)(
  '[DI-30, DI-36] [S10] one cluster published in many places, %s: each under a name of its own, and none takes another’s place',
  async (_what, order) => {
    for (const place of order) {
      send('ADDED', place);
      await until('it is listed', async () => (await namesByPlace()).has(place));
    }
    const names = await namesByPlace();
    expect(new Set(names.values()).size).toBe(places.length);
    // The same whatever came first: a bookmark of yesterday leads to the same cluster.
    expect(names.get(places[1])).toBe('cluster-inventory-store--hub--argocd--edge-02--41a8fba78750');
    for (const [place, name] of names) expect([place, await leadsTo(place, name)]).toEqual([place, true]);
    // People see what the profile says, and can tell them apart by where it is.
    for (const { displayName } of await list()) expect(displayName).toBe('edge-02');
    expect(await namesInConfig()).toEqual(['main', 'edge-02', ...[...names.values()].sort()]);

    // One that goes leaves the others where they are.
    const [gone] = order;
    if (!gone) throw new Error('no order');
    send('DELETED', gone);
    await until('it is gone', async () => !(await namesByPlace()).has(gone));
    expect((await get(`/clusters/${names.get(gone) ?? ''}/api/v1/pods`)).status).toBe(404);
    for (const [place, name] of names)
      if (place !== gone) expect([place, await leadsTo(place, name)]).toEqual([place, true]);
  },
);

it('[DI-36, PX-02] [S10] a cluster of the dashboard’s own under the name that people see: both are there, each its own', async () => {
  send('ADDED', places[0]);
  await until('it is listed', async () => (await list()).length === 1);
  const name = (await namesByPlace()).get(places[0]) ?? '';
  toDashboard = [];
  expect(await get('/clusters/edge-02/api/v1/pods')).toEqual({ status: 200, text: '"of the dashboard"' });
  expect(toDashboard).toEqual(['/clusters/edge-02/api/v1/pods']);
  expect(await leadsTo(places[0], name)).toBe(true);
  expect(toDashboard).toHaveLength(1);
  send('DELETED', places[0]);
  await until('it is gone', async () => (await list()).length === 0);
  expect(await namesInConfig()).toEqual(['main', 'edge-02']);
  expect((await get('/clusters/edge-02/version')).text).toBe('"of the dashboard"');
});

it('[S10, PX-02] one of the dashboard’s own under a name of ours is in its list once, before and after ours goes', async () => {
  send('ADDED', places[0]);
  await until('it is listed', async () => (await list()).length === 1);
  const name = (await namesByPlace()).get(places[0]) ?? '';
  staticNames = ['main', name];
  expect(await namesInConfig()).toEqual(['main', name]);
  // The name is ours: what is sent under it is for the discovered cluster, or for nobody.
  expect(await leadsTo(places[0], name)).toBe(true);
  send('DELETED', places[0]);
  await until('it is gone', async () => (await list()).length === 0);
  expect(await namesInConfig()).toEqual(['main', name]);
  toDashboard = [];
  expect((await get(`/clusters/${name}/api/v1/pods`)).status).toBe(404);
  expect(toDashboard).toEqual([]);
});

it('[DI-32] people see the display name, or the name of the profile; addresses have the generated name alone', async () => {
  const watch = hubs.hub.watches.find(({ url }) => url.pathname.includes('/namespaces/argocd/'));
  const spec = (displayName?: string): object => ({ spec: { clusterManager: { name: 'ocm' }, displayName } });
  const more = { namespace: 'argocd', resourceVersion: '300' };
  watch?.send('ADDED', profileObject('web', more, spec('projects/x/memberships/web <b>50%</b>')));
  watch?.send('ADDED', profileObject('plain', more, spec()));
  watch?.send('ADDED', profileObject('empty', more, spec('')));
  await until('they are listed', async () => (await list()).length === 3);
  const clusters = await list();
  expect(Object.fromEntries(clusters.map((each) => [each.profileName, each.displayName]))).toEqual({
    web: 'projects/x/memberships/web <b>50%</b>',
    plain: 'plain',
    empty: 'empty',
  });
  for (const { name, displayName, profileName } of clusters) {
    expect(name).toMatch(new RegExp(`^cluster-inventory-store--hub--argocd--${profileName}--[0-9a-f]{12}$`));
    // What people see is no address.
    toDashboard = [];
    await get(`/clusters/${encodeURIComponent(displayName)}/version`);
    expect(toDashboard).toHaveLength(1);
  }
});
