import type { ClustersResponse, ClusterSummary, RootSummary } from '../src/model/inventoryTypes.ts';

export function sampleAccess(changes: Partial<ClusterSummary['access']> = {}): ClusterSummary['access'] {
  return { state: 'ready', since: '2026-08-01T10:00:00.000Z', ...changes };
}

export function sampleCluster(changes: Partial<ClusterSummary> = {}): ClusterSummary {
  return {
    name: 'cluster-inventory-in-cluster--fleet--eu-prod-3--0123456789ab',
    key: 'in-cluster/fleet/eu-prod-3',
    root: 'in-cluster',
    namespace: 'fleet',
    profileName: 'eu-prod-3',
    displayName: 'Europe 3',
    uid: '6d1f4c1e-5a0b-4b7e-9f0e-1d2c3b4a5968',
    manager: 'fleet-manager',
    labels: {},
    properties: [],
    health: { state: 'healthy' },
    access: sampleAccess(),
    stale: false,
    ...changes,
  };
}

export function sampleRoot(changes: Partial<RootSummary> = {}): RootSummary {
  return {
    name: 'in-cluster',
    state: 'synced',
    stale: false,
    namespaces: ['*'],
    failingNamespaces: [],
    ...changes,
  };
}

export function sampleInventory(
  clusters: readonly ClusterSummary[] = [sampleCluster()],
  roots: readonly RootSummary[] = [sampleRoot()],
): ClustersResponse {
  return { apiVersion: 'cluster-inventory/v1', version: 'v1', clusters, roots };
}
