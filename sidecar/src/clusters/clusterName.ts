import { createHash } from 'node:crypto';
import type { ProfileKey } from '../inventory/profileKey.ts';

/** What a discovered cluster is called in addresses. A lookup key, never text for people (DI-32). */
export type ClusterName = string & { readonly brand: 'ClusterName' };

/** Every name of ours starts so; no such name ever reaches the dashboard (PX-02). */
export const clusterNamePrefix = 'cluster-inventory-';

/**
 * `cluster-inventory-` + the key with `/` → `--` and space → `__` + `--` + 12 hex digits of the key's SHA-256 (DI-30).
 * The digest tells apart keys that the replacement makes equal.
 */
export function buildClusterName(key: ProfileKey): ClusterName {
  const digest = createHash('sha256').update(key).digest('hex').slice(0, 12);
  return `${clusterNamePrefix}${key.replaceAll('/', '--').replaceAll(' ', '__')}--${digest}` as ClusterName;
}

/**
 * Of which profile a name would be, for one that no cluster has. Only a guess: a `--` in the profile's own name is read
 * as a separator, too.
 */
export function guessProfile(name: string): { readonly namespace: string; readonly name: string } {
  const [profile = '', namespace = ''] = name.split('--').slice(0, -1).reverse();
  return { namespace, name: profile };
}
