import type { ClusterEntry } from '../clusters/clusterEntry.ts';
import { asArray, asRecord, isRecord } from '../foundation/unknownValue.ts';

/**
 * The dashboard's `/config` with the discovered clusters behind its own. Entries have the shape of Headlamp core's,
 * without the server's address: who may see a cluster need not know where it is. A cluster of the dashboard's own with
 * the same name stays (S10).
 */
export function mergeConfig(config: unknown, discovered: readonly ClusterEntry[]): unknown {
  if (!isRecord(config)) return config;
  const own = asArray(config['clusters']);
  const taken = new Set(own.map((cluster) => asRecord(cluster)['name']));
  return {
    ...config,
    clusters: [...own, ...discovered.filter(({ name }) => !taken.has(name)).map(describeForDashboard)],
  };
}

function describeForDashboard({ name, key, profile }: ClusterEntry): unknown {
  const { conditions, version, properties } = profile;
  return {
    name,
    auth_type: '',
    meta_data: {
      source: 'cluster_inventory',
      namespace: '',
      extensions: null,
      origin: { kubeconfig: '' },
      originalName: name,
      clusterInventory: {
        profile: { namespace: profile.namespace, name: profile.name, key },
        ...(conditions.length > 0 ? { conditions } : {}),
        ...(version === undefined ? {} : { version: { kubernetes: version } }),
        ...(properties.length > 0 ? { properties } : {}),
      },
    },
  };
}
