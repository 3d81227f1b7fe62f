import { applyChange } from '../model/applyChange.ts';
import type { ClustersResponse } from '../model/inventoryTypes.ts';
import type { ListFailure } from '../model/listFailure.ts';
import type { ClustersClient } from './clustersClient.ts';
import type { FollowEvents, InventoryEvent } from './eventStream.ts';

export interface InventoryState {
  /** The last good answer: it stays when later ones fail, unless there is nobody signed in any more. */
  readonly inventory?: ClustersResponse;
  /** Set while the newest answer is a failure. */
  readonly failure?: ListFailure;
  /** When it was last known to be current; epoch milliseconds. */
  readonly loadedAtMs?: number;
  readonly isLoading: boolean;
}

/** The one list of clusters of this page, kept current while somebody looks at it. For `useSyncExternalStore`. */
export interface InventoryFeed {
  readonly subscribe: (listener: () => void) => () => void;
  readonly current: () => InventoryState;
  /** Asks for the list now. */
  readonly reload: () => void;
}

export interface InventoryFeedParts {
  readonly client: ClustersClient;
  readonly follow: FollowEvents;
}

/** So that whoever signs in, in this tab or another, finds their clusters within 2 s (ID-08). */
const SIGNED_OUT_MS = 1_000;
const RETRY_MS = 5_000;
/** Between lists, whatever ends the streams. */
const SHORTEST_MS = 1_000;

const START: InventoryState = { isLoading: true };

/**
 * Asks for the list once, then follows the events from there. A stream that ends is followed by another list, which
 * says why: a session that ended, a sidecar that is away. A hidden page follows nothing, and catches up when it is
 * shown.
 */
export function createInventoryFeed({ client, follow }: InventoryFeedParts): InventoryFeed {
  const listeners = new Set<() => void>();
  let state = START;
  let stop: (() => void) | undefined;
  let wake = (): void => undefined;

  const setState = (next: InventoryState): void => {
    state = next;
    for (const listener of listeners) listener();
  };
  const accept = (inventory: ClustersResponse): void => {
    setState({ inventory, loadedAtMs: Date.now(), isLoading: false });
  };
  const onEvent = (event: InventoryEvent): void => {
    if (event.kind === 'state') accept(event.response);
    else if (state.inventory) accept(applyChange(state.inventory, event.change));
  };
  const refuse = (failure: ListFailure): void => {
    setState(
      // What somebody saw is not for whoever comes next.
      failure === 'signed-out' ? { failure, isLoading: false } : { ...state, failure, isLoading: false },
    );
  };

  const run = async (isOver: () => boolean): Promise<void> => {
    /** Resolves after the time, or when somebody asks for the list, or the page is shown or hidden. */
    const pause = (ms: number): Promise<void> =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    while (!isOver()) {
      if (isHidden()) {
        await pause(2 ** 31 - 1);
        continue;
      }
      const result = await client.list();
      if (isOver()) return;
      if (!result.ok) {
        refuse(result.failure);
        await pause(result.failure === 'signed-out' ? SIGNED_OUT_MS : RETRY_MS);
        continue;
      }
      accept(result.response);
      if (isHidden()) continue;
      const stream = new AbortController();
      const shortest = pause(SHORTEST_MS);
      wake = () => stream.abort();
      await follow(result.response.version, onEvent, stream.signal);
      if (isOver()) return;
      // Until now it was current, however long nothing happened.
      setState({ ...state, loadedAtMs: Date.now() });
      if (!stream.signal.aborted) await shortest;
    }
  };

  const start = (): (() => void) => {
    let isOver = false;
    const onVisibilityChange = (): void => wake();
    document.addEventListener('visibilitychange', onVisibilityChange);
    void run(() => isOver);
    return () => {
      document.removeEventListener('visibilitychange', onVisibilityChange);
      isOver = true;
      wake();
      state = START;
    };
  };

  return {
    subscribe(listener) {
      listeners.add(listener);
      stop ??= start();
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        stop?.();
        stop = undefined;
      };
    },
    current: () => state,
    reload: () => wake(),
  };
}

function isHidden(): boolean {
  return document.visibilityState !== 'visible';
}
