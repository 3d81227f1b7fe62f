import type { ClusterEntry } from '../clusters/clusterEntry.ts';
import type { ClusterStatus } from '../clusters/clusterStatus.ts';
import type { ClusterProfile } from '../inventory/clusterProfile.ts';
import type { RootState } from '../inventory/inventory.ts';
import type { AccessSummary, ClustersResponse, ClusterSummary, RootSummary } from './clusterTypes.ts';

/** The list as the plugin asks for it. */
export function describeClusters(
  entries: readonly ClusterEntry[],
  states: readonly RootState[],
  version: string,
): ClustersResponse {
  return {
    apiVersion: 'cluster-inventory/v1',
    version,
    clusters: describeEach(entries, states),
    roots: states.map(describeRoot),
  };
}

/** Some of the list. */
export function describeEach(
  entries: readonly ClusterEntry[],
  states: readonly RootState[],
): readonly ClusterSummary[] {
  const isStale = stalenessOf(states);
  return entries.map((entry) => describeCluster(entry, isStale(entry)));
}

/** An entry is stale while the hub's answer for its namespace fails (DI-13, DI-28). */
export function stalenessOf(states: readonly RootState[]): (entry: ClusterEntry) => boolean {
  const failing = new Set(
    states.flatMap(({ root, namespaces }) =>
      namespaces
        .filter(({ state }) => state.phase === 'failing')
        .map(({ namespace }) => `${root}\n${namespace ?? ''}`),
    ),
  );
  return ({ root, profile }) => failing.has(`${root}\n${profile.namespace}`) || failing.has(`${root}\n`);
}

/** The worst of a root's namespaces stands for it. */
const worstFirst = ['failing', 'starting', 'no-crd', 'synced'] as const;

export function describeRoot({ root, namespaces }: RootState): RootSummary {
  const states = namespaces.map(({ state }) => state);
  const worst = worstFirst.flatMap((phase) => states.find((state) => state.phase === phase) ?? [])[0];
  const stale = worst?.phase === 'failing';
  const confirmed = stale ? states.flatMap(({ confirmedAt }) => confirmedAt ?? []) : [];
  return {
    name: root,
    state: worst?.phase ?? 'starting',
    stale,
    ...(confirmed.length === 0 ? {} : { lastSyncedAt: toTime(Math.min(...confirmed)) }),
    ...(worst?.reason === undefined ? {} : { reason: worst.reason }),
    namespaces: namespaces.map(nameOf),
    failingNamespaces: namespaces.filter(({ state }) => state.phase === 'failing').map(nameOf),
  };
}

function nameOf({ namespace }: { readonly namespace: string | undefined }): string {
  return namespace ?? '*';
}

/** For everyone who may see the cluster: without the diagnosis. */
export function describeAccess({ state, stage, code, message, since }: ClusterStatus): AccessSummary {
  return {
    state,
    ...(stage === undefined ? {} : { stage }),
    ...(code === undefined ? {} : { code }),
    ...(message === undefined ? {} : { message }),
    since: toTime(since),
  };
}

export function describeCluster(entry: ClusterEntry, stale: boolean): ClusterSummary {
  const { profile, status, provider } = entry;
  return {
    name: entry.name,
    key: entry.key,
    root: entry.root,
    namespace: profile.namespace,
    profileName: profile.name,
    displayName: profile.displayName ?? profile.name,
    uid: profile.uid,
    manager: profile.manager ?? '',
    labels: profile.labels,
    properties: profile.properties,
    health: describeHealth(profile),
    ...(profile.version === undefined ? {} : { version: profile.version }),
    access: describeAccess(status),
    ...(provider === undefined ? {} : { provider }),
    stale,
  };
}

/** A missing condition means unknown to everybody: neither healthy nor unhealthy (DI-35). */
function describeHealth({ conditions }: ClusterProfile): ClusterSummary['health'] {
  const condition = conditions.find(({ type }) => type === 'ControlPlaneHealthy');
  if (!condition) return { state: 'not-reported' };
  const { status, reason, message, lastTransitionTime } = condition;
  return {
    state: status === 'True' ? 'healthy' : status === 'False' ? 'unhealthy' : 'unknown',
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
    ...(lastTransitionTime === undefined ? {} : { since: lastTransitionTime }),
  };
}

function toTime(instant: number): string {
  return new Date(instant).toISOString();
}
