/** Where the dashboard has a cluster from (UI-01). */
export type Source = 'cluster-inventory' | 'kubeconfig' | 'in-cluster' | 'plugin' | 'unknown';

const BY_CONFIG_SOURCE: ReadonlyMap<string, Source> = new Map([
  ['cluster_inventory', 'cluster-inventory'],
  ['kubeconfig', 'kubeconfig'],
  // Headlamp's backend says `incluster`, its UI looks for `in_cluster`.
  ['incluster', 'in-cluster'],
  ['in_cluster', 'in-cluster'],
  ['dynamic_cluster', 'plugin'],
]);

const WORDS: Readonly<Record<Source, string>> = {
  'cluster-inventory': 'Cluster Inventory',
  kubeconfig: 'Kubeconfig',
  'in-cluster': 'In-cluster',
  plugin: 'Plugin',
  unknown: 'Unknown',
};

/** From the `meta_data.source` of an entry in Headlamp's `/config`. */
export function resolveSource(configSource: string | undefined): Source {
  return BY_CONFIG_SOURCE.get(configSource ?? '') ?? 'unknown';
}

/** An English word: the key of its translations. */
export function describeSource(source: Source): string {
  return WORDS[source];
}

export const SOURCE_WORDS: readonly string[] = Object.values(WORDS);
