import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClustersResponse, ClusterSummary, RootSummary } from '../../sidecar/src/api/clusterTypes.ts';
import { silentLog } from '../../sidecar/src/foundation/log.ts';
import { createHubCredential } from '../../sidecar/src/inventory/hubCredential.ts';
import { createInventory } from '../../sidecar/src/inventory/inventory.ts';
import { createManualClock } from '../../sidecar/test/support/manualClock.ts';
import { buildFixtureAccess, startFaultFleet, type FaultFleet } from '../parts/faultFleet.ts';
import { installClusterProfileCrd } from '../parts/hub.ts';
import { startRelay, type Relay, type RelayFault } from '../parts/relay.ts';
import type { SidecarProcess } from '../parts/sidecar.ts';
import { startTokenCluster, type TokenCluster } from '../parts/tokenCluster.ts';
import { until } from '../parts/until.ts';

const expired = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 410, reason: 'Expired' };
const answer = (status: number, body: string): RelayFault => ({
  kind: 'answer',
  to: 'watches',
  status,
  body,
});
/** What the hub answers to watches, by the root that gets it. */
const wrongAnswers: Readonly<Record<string, RelayFault>> = {
  'gone-as-status': answer(410, JSON.stringify(expired)),
  'gone-inside': answer(200, `${JSON.stringify({ type: 'ERROR', object: expired })}\n`),
  'too-many': answer(429, '{"kind":"Status","code":429}'),
  broken: answer(500, 'no JSON at all'),
  'closed-at-once': answer(200, ''),
  garbage: answer(200, 'no JSON\n{"type":"ADDED","object":{"kind":"Pod"}}\n'),
};
/** Every root is the same hub, each through a relay of its own. */
const roots = [
  'hub',
  'down',
  'slow',
  'delayed',
  'one',
  'two',
  'three',
  ...Object.keys(wrongAnswers),
] as const;

let fleet: FaultFleet;
let relays: Map<string, Relay>;
let alpha: TokenCluster;
let beta: TokenCluster;
let sidecar: SidecarProcess;
/** The hub as one of its own clusters. */
let itself: Relay;

beforeAll(async () => {
  fleet = await startFaultFleet(['reader']);
  [alpha, beta] = await Promise.all([
    startTokenCluster({ name: 'alpha' }),
    startTokenCluster({ name: 'beta' }),
  ]);
  relays = new Map(
    await Promise.all(roots.map(async (root) => [root, await startRelay(fleet.hub)] as const)),
  );
  itself = await startRelay(fleet.hub);
  relay('down').setFault({ kind: 'cut' });
  relay('slow').setFault({ kind: 'slow', bytes: 400, pauseMs: 5 });
  relay('delayed').setFault({ kind: 'delayed', delayMs: 300 });
  await fleet.publish('steady', alpha);
  sidecar = await fleet.startSidecar(
    Object.fromEntries([...relays].map(([root, { url }]) => [root, { url }])),
    {
      extraArgs: [
        '--cluster-inventory-no-crd-cache-ttl=1s',
        '--cluster-inventory-root-reconcile-interval=1s',
      ],
    },
  );
});
afterAll(async () => {
  await fleet.stop();
  await Promise.all([...relays.values(), itself, alpha, beta].map((each) => each.close()));
});

function relay(root: string): Relay {
  const found = relays.get(root);
  if (!found) throw new Error(`no relay ${root}`);
  return found;
}

async function read(from = sidecar): Promise<ClustersResponse> {
  return (await (await fetch(`${from.url}/cluster-inventory/v1/clusters`)).json()) as ClustersResponse;
}

async function findCluster(key: string, from = sidecar): Promise<ClusterSummary | undefined> {
  return (await read(from)).clusters.find((each) => each.key === key);
}

async function rootOf(name: string, from = sidecar): Promise<RootSummary | undefined> {
  return (await read(from)).roots.find((each) => each.name === `store/${name}`);
}

/** Within what the longest pause of the first few failures may take. */
const eventually = (message: string): { timeoutMs: number; message: string } => ({
  timeoutMs: 25_000,
  message,
});
const untilListed = (key: string, from = sidecar): Promise<ClusterSummary> =>
  until(async () => await findCluster(key, from), eventually(`${key} is listed`));
const untilGone = (key: string, from = sidecar): Promise<boolean> =>
  until(async () => (await findCluster(key, from)) === undefined, eventually(`${key} is gone`));

/** A profile may be listed a moment before its access is. */
const untilAccessIsKnown = (profile: string): Promise<unknown> =>
  until(
    async () => (await findCluster(`store/hub/default/${profile}`))?.access.state === 'not-checked',
    eventually('its access'),
  );

/** A request to the cluster of a profile on the root `hub`. */
async function ask(profile: string, path = '/api/v1/pods', init: RequestInit = {}): Promise<Response> {
  const { name } = await untilListed(`store/hub/default/${profile}`);
  return fetch(`${sidecar.url}/clusters/${name}${path}`, init);
}

async function askToken(profile: string): Promise<{ readonly cluster: string; readonly token: string }> {
  const response = await ask(profile);
  expect(response.status).toBe(200);
  return (await response.json()) as { readonly cluster: string; readonly token: string };
}

const runsOf = (cluster: string, generation: string): number =>
  fleet
    .runs()
    .filter(({ execInfo }) => execInfo.includes(JSON.stringify({ cluster, generation }).slice(1, -1))).length;

describe('a hub that is not as it should be at the start', () => {
  it('[FA-01] is down: alive, ready, said so, and followed as soon as it is there', async () => {
    expect((await fetch(`${sidecar.adminUrl}/livez`)).status).toBe(200);
    expect((await fetch(`${sidecar.adminUrl}/readyz`)).status).toBe(200);
    expect(await rootOf('down')).toMatchObject({
      state: 'failing',
      stale: true,
      reason: { code: 'hub-unreachable' },
    });
    expect(await findCluster('store/down/default/steady')).toBeUndefined();
    relay('down').setFault(undefined);
    await untilListed('store/down/default/steady');
    expect(await rootOf('down')).toMatchObject({ state: 'synced', stale: false });
  });

  it.each(['slow', 'delayed'])('[FA-01, DI-04] is %s: it is followed like any other', async (root) => {
    await untilListed(`store/${root}/default/steady`);
    await fleet.publish(`with-${root}`, alpha);
    await untilListed(`store/${root}/default/with-${root}`);
  });
});

describe('a hub that fails later', () => {
  it('[FA-02, DI-28] is down: its clusters are served, marked stale', async () => {
    relay('hub').setFault({ kind: 'cut' });
    await until(
      async () => (await findCluster('store/hub/default/steady'))?.stale,
      eventually('it is stale'),
    );
    // Not even a first run of the plugin needs the hub.
    expect(await askToken('steady')).toMatchObject({ cluster: 'alpha' });
    await fleet.publish('meanwhile', alpha);
    relay('hub').setFault(undefined);
    expect(await untilListed('store/hub/default/meanwhile')).toMatchObject({ stale: false });
    expect(await findCluster('store/hub/default/steady')).toMatchObject({ stale: false });
  });

  it('[FA-03] cuts a watch in the middle of a line: the half is dropped, and it resumes without a list', async () => {
    const { requests } = relay('hub');
    await until(() => relay('hub').watches > 0, eventually('a watch'));
    const before = requests.length;
    relay('hub').cutNextLine();
    await fleet.hub.patchProfile('steady', { spec: { displayName: 'as told in the cut line' } });
    await until(
      async () => (await findCluster('store/hub/default/steady'))?.displayName === 'as told in the cut line',
      eventually('the change'),
    );
    expect(requests.slice(before).map(({ isWatch }) => isWatch)).toEqual([true]);
  });

  it('[FA-04, DI-26] goes half-open: noticed by the deadline, and what happened meanwhile is not lost', async () => {
    const half = await startRelay(fleet.hub);
    const clock = createManualClock(Date.now());
    const seen = new Set<string>();
    const inventory = createInventory({
      namespaces: 'default',
      labelSelector: '',
      noCrdIntervalMs: 1000,
      clock,
      random: () => 0,
      log: silentLog,
      credentialFor: (root) =>
        createHubCredential(root, clock, () => {
          throw new Error('no plugin here');
        }),
      onUpsert: ({ profile }) => seen.add(profile.name),
      onDelete: () => undefined,
      onRootState: () => undefined,
    });
    try {
      inventory.setRoots([
        {
          name: 'store/half',
          defaultNamespace: 'default',
          server: half.url,
          ca: fleet.hub.ca,
          insecureSkipVerify: false,
          user: { token: fleet.hub.tokens['admin'] ?? '' },
        },
      ]);
      await until(() => half.watches > 0, eventually('a watch'));
      half.setFault({ kind: 'half-open' });
      half.setFault(undefined);
      await fleet.publish('unheard', alpha);
      clock.advance(149_000);
      expect(inventory.states()[0]?.namespaces[0]?.state.phase).toBe('synced');
      expect(half.watches).toBe(0);
      clock.advance(1000);
      await until(() => {
        clock.advance(100);
        return seen.has('unheard');
      }, eventually('what happened meanwhile'));
    } finally {
      inventory.close();
      await half.close();
    }
  });

  describe.concurrent('answers watches wrongly', () => {
    it.each(Object.entries(wrongAnswers))(
      '[FA-05, DI-24] %s: never more than one request a second, nothing is emptied, and it goes on',
      async (root, fault) => {
        const { requests } = relay(root);
        await until(() => relay(root).watches > 0, eventually('a watch'));
        // A watch that brought something may end at once: its end is not the first of the failures.
        await fleet.publish(`before-${root}`, alpha);
        await untilListed(`store/${root}/default/before-${root}`);
        const before = requests.length;
        relay(root).setFault(fault);
        relay(root).endWatches();
        await fleet.publish(`during-${root}`, alpha);
        const watches = (): readonly { readonly at: number }[] =>
          requests.slice(before).filter(({ isWatch }) => isWatch);
        await until(() => watches().length >= 3, eventually('three watches'));
        const [first, , third] = watches();
        expect((third?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(2000);
        expect(await findCluster(`store/${root}/default/steady`)).toBeDefined();
        relay(root).setFault(undefined);
        await untilListed(`store/${root}/default/during-${root}`);
        await until(async () => (await rootOf(root))?.state === 'synced', eventually('synced'));
        // Only a version that is gone needs a list: that of the resource’s versions and the list itself, once for each 410.
        const lists = requests.slice(before).filter(({ isWatch }) => !isWatch);
        const isGone = root.startsWith('gone');
        expect(lists.length > 0).toBe(isGone);
        expect(lists.length).toBeLessThanOrEqual(isGone ? 2 * watches().length : 0);
      },
    );
  });

  it('[FA-05, DI-27] says garbage in between: skipped, and the watch goes on', async () => {
    await until(() => relay('hub').watches > 0, eventually('a watch'));
    const before = relay('hub').requests.length;
    relay('hub').injectIntoWatches('}{\n\n{"type":"ADDED","object":[]}\n{"type":7}\n');
    await fleet.publish('after-garbage', alpha);
    await untilListed('store/hub/default/after-garbage');
    expect(relay('hub').requests).toHaveLength(before);
  });

  it('[FA-07, DI-13] may no longer be listed in one namespace: that one is stale with its reason, the other goes on', async () => {
    const { client } = fleet.hub;
    const rbac = (namespace: string, kind: string): string =>
      `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/${kind}/reader`;
    const bind = (namespace: string): Promise<unknown> =>
      client.apply(rbac(namespace, 'rolebindings'), {
        metadata: { name: 'reader' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'reader' }],
      });
    for (const namespace of ['ns-a', 'ns-b']) {
      await client.apply(`/api/v1/namespaces/${namespace}`, { metadata: { name: namespace } });
      await client.apply(rbac(namespace, 'roles'), {
        metadata: { name: 'reader' },
        rules: [
          {
            apiGroups: ['multicluster.x-k8s.io'],
            resources: ['clusterprofiles'],
            verbs: ['list', 'watch', 'get'],
          },
        ],
      });
      await bind(namespace);
      await fleet.publish('member', alpha, '1', namespace);
    }
    const through = await startRelay(fleet.hub);
    const reader = await fleet.startSidecar(
      { hub: { url: through.url, token: fleet.hub.tokens['reader'] ?? '' } },
      { name: 'reader', extraArgs: ['--cluster-inventory-namespaces=ns-a,ns-b'] },
    );
    try {
      await untilListed('store/hub/ns-a/member', reader);
      await untilListed('store/hub/ns-b/member', reader);
      await until(() => through.watches === 2, eventually('two watches'));
      await client.delete(rbac('ns-b', 'rolebindings'));
      through.endWatches();
      await until(
        async () => (await findCluster('store/hub/ns-b/member', reader))?.stale,
        eventually('stale'),
      );
      await until(
        async () => (await rootOf('hub', reader))?.reason?.code === 'hub-refused',
        eventually('the reason'),
      );
      await fleet.publish('another', alpha, '1', 'ns-a');
      expect(await untilListed('store/hub/ns-a/another', reader)).toMatchObject({ stale: false });
      expect(await findCluster('store/hub/ns-b/member', reader)).toBeDefined();
      await bind('ns-b');
      await until(async () => (await rootOf('hub', reader))?.state === 'synced', eventually('synced again'));
    } finally {
      await reader.stop();
      await through.close();
    }
  });

  it('[FA-08, DI-04] one of three: the others are unchanged', async () => {
    relay('two').setFault({ kind: 'cut' });
    await until(async () => (await rootOf('two'))?.stale, eventually('two is stale'));
    await fleet.publish('for-the-others', alpha);
    for (const root of ['one', 'three'])
      expect(await untilListed(`store/${root}/default/for-the-others`)).toMatchObject({ stale: false });
    expect(await findCluster('store/two/default/for-the-others')).toBeUndefined();
    expect(await findCluster('store/two/default/steady')).toMatchObject({ stale: true });
    relay('two').setFault(undefined);
    await untilListed('store/two/default/for-the-others');
  });
});

describe('a profile', () => {
  const every100Ms = async (times: number, act: (turn: number) => Promise<unknown>): Promise<void> => {
    const startedAt = performance.now();
    for (let turn = 1; turn <= times; turn++) {
      await act(turn);
      await until(() => performance.now() >= startedAt + turn * 100, {
        ...eventually('its turn'),
        intervalMs: 5,
      });
    }
  };

  it('[FA-10, DI-41] whose status changes ten times a second: streams stay, and one run serves', async () => {
    await fleet.publish('beating', beta, 'beating');
    await untilAccessIsKnown('beating');
    const stream = await ask('beating', '/api/v1/pods?watch=true');
    expect(stream.status).toBe(200);
    const reader = stream.body?.getReader();
    await every100Ms(20, (turn) =>
      fleet.hub.patchStatus('beating', {
        conditions: [
          {
            type: 'ControlPlaneHealthy',
            status: turn % 2 === 0 ? 'True' : 'False',
            reason: 'Turn',
            message: `turn ${turn}`,
            lastTransitionTime: new Date().toISOString(),
          },
        ],
      }),
    );
    await until(
      async () => (await findCluster('store/hub/default/beating'))?.health.message === 'turn 20',
      eventually('the last change'),
    );
    beta.sendToWatches('still here');
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('still here');
    expect(runsOf('beta', 'beating')).toBe(1);
    await reader?.cancel();
  });

  it('[FA-10, DI-41] whose access changes ten times a second: at most one run a generation, never two at once', async () => {
    await fleet.publish('flapping', beta, 'g0');
    await untilListed('store/hub/default/flapping');
    const statuses = new Set<number>();
    const flapping = new AbortController();
    const keepAsking = async (): Promise<void> => {
      while (!flapping.signal.aborted) {
        const response = await ask('flapping');
        await response.text();
        statuses.add(response.status);
      }
    };
    const asking = Promise.all(Array.from({ length: 4 }, keepAsking));
    await every100Ms(20, (turn) =>
      fleet.hub.patchStatus('flapping', { accessProviders: [buildFixtureAccess(beta, `g${turn}`)] }),
    );
    flapping.abort();
    await asking;
    await until(
      async () => (await askToken('flapping')).token.startsWith('beta.g20.'),
      eventually('the last access'),
    );
    for (const each of statuses) expect([200, 502]).toContain(each);
    const runs = Array.from({ length: 21 }, (_, turn) => runsOf('beta', `g${turn}`));
    expect(Math.max(...runs)).toBe(1);
    expect(fleet.overlaps()).toEqual([]);
  });

  it('[FA-11] deleted with streams open: they end, its sockets are gone, and its plugin’s run is ended', async () => {
    const own = await startTokenCluster({ name: 'own' });
    await fleet.publish('streaming', own);
    await untilAccessIsKnown('streaming');
    const stream = await ask('streaming', '/api/v1/pods?watch=true');
    await until(() => own.watches === 1, eventually('the stream'));
    fleet.controlPlugin('own', { PLUGIN_HANG: 'yes' });
    await fleet.publish('hanging', own, 'hanging');
    await untilAccessIsKnown('hanging');
    const pending = ask('hanging');
    await until(() => runsOf('own', 'hanging') === 1, eventually('the run'));
    const { pid } = fleet.runs().at(-1) ?? { pid: 0 };
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    await Promise.all([fleet.hub.deleteProfile('streaming'), fleet.hub.deleteProfile('hanging')]);
    await expect(stream.text()).rejects.toThrow();
    expect((await pending).status).toBe(404);
    await until(() => own.connections === 0, eventually('no socket is left'));
    await until(() => !isRunning(pid), eventually('the run is ended'));
    await own.close();
  });

  it('[FA-12, DI-33] deleted and created with another server: nothing of the old one is used', async () => {
    const old = await startTokenCluster({ name: 'old' });
    await fleet.publish('moving', old);
    expect(await askToken('moving')).toMatchObject({ cluster: 'old' });
    const asked = old.requests.length;
    await fleet.hub.deleteProfile('moving');
    await fleet.publish('moving', beta, 'moved');
    await until(async () => (await findCluster('store/hub/default/moving'))?.access.state === 'not-checked', {
      ...eventually('the new one'),
      intervalMs: 5,
    });
    const { cluster, token } = await until(async () => {
      const response = await ask('moving');
      return response.status === 200 && ((await response.json()) as { cluster: string; token: string });
    }, eventually('the new one answers'));
    expect(cluster).toBe('beta');
    expect(token).toMatch(/^beta\.moved\./);
    expect(old.requests).toHaveLength(asked);
    await until(() => old.connections === 0, eventually('no socket to the old server is left'));
    await old.close();
  });

  it('[TH-20] no token of one cluster was ever sent to another', () => {
    for (const { name, requests } of [alpha, beta]) {
      expect(requests.length).toBeGreaterThan(0);
      for (const { token } of requests) expect(token).toMatch(new RegExp(`^${name}\\.`));
    }
  });
});

describe('the hub as one of its own clusters', () => {
  it('[DI-05] is no root: its inventory is browsed and never listed', async () => {
    const { hub } = fleet;
    fleet.controlPlugin('itself', {
      PLUGIN_TOKEN_PER_RUN: '',
      PLUGIN_STATUS: JSON.stringify({ token: hub.tokens['admin'] }),
    });
    await hub.createProfile({ name: 'itself' });
    const access = buildFixtureAccess({ ...alpha, name: 'itself', url: itself.url, ca: hub.ca }, '1');
    await hub.patchStatus('itself', { accessProviders: [access] });
    await untilAccessIsKnown('itself');
    const path = '/apis/multicluster.x-k8s.io/v1alpha1/namespaces/default/clusterprofiles';
    const { items } = (await (await ask('itself', path)).json()) as { items: readonly unknown[] };
    expect(items.length).toBeGreaterThan(5);
    // Since then the roots were reconciled, and a change was heard of.
    const askedAt = performance.now();
    await until(() => performance.now() > askedAt + 1000, eventually('the interval'));
    await fleet.publish('after-itself', alpha);
    await untilListed('store/hub/default/after-itself');
    const { clusters, roots: listed } = await read();
    expect(listed.map(({ name }) => name).sort()).toEqual(roots.map((root) => `store/${root}`).sort());
    expect(new Set(clusters.map(({ root }) => root)).size).toBe(roots.length);
    expect(itself.requests.map((request) => request.path)).toEqual([path]);
  });
});

describe('the resource itself', () => {
  it('[FA-06, DI-12, DI-33] is deleted and created again: the clusters go, and nothing of them comes back', async () => {
    const { hub } = fleet;
    await fleet.publish('twice', beta, 'twice');
    const before = await askToken('twice');
    const { uid } = await untilListed('store/hub/default/twice');
    await hub.client.delete(
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/clusterprofiles.multicluster.x-k8s.io',
    );
    await until(async () => (await rootOf('hub'))?.state === 'no-crd', eventually('no resource'));
    expect(await findCluster('store/hub/default/twice')).toBeUndefined();
    expect((await fetch(`${sidecar.adminUrl}/readyz`)).status).toBe(200);
    await installClusterProfileCrd(hub, fleet.crdFile);
    await fleet.publish('twice', beta, 'twice');
    const again = await untilListed('store/hub/default/twice');
    expect(again.uid).not.toBe(uid);
    const after = await until(async () => {
      const response = await ask('twice');
      return response.status === 200 && ((await response.json()) as { token: string });
    }, eventually('it answers'));
    expect(after.token).not.toBe(before.token);
    expect(runsOf('beta', 'twice')).toBe(2);
    await hub.deleteProfile('twice');
    await untilGone('store/hub/default/twice');
  });
});

it('nothing of all this was a fault of the sidecar’s own', () => {
  const log = readFileSync(sidecar.logFile, 'utf8');
  expect(log).toContain('hub-unreachable');
  expect(log).not.toMatch(/internal-error|unhandled|uncaught/i);
});

/** Not one that ended and was not yet waited for. */
function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
