import type { AccessState, ClusterSummary, ClustersResponse, HealthState } from './inventoryTypes.ts';
import { resolveSource, type Source } from './source.ts';

/** One line of the list: a discovered cluster, or one that the dashboard has by itself. */
export interface ClusterRow {
  /** Unique; for addresses. */
  readonly name: string;
  readonly displayName: string;
  /** `namespace · root`, where others in the list have the same display name. */
  readonly qualifier?: string;
  readonly source: Source;
  readonly manager: string;
  readonly version: string;
  readonly health: StateInRow<HealthState>;
  readonly access: StateInRow<AccessState>;
  /** Set when the hub could not confirm the entry lately: since when, if that is known. */
  readonly stale?: { readonly since?: string };
  /** Lower case; everything that a search may hit, shown or not (UI-04). */
  readonly searchText: string;
}

export interface StateInRow<State> {
  readonly state: State;
  readonly message?: string;
  readonly since?: string;
}

/** What Headlamp's store holds of a cluster. */
export interface ConfiguredCluster {
  readonly name: string;
  readonly meta_data?: {
    readonly source?: string;
    readonly clusterInventory?: { readonly displayName?: string };
  };
}

/**
 * The dashboard's own clusters and the discovered ones, in order of their names. Without an answer from the
 * sidecar, the discovered clusters that the dashboard knows of stand in, their state not known.
 */
export function buildRows(
  inventory: ClustersResponse | undefined,
  configured: readonly ConfiguredCluster[],
): ClusterRow[] {
  const discovered = inventory?.clusters ?? [];
  const own = configured
    .filter(({ meta_data }) => !inventory || meta_data?.source !== 'cluster_inventory')
    .map(buildOwnRow);
  const count = new Map<string, number>();
  for (const { displayName } of [...own, ...discovered]) {
    count.set(displayName, (count.get(displayName) ?? 0) + 1);
  }
  const lastSyncedAt = new Map(inventory?.roots.map((root) => [root.name, root.lastSyncedAt]));
  const rows = [
    ...own,
    ...discovered.map((cluster) =>
      buildDiscoveredRow(cluster, (count.get(cluster.displayName) ?? 0) > 1, lastSyncedAt.get(cluster.root)),
    ),
  ];
  const collator = new Intl.Collator(undefined, { numeric: true });
  // Of equal names the unique one decides, so that no answer in another order moves a row (UI-17).
  return rows.sort(
    (a, b) => collator.compare(a.displayName, b.displayName) || collator.compare(a.name, b.name),
  );
}

function buildOwnRow({ name, meta_data }: ConfiguredCluster): ClusterRow {
  const displayName = meta_data?.clusterInventory?.displayName ?? name;
  return {
    name,
    displayName,
    source: resolveSource(meta_data?.source),
    manager: '',
    version: '',
    health: { state: 'not-reported' },
    access: { state: 'not-checked' },
    searchText: `${displayName}\n${name}`.toLowerCase(),
  };
}

function buildDiscoveredRow(
  cluster: ClusterSummary,
  isAmbiguous: boolean,
  lastSyncedAt: string | undefined,
): ClusterRow {
  const { name, displayName, namespace, root, health, access } = cluster;
  return {
    name,
    displayName,
    ...(isAmbiguous && { qualifier: `${namespace} · ${root}` }),
    source: 'cluster-inventory',
    manager: cluster.manager,
    version: cluster.version ?? '',
    health: buildState(health.state, health.message ?? health.reason, health.since),
    access: buildState(access.state, access.message ?? access.code, access.since),
    ...(cluster.stale && { stale: lastSyncedAt === undefined ? {} : { since: lastSyncedAt } }),
    searchText: [
      displayName,
      cluster.profileName,
      namespace,
      cluster.manager,
      name,
      ...Object.values(cluster.labels),
      ...cluster.properties.map(({ value }) => value),
    ]
      .join('\n')
      .toLowerCase(),
  };
}

function buildState<State>(
  state: State,
  message: string | undefined,
  since: string | undefined,
): StateInRow<State> {
  return { state, ...(message !== undefined && { message }), ...(since !== undefined && { since }) };
}
