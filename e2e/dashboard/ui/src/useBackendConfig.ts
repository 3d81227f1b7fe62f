import type { Cluster } from '@kinvolk/headlamp-plugin/lib/lib/k8s/cluster';
import { request } from '@kinvolk/headlamp-plugin/lib/lib/k8s/api/v1/clusterRequests';
import { setConfig } from '@kinvolk/headlamp-plugin/lib/redux/configSlice';
import store from '@kinvolk/headlamp-plugin/lib/redux/stores/store';
import { isEqualClusterConfigs } from '@kinvolk/headlamp-plugin/lib/stateless';
import { useQuery } from '@tanstack/react-query';

const CONFIG_INTERVAL_MS = 10_000;

/** Keeps the store's clusters as `/config` gives them; the store changes only when they do, as in Headlamp. */
export function useBackendConfig(): void {
  useQuery({ queryKey: ['config'], queryFn: loadConfig, refetchInterval: CONFIG_INTERVAL_MS });
}

async function loadConfig(): Promise<null> {
  const config = (await request('/config', {}, false, false)) as { clusters?: Cluster[] };
  const clusters = Object.fromEntries((config.clusters ?? []).map((cluster) => [cluster.name, cluster]));
  const current = store.getState().config.clusters;
  // The name misleads: it answers true when the two differ.
  if (isEqualClusterConfigs(current ?? {}, clusters) || current === null) {
    store.dispatch(setConfig({ ...config, clusters }));
  }
  return null;
}
