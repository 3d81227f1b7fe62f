import { useSyncExternalStore } from 'react';
import type { InventoryFeed, InventoryState } from '../api/inventoryFeed.ts';

/** The list of clusters as it is now; it is kept current while anything that uses it is drawn. */
export function useClusterInventory({ subscribe, current }: InventoryFeed): InventoryState {
  return useSyncExternalStore(subscribe, current);
}
