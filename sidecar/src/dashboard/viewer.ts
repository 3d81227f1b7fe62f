import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ClusterEntry } from '../clusters/clusterEntry.ts';
import type { ClusterRegistry } from '../clusters/registry.ts';
import type { ClusterProfile } from '../inventory/clusterProfile.ts';
import { assertNotForged } from '../identity/checkOrigin.ts';
import type { Caller, Gate } from '../identity/gate.ts';
import type { StreamHold } from '../identity/streamGuard.ts';
import type { IsVisible } from '../identity/visibility.ts';
import type { HubSession } from './hubSession.ts';

export interface SeenClusters {
  /** Sorted by name. */
  readonly entries: readonly ClusterEntry[];
  /** Whether that is every cluster there is, so that what is made of it serves everyone who sees all. */
  readonly isAll: boolean;
  /** Of the registry, when it was listed. */
  readonly version: number;
  /** The same for one cluster; of one that came later it may say no too soon. */
  readonly isSeen: (entry: ClusterEntry) => boolean;
}

/** Whoever sent a request, and what of the inventory is theirs to see. */
export interface Viewer {
  /** Undefined where nobody is asked who they are. */
  readonly caller: Caller | undefined;
  /** Every cluster that they may see (ID-10). @throws CodedError `reviews-unavailable` */
  look(): Promise<SeenClusters>;
  /** Whether they may send reads to it (ID-11). @throws CodedError `reviews-unavailable` */
  mayUse(entry: ClusterEntry): Promise<boolean>;
  /** Aborted when a long answer to them has to end (ID-14). */
  hold(): StreamHold;
}

/**
 * A session that is renewed on the way goes into the response's cookies.
 * @throws CodedError `sign-in-required`, `token-rejected`, `reviews-unavailable` and the like; `origin-refused` for a
 *   write of which the browser does not say where it comes from
 */
export type FindViewer = (request: IncomingMessage, response: ServerResponse) => Promise<Viewer>;

export function createFindViewer(
  registry: ClusterRegistry,
  users: { readonly gate: Gate; readonly session: HubSession | undefined } | undefined,
): FindViewer {
  const lookBy = async (findVisible: (profiles: readonly ClusterProfile[]) => Promise<IsVisible>) => {
    const entries = registry.list();
    // Of this moment, as the list is: what changes while the hub is asked makes it outdated.
    const { version } = registry;
    const isVisible = await findVisible(entries.map(({ profile }) => profile));
    const isSeen = ({ profile }: ClusterEntry): boolean => isVisible(profile);
    const seen = entries.filter(isSeen);
    return { entries: seen, isAll: seen.length === entries.length, version, isSeen };
  };

  const everybody: Viewer = {
    caller: undefined,
    look: () =>
      Promise.resolve({
        entries: registry.list(),
        isAll: true,
        version: registry.version,
        isSeen: () => true,
      }),
    mayUse: () => Promise.resolve(true),
    hold: () => ({ signal: new AbortController().signal, release: () => undefined }),
  };

  return async (request, response) => {
    if (users === undefined) return everybody;
    const { gate, session } = users;
    const renewed = await session?.renew(request);
    renewed?.addTo(response);
    const caller = await gate.identify(request, renewed?.token);
    if (caller.origin === 'cookie' || caller.origin === 'proxy') assertNotForged(request, false);
    return {
      caller,
      look: () => lookBy((profiles) => gate.whatIsVisible(caller, profiles)),
      mayUse: ({ profile }) => gate.may(caller, profile, 'get'),
      hold: () => gate.holdSession(caller),
    };
  };
}
