import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ClusterEntry } from '../clusters/clusterEntry.ts';
import type { ClusterRegistry } from '../clusters/registry.ts';
import type { Gate } from '../identity/gate.ts';
import type { HubSession } from './hubSession.ts';

export interface SeenClusters {
  /** Sorted by name. */
  readonly entries: readonly ClusterEntry[];
  /** Whether that is every cluster there is, so that what is made of it serves everyone who sees all. */
  readonly isAll: boolean;
  /** Of the registry, when it was listed. */
  readonly version: number;
}

/**
 * The clusters that whoever sent a request may see (ID-10). A session that is renewed on the way goes into the
 * response's cookies.
 * @throws CodedError `sign-in-required`, `token-rejected`, `reviews-unavailable` and the like
 */
export type FindSeenClusters = (request: IncomingMessage, response: ServerResponse) => Promise<SeenClusters>;

export function createFindSeenClusters(
  registry: ClusterRegistry,
  users: { readonly gate: Gate; readonly session: HubSession | undefined } | undefined,
): FindSeenClusters {
  return async (request, response) => {
    if (users === undefined) return { entries: registry.list(), isAll: true, version: registry.version };
    const { gate, session } = users;
    const renewed = await session?.renew(request);
    renewed?.addTo(response);
    const caller = await gate.identify(request, renewed?.token);
    const isVisible = await gate.whatIsVisible(
      caller,
      registry.list().map(({ profile }) => profile),
    );
    const entries = registry.list();
    const seen = entries.filter(({ profile }) => isVisible(profile));
    return { entries: seen, isAll: seen.length === entries.length, version: registry.version };
  };
}
