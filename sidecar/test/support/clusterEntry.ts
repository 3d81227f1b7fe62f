import type { ClusterEntry } from '../../src/clusters/clusterEntry.ts';
import type { ClusterName } from '../../src/clusters/clusterName.ts';
import { decodeClusterProfile } from '../../src/inventory/clusterProfile.ts';
import { buildProfileKey } from '../../src/inventory/profileKey.ts';

export interface EntryContent {
  /** Of the profile, beside its name and namespace. */
  readonly metadata?: object;
  readonly status?: object;
}

/** A ready cluster as a list has it: nothing of it can be used. */
export function createClusterEntry(
  name: ClusterName,
  profileName: string,
  { metadata, status }: EntryContent,
): ClusterEntry {
  const profile = decodeClusterProfile({
    metadata: { name: profileName, namespace: 'fleet', uid: 'u', ...metadata },
    status,
  });
  if (!profile) throw new Error('not decoded');
  return {
    name,
    key: buildProfileKey('in-cluster', 'fleet', profileName),
    root: 'in-cluster',
    profile,
    provider: 'p',
    status: { state: 'ready', since: 0 },
    history: [{ state: 'ready', since: 0 }],
    select: () => Promise.reject(new Error('not here')),
    selectNow: () => undefined,
    report: () => undefined,
  };
}
