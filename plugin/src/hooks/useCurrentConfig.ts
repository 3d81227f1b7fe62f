import { ApiProxy, K8s } from '@kinvolk/headlamp-plugin/lib';
import { useEffect, useMemo } from 'react';
import { useStore } from 'react-redux';
import type { InventoryFeed } from '../api/inventoryFeed.ts';
import { refreshConfig } from '../api/refreshConfig.ts';
import type { ConfiguredCluster } from '../model/clusterRow.ts';
import { useClusterInventory } from './useClusterInventory.ts';

/** What comes together is asked for together. */
const GATHER_MS = 250;

/**
 * Keeps Headlamp's own list of clusters at what the inventory says: Headlamp asks every 10 s only, and who signs in or
 * out, in whichever tab, is to see it within 2 s (ID-08).
 */
export function useCurrentConfig(feed: InventoryFeed): void {
  const store = useStore();
  const { inventory, failure } = useClusterInventory(feed);
  const configured = K8s.useClustersConf();
  const wanted = useMemo(() => {
    if (failure === 'signed-out') return '';
    return inventory?.clusters.map(({ name }) => name).join('\n');
  }, [inventory?.clusters, failure]);
  const present = useMemo(
    () =>
      Object.values<ConfiguredCluster>(configured ?? {})
        .filter(({ meta_data }) => meta_data?.source === 'cluster_inventory')
        .map(({ name }) => name)
        .sort()
        .join('\n'),
    [configured],
  );

  useEffect(() => {
    if (wanted === undefined || wanted === present) return;
    const timer = setTimeout(() => void refreshConfig(ApiProxy.request, store), GATHER_MS);
    return () => clearTimeout(timer);
    // Only what the inventory says anew: where Headlamp shows otherwise for a reason of its own, that is left so.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [wanted, store]);
}
