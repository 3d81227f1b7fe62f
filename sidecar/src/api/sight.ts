import type { ClusterEntry } from '../clusters/clusterEntry.ts';
import type { ClusterName } from '../clusters/clusterName.ts';
import type { ClusterRegistry } from '../clusters/registry.ts';
import type { SeenClusters, Viewer } from '../dashboard/viewer.ts';

/** Which clusters one viewer was shown, and what of a change is theirs to know. */
export interface Sight {
  readonly shown: ReadonlySet<ClusterName>;
  /** 48 bits, the same for the same clusters shown. */
  readonly digest: number;
  /** What is seen now; taken as shown. @throws CodedError `reviews-unavailable` */
  begin(): Promise<SeenClusters>;
  /** Looks again. @returns those that may be seen now and were not shown, and the other way round */
  look(): Promise<readonly ClusterName[]>;
  /** Of what changed: what to show of it, and what to take away. */
  take(names: Iterable<ClusterName>): {
    readonly changed: readonly ClusterEntry[];
    readonly removed: readonly ClusterName[];
  };
}

export function createSight(viewer: Viewer, registry: Pick<ClusterRegistry, 'get'>): Sight {
  let isSeen: SeenClusters['isSeen'] = () => false;
  let shown = new Set<ClusterName>();
  let digest = 0;

  const show = (name: ClusterName): void => {
    if (shown.has(name)) return;
    shown.add(name);
    digest = (digest + weigh(name)) % modulus;
  };
  const hide = (name: ClusterName): boolean => {
    if (!shown.delete(name)) return false;
    digest = (digest + modulus - weigh(name)) % modulus;
    return true;
  };
  const look = async (): Promise<SeenClusters> => {
    const view = await viewer.look();
    ({ isSeen } = view);
    return view;
  };

  return {
    get shown() {
      return shown;
    },
    get digest() {
      return digest;
    },
    async begin() {
      const view = await look();
      shown = new Set();
      digest = 0;
      for (const { name } of view.entries) show(name);
      return view;
    },
    async look() {
      const { entries } = await look();
      const now = new Set(entries.map(({ name }) => name));
      return [...[...now].filter((name) => !shown.has(name)), ...[...shown].filter((name) => !now.has(name))];
    },
    take(names) {
      const changed: ClusterEntry[] = [];
      const removed: ClusterName[] = [];
      for (const name of names) {
        const entry = registry.get(name);
        if (entry && isSeen(entry)) {
          changed.push(entry);
          show(name);
          // What was never shown is not named either: there may be such a cluster, for others (ID-15).
        } else if (hide(name)) removed.push(name);
      }
      return { changed, removed };
    },
  };
}

const modulus = 2 ** 48;

/** Each name ends in 12 hex digits of a hash (DI-30): their sum tells sets apart, in whatever order they came to be. */
function weigh(name: ClusterName): number {
  return Number.parseInt(name.slice(-12), 16);
}
