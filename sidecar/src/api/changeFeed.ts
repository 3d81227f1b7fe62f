import type { ClusterName } from '../clusters/clusterName.ts';
import type { ClusterListener, ClusterRegistry } from '../clusters/registry.ts';

export interface FeedListener {
  readonly onCluster: ClusterListener;
  /** How a root is followed changed. */
  readonly onRoots: () => void;
  /** No more will come. */
  readonly onEnd: () => void;
}

/** What changed of the inventory, numbered in its order, for those who watch it and for those who come back. */
export interface ChangeFeed {
  /** The number of the last change of these clusters or of a root; 0 before any. */
  latestOf(names: Iterable<ClusterName>): number;
  /** Which clusters changed or went after it; undefined where that is no longer known. */
  changedAfter(sequence: number): readonly ClusterName[] | undefined;
  haveRootsChangedAfter(sequence: number): boolean;
  /** To be called when how a root is followed changed. */
  rootsChanged(): void;
  /** @returns ends it */
  subscribe(listener: FeedListener): () => void;
  close(): void;
}

/** Clusters that went and are remembered for those who come back. */
const keptRemovals = 10_000;

export function createChangeFeed(registry: Pick<ClusterRegistry, 'get' | 'subscribe'>): ChangeFeed {
  /** Also of those that went. */
  const changedAt = new Map<ClusterName, number>();
  const listeners = new Set<FeedListener>();
  let sequence = 0;
  let rootsChangedAt = 0;
  let removals = 0;
  /** What was before is not known. */
  let knownFrom = 0;
  let isClosed = false;

  const forgetRemovals = (): void => {
    for (const name of changedAt.keys()) if (!registry.get(name)) changedAt.delete(name);
    removals = 0;
    knownFrom = sequence;
  };

  const leave = registry.subscribe((name, change) => {
    changedAt.set(name, ++sequence);
    if (change === 'removed' && ++removals > keptRemovals) forgetRemovals();
    for (const { onCluster } of listeners) onCluster(name, change);
  });

  return {
    latestOf(names) {
      let latest = rootsChangedAt;
      for (const name of names) latest = Math.max(latest, changedAt.get(name) ?? 0);
      return latest;
    },
    changedAfter(since) {
      if (since < knownFrom) return undefined;
      return [...changedAt].flatMap(([name, at]) => (at > since ? [name] : []));
    },
    haveRootsChangedAfter: (since) => rootsChangedAt > since,
    rootsChanged() {
      rootsChangedAt = ++sequence;
      for (const { onRoots } of listeners) onRoots();
    },
    subscribe(listener) {
      if (isClosed) listener.onEnd();
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      isClosed = true;
      leave();
      for (const { onEnd } of [...listeners]) onEnd();
    },
  };
}
