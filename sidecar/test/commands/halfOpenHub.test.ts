import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ClustersResponse } from '../../src/api/clusterTypes.ts';
import { type FakeHub, profileObject, startFakeHub } from '../support/fakeHub.ts';
import { createManualClock, type ManualClock } from '../support/manualClock.ts';
import { type Relay, startRelay } from '../support/relay.ts';
import { startSidecarWith, type TestSidecar } from '../support/startSidecar.ts';
import { until } from '../support/until.ts';

let hub: FakeHub;
let relay: Relay;
let clock: ManualClock;
let sidecar: TestSidecar | undefined;

beforeEach(async () => {
  hub = await startFakeHub();
  relay = await startRelay(Number(new URL(hub.root.server).port));
  clock = createManualClock();
  hub.items = [displayed('a', 'A'), displayed('b', 'B')];
});

afterEach(async () => {
  await sidecar?.close();
  sidecar = undefined;
  await relay.close();
  await hub.close();
});

const displayed = (name: string, displayName: string, resourceVersion = '1'): object =>
  profileObject(name, { resourceVersion }, { spec: { clusterManager: { name: 'm' }, displayName } });

async function start(): Promise<TestSidecar> {
  const server = `http://127.0.0.1:${relay.port}`;
  sidecar = await startSidecarWith({ clock, contexts: { hub: { server, user: { token: 't' } } } });
  return sidecar;
}

async function list(): Promise<ClustersResponse> {
  const response = await fetch(`http://127.0.0.1:${sidecar?.port ?? 0}/cluster-inventory/v1/clusters`);
  return (await response.json()) as ClustersResponse;
}

/** How the list shows: each cluster by what people see of it, and whether it may be out of date. */
async function shown(): Promise<string[]> {
  const { clusters } = await list();
  return clusters.map(({ displayName, stale }) => `${displayName}${stale ? ', stale' : ''}`);
}

const code = async (name: string): Promise<string | null> => {
  const response = await fetch(`http://127.0.0.1:${sidecar?.port ?? 0}/clusters/${name}/version`);
  await response.arrayBuffer();
  return response.headers.get('x-cluster-inventory-error');
};

/** Moves time on in steps that leave what is under way the time it takes. */
const untilByClock = (what: string, condition: () => Promise<boolean>): Promise<void> =>
  until(what, () => {
    clock.advance(1000);
    return condition();
  });

/** A hub that has forgotten what came before its last change, as one does that compacts. */
function forgetHistory(): void {
  hub.intercept = (_request, response, url) => {
    if (url.searchParams.get('watch') !== 'true') return false;
    if (url.searchParams.get('resourceVersion') === hub.resourceVersion) return false;
    const gone = { kind: 'Status', status: 'Failure', code: 410, reason: 'Expired', message: 'too old' };
    response.end(`${JSON.stringify({ type: 'ERROR', object: gone })}\n`);
    return true;
  };
}

it('[S05, DI-26, DI-28, FA-04] a watch that is dead but looks open: noticed by its deadline, stale until the list matches', async () => {
  await start();
  await until('a watch', () => hub.watches.length === 1);
  expect(await shown()).toEqual(['A', 'B']);
  const [removed] = (await list()).clusters.filter(({ displayName }) => displayName === 'B');
  const confirmedAt = clock.now();

  relay.swallow();
  hub.items = [displayed('a', 'A, renamed', '201'), displayed('c', 'C', '202')];
  hub.resourceVersion = '203';
  forgetHistory();
  for (const [type, name] of [
    ['MODIFIED', 'a'],
    ['DELETED', 'b'],
    ['ADDED', 'c'],
  ] as const)
    hub.watches[0]?.send(type, profileObject(name, { resourceVersion: '203' }));

  // Nothing tells it yet.
  clock.advance(149_000);
  expect(await shown()).toEqual(['A', 'B']);
  // Two and a half minutes, and what is listed is stale; nothing is lost for it.
  clock.advance(1000);
  await until('stale', async () => (await list()).roots[0]?.stale === true);
  expect(await shown()).toEqual(['A, stale', 'B, stale']);
  const stale = (await list()).roots[0];
  expect(stale).toMatchObject({
    state: 'failing',
    lastSyncedAt: new Date(confirmedAt).toISOString(),
    reason: { code: 'hub-unreachable', message: 'the watch of the hub went silent' },
  });

  // What is opened meanwhile leads nowhere either, and is not waited for longer than the first.
  await untilByClock('another attempt', () => Promise.resolve(relay.opened > 1));
  expect(await shown()).toEqual(['A, stale', 'B, stale']);
  relay.restore();
  await untilByClock('the list matches', async () => (await shown()).join() === 'A, renamed,C');
  expect(clock.now() - confirmedAt).toBeLessThan(3 * 150_000);
  expect((await list()).roots[0]).toMatchObject({ state: 'synced', stale: false });
  // Nobody gets to what is gone.
  expect(await code(removed?.name ?? '')).toBe('cluster-unknown');
});

it('[S05, DI-26, FA-01] a list that stops in the middle is given up as well, also the first one', async () => {
  let listed = 0;
  hub.intercept = (_request, response, url) => {
    if (!url.pathname.endsWith('clusterprofiles') || url.searchParams.has('watch')) return false;
    if (++listed > 1) return false;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"kind":"ClusterProfileList","metadata":{"resourceVersion":"100"},"items":[');
    return true;
  };
  const started = await start();
  await until('the first list', () => listed === 1);
  expect((await started.readyz()).status).toBe(503);
  await untilByClock('the failure', async () => (await list()).roots[0]?.state === 'failing');
  expect((await list()).roots[0]?.reason).toEqual({
    code: 'hub-unreachable',
    message: 'the hub went silent in its answer',
  });
  await untilByClock('the list', async () => (await shown()).join() === 'A,B');
  expect(listed).toBe(2);
});
