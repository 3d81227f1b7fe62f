import { expect, it } from 'vitest';
import { podAccessPolicy } from '../clusters/accessPolicy.ts';
import { createClusterRegistry } from '../clusters/registry.ts';
import { decodeClusterProfile } from '../inventory/clusterProfile.ts';
import type { RootState } from '../inventory/inventory.ts';
import { buildProfileKey } from '../inventory/profileKey.ts';
import { profileObject } from '../../test/support/fakeHub.ts';
import type { ClustersResponse, ClusterSummary } from './clusterTypes.ts';
import { describeClusters } from './describeClusters.ts';

type Found = readonly { readonly root?: string; readonly namespace?: string; readonly rest?: object }[];
type Namespaces = RootState['namespaces'];

/** The answer about profiles `p0`, `p1` and so on, in this order. */
function describe(found: Found, states: readonly RootState[] = []): ClustersResponse {
  const registry = createClusterRegistry({
    policy: podAccessPolicy,
    providers: { providers: [], disabled: [] },
    now: () => 0,
    openCluster: () => {
      throw new Error('nothing is opened');
    },
  });
  for (const [index, { root = 'store/hub', namespace = 'a', rest = {} }] of found.entries()) {
    const profile = decodeClusterProfile(profileObject(`p${index}`, { namespace }, rest));
    if (profile === undefined) throw new Error('not a profile');
    registry.upsert({ key: buildProfileKey(root, namespace, profile.name), root, profile });
  }
  return describeClusters(registry.list(), states, 'version');
}

const one = (rest: object): ClusterSummary | undefined => describe([{ rest }]).clusters[0];

const synced: Namespaces[number]['state'] = { phase: 'synced', since: 0, confirmedAt: 60_000 };
const failing: Namespaces[number]['state'] = {
  phase: 'failing',
  since: 0,
  confirmedAt: 30_000,
  reason: { code: 'hub-refused', message: 'the sidecar may not list ClusterProfiles here' },
};

it('[DI-13, DI-28] what its namespace could not confirm is stale, and nothing else; the root says the worst', () => {
  const { clusters, roots } = describe(
    [{ namespace: 'a' }, { namespace: 'b' }],
    [
      {
        root: 'store/hub',
        namespaces: [
          { namespace: 'b', state: synced },
          { namespace: 'a', state: failing },
        ],
      },
    ],
  );
  expect(clusters.map(({ namespace, stale }) => [namespace, stale])).toEqual([
    ['a', true],
    ['b', false],
  ]);
  expect(roots).toEqual([
    {
      name: 'store/hub',
      state: 'failing',
      stale: true,
      lastSyncedAt: '1970-01-01T00:00:30.000Z',
      reason: failing.reason,
      namespaces: ['b', 'a'],
      failingNamespaces: ['a'],
    },
  ]);
});

it('[DI-28] a root that is followed as one is stale as one, and no other', () => {
  const { clusters, roots } = describe(
    [{ root: 'store/one' }, { root: 'store/two' }],
    [
      { root: 'store/one', namespaces: [{ namespace: undefined, state: failing }] },
      { root: 'store/two', namespaces: [{ namespace: undefined, state: synced }] },
    ],
  );
  expect(clusters.map(({ root, stale }) => [root, stale])).toEqual([
    ['store/one', true],
    ['store/two', false],
  ]);
  expect(roots.map(({ stale, namespaces }) => [stale, namespaces])).toEqual([
    [true, ['*']],
    [false, ['*']],
  ]);
});

it.each([
  [[], 'not-reported'],
  [[{ type: 'Other', status: 'True' }], 'not-reported'],
  [[{ type: 'ControlPlaneHealthy', status: 'True' }], 'healthy'],
  [[{ type: 'ControlPlaneHealthy', status: 'False' }], 'unhealthy'],
  [[{ type: 'ControlPlaneHealthy', status: 'Unknown' }], 'unknown'],
  [[{ type: 'ControlPlaneHealthy' }], 'unknown'],
])('[DI-35] the conditions %j are the health %s', (conditions, state) => {
  expect(one({ status: { conditions } })?.health.state).toBe(state);
});

it('[DI-32] is called by its display name, else by that of the profile', () => {
  expect(one({ spec: { displayName: 'Payments (EU)' } })?.displayName).toBe('Payments (EU)');
  expect(one({ spec: {} })?.displayName).toBe('p0');
});
