import type { ProviderFile } from '../config/providerFile.ts';
import { CodedError } from '../foundation/errors.ts';
import type { InventoryItem } from '../inventory/inventory.ts';
import type { ProfileKey } from '../inventory/profileKey.ts';
import type { AccessPolicy } from './accessPolicy.ts';
import {
  type ClusterEntry,
  createClusterEntry,
  type EntryParts,
  type MutableClusterEntry,
} from './clusterEntry.ts';
import { buildClusterName, type ClusterName } from './clusterName.ts';
import { resolveAccess } from './resolveAccess.ts';

export interface RegistryOptions extends Omit<EntryParts, 'onChange'> {
  readonly policy: AccessPolicy;
  readonly providers: ProviderFile;
}

/** Told of each cluster that came, went, or may have changed. */
export type ClusterListener = (name: ClusterName, change: 'added' | 'changed' | 'removed') => void;

/** Every discovered cluster by name. What is shown of it may be remembered until `version` changes. */
export interface ClusterRegistry {
  readonly version: number;
  /** A Map's lookup: `__proto__`, `..` and the like find nothing (DI-31). */
  get(name: string): ClusterEntry | undefined;
  /** Sorted by name. */
  list(): readonly ClusterEntry[];
  upsert(item: InventoryItem): void;
  remove(key: ProfileKey): void;
  /** Resolves every cluster anew against a changed provider file (AC-03). */
  setProviders(providers: ProviderFile): void;
  /** The same against a changed access policy; what it does not alter stays open. */
  setPolicy(policy: AccessPolicy): void;
  /** @returns ends it */
  subscribe(listener: ClusterListener): () => void;
  close(): void;
}

export function createClusterRegistry(options: RegistryOptions): ClusterRegistry {
  const entries = new Map<ClusterName, MutableClusterEntry>();
  let { policy, providers } = options;
  let version = 0;
  let sorted: readonly ClusterEntry[] | undefined;

  const listeners = new Set<ClusterListener>();

  const tell: ClusterListener = (name, change) => {
    version++;
    for (const listener of listeners) listener(name, change);
  };
  const resolveAll = (): void => {
    for (const entry of entries.values()) {
      entry.update(entry.profile, resolveAccess(entry, providers, policy));
      tell(entry.name, 'changed');
    }
  };
  const parts: EntryParts = {
    now: options.now,
    openCluster: options.openCluster,
    onChange: (name) => {
      tell(name, 'changed');
    },
  };

  return {
    get version() {
      return version;
    },
    get: (name) => entries.get(name as ClusterName),
    list() {
      sorted ??= [...entries.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
      return sorted;
    },
    upsert(item) {
      const { key, root, profile } = item;
      const name = buildClusterName(key);
      const access = resolveAccess(item, providers, policy);
      const present = entries.get(name);
      if (present) present.update(profile, access);
      else {
        entries.set(name, createClusterEntry({ name, key, root }, profile, access, parts));
        sorted = undefined;
      }
      tell(name, present ? 'changed' : 'added');
    },
    remove(key) {
      const name = buildClusterName(key);
      const present = entries.get(name);
      if (!present) return;
      entries.delete(name);
      sorted = undefined;
      present.close(new CodedError('cluster-unknown', 'The cluster was removed from the inventory'));
      tell(name, 'removed');
    },
    setProviders(next) {
      providers = next;
      resolveAll();
    },
    setPolicy(next) {
      policy = next;
      resolveAll();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      for (const entry of entries.values()) entry.close(new CodedError('shutting-down'));
      entries.clear();
    },
  };
}
