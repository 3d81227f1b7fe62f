import type { ClustersChange, ClustersResponse, ClusterSummary, RootSummary } from './inventoryTypes.ts';

/** The list after a change; what the change does not name is the same object as before. */
export function applyChange(before: ClustersResponse, change: ClustersChange): ClustersResponse {
  const { version, changed, removed, roots } = change;
  const clusters = new Map(before.clusters.map((cluster) => [cluster.name, cluster]));
  for (const name of removed) clusters.delete(name);
  for (const cluster of changed) clusters.set(cluster.name, cluster);
  const sorted = [...clusters.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
  return {
    ...before,
    version,
    clusters: roots === undefined ? sorted : sorted.map((cluster) => markStale(cluster, roots)),
    ...(roots === undefined ? {} : { roots }),
  };
}

/** Roots that cannot be followed change what their clusters are worth, and the clusters are not sent again for it. */
function markStale(cluster: ClusterSummary, roots: readonly RootSummary[]): ClusterSummary {
  const failing = roots.find(({ name }) => name === cluster.root)?.failingNamespaces ?? [];
  const stale = failing.includes('*') || failing.includes(cluster.namespace);
  return stale === cluster.stale ? cluster : { ...cluster, stale };
}
