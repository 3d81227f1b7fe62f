import type { ClusterEntry } from '../clusters/clusterEntry.ts';
import { asArray, asRecord, isRecord } from '../foundation/unknownValue.ts';

/**
 * The dashboard's `/config` with the discovered clusters behind its own. Entries have the shape of Headlamp core's,
 * without the server's address: who may see a cluster need not know where it is. A cluster of the dashboard's own with
 * the same name stays (S10).
 */
export function mergeConfig(
  config: unknown,
  discovered: readonly ClusterEntry[],
  hubContextName: string | undefined,
): unknown {
  if (!isRecord(config)) return config;
  const own = asArray(config['clusters']);
  // One sign-in on the hub serves all: so each asks for it in the hub's way (ID-05).
  const hub = own.map(asRecord).find(({ name }) => name === hubContextName);
  const authType = typeof hub?.['auth_type'] === 'string' ? hub['auth_type'] : '';
  const taken = new Set(own.map((cluster) => asRecord(cluster)['name']));
  return {
    ...config,
    clusters: [
      ...own,
      ...discovered
        .filter(({ name }) => !taken.has(name))
        .map((entry) => describeForDashboard(entry, authType)),
    ],
  };
}

function describeForDashboard({ name, key, profile }: ClusterEntry, authType: string): unknown {
  const { conditions, version, properties } = profile;
  return {
    name,
    auth_type: authType,
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
