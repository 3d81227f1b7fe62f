import { headlampFeed } from '../api/headlampFeed.ts';
import { useCurrentConfig } from '../hooks/useCurrentConfig.ts';

/** Draws nothing: on every page it keeps the inventory, and Headlamp's list with it, current. */
export function InventoryKeeper() {
  useCurrentConfig(headlampFeed);
  return null;
}
