import type { ProviderFile } from '../config/providerFile.ts';
import type { PluginInvocation } from '../credentials/credential.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { InventoryItem } from '../inventory/inventory.ts';
import { buildProfileKey } from '../inventory/profileKey.ts';
import { type AccessPolicy, type AccessRules, decideAccessRules } from './accessPolicy.ts';
import type { ClusterConnection } from './connection.ts';
import { resolveConnection } from './resolveConnection.ts';
import { resolveInvocation } from './resolveInvocation.ts';

/** One way to a cluster: where it is, and the plugin that answers its credential. */
export interface AccessCandidate {
  readonly provider: string;
  readonly connection: ClusterConnection;
  readonly invocation: PluginInvocation;
  readonly rules: AccessRules;
}

export type Access =
  /** At least one; the first serves, the others where its plugin fails (AC-14). */
  | { readonly kind: 'reachable'; readonly candidates: readonly AccessCandidate[] }
  | { readonly kind: 'unreachable'; readonly error: CodedError; readonly provider?: string };

/**
 * From a profile, the provider file and the access policy to a way in, or the reason why there is none. Pure: the same input gives the
 * same access, so that a difference means that something changed.
 */
export function resolveAccess(
  { root, profile }: Pick<InventoryItem, 'root' | 'profile'>,
  { providers, disabled }: ProviderFile,
  policy: AccessPolicy,
): Access {
  if (profile.deletedAt !== undefined)
    return { kind: 'unreachable', error: new CodedError('profile-being-removed') };
  if (profile.accessProviders.length === 0)
    return { kind: 'unreachable', error: new CodedError('no-access-provider') };
  const published = new Map(profile.accessProviders.map(({ name, cluster }) => [name, cluster]));
  const candidates: AccessCandidate[] = [];
  for (const provider of providers) {
    const cluster = published.get(provider.name);
    if (!cluster) continue;
    try {
      const rules = decideAccessRules(policy, {
        root,
        namespace: profile.namespace,
        clusterManager: profile.manager ?? '',
        provider: provider.name,
        labels: profile.labels,
      });
      if (rules.refused !== undefined)
        throw new CodedError('policy-refused', `The access policy refuses this cluster: ${rules.refused}`);
      candidates.push({
        provider: provider.name,
        connection: resolveConnection(cluster, rules),
        invocation: resolveInvocation(provider, cluster, {
          owner: profile.uid,
          ownerName: buildProfileKey(root, profile.namespace, profile.name),
        }),
        rules,
      });
    } catch (thrown) {
      // The first that matches decides (AC-10): what is wrong with it is never hidden by the next one.
      if (candidates.length === 0)
        return { kind: 'unreachable', error: asCodedError(thrown), provider: provider.name };
    }
  }
  if (candidates.length > 0) return { kind: 'reachable', candidates };
  const disabledMatch = disabled.find(({ name }) => published.has(name));
  return {
    kind: 'unreachable',
    error: disabledMatch
      ? new CodedError(
          'provider-disabled',
          `The provider "${disabledMatch.name}" is configured with an error: ${disabledMatch.fault}`,
        )
      : new CodedError('no-matching-provider'),
    ...(disabledMatch ? { provider: disabledMatch.name } : {}),
  };
}
