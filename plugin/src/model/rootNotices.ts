import type { ClustersResponse, RootSummary } from './inventoryTypes.ts';

/** What the reader must know about a root before trusting the list (UI-07). */
export type RootNotice =
  | { readonly kind: 'starting'; readonly root: string }
  | { readonly kind: 'no-crd'; readonly root: string }
  | { readonly kind: 'failing'; readonly root: string; readonly message: string; readonly since?: string }
  | { readonly kind: 'empty'; readonly root: string; readonly namespaces: readonly string[] };

export const CRD_COMMAND =
  'kubectl apply -f https://raw.githubusercontent.com/kubernetes-sigs/cluster-inventory-api/main/config/crd/bases/multicluster.x-k8s.io_clusterprofiles.yaml';

export function buildRootNotices(inventory: ClustersResponse): RootNotice[] {
  const withClusters = new Set(inventory.clusters.map(({ root }) => root));
  return inventory.roots.flatMap((root) => buildRootNotice(root, withClusters.has(root.name)) ?? []);
}

function buildRootNotice(root: RootSummary, hasClusters: boolean): RootNotice | undefined {
  switch (root.state) {
    case 'starting':
      return { kind: 'starting', root: root.name };
    case 'no-crd':
      return { kind: 'no-crd', root: root.name };
    case 'failing': {
      const message = root.reason?.message ?? root.reason?.code ?? '';
      const since = root.lastSyncedAt === undefined ? {} : { since: root.lastSyncedAt };
      return { kind: 'failing', root: root.name, message, ...since };
    }
    case 'synced':
      return hasClusters ? undefined : { kind: 'empty', root: root.name, namespaces: root.namespaces };
  }
}
