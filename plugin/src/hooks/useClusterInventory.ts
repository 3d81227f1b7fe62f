import { useCallback, useEffect, useRef, useState } from 'react';
import type { ClustersClient } from '../api/clustersClient.ts';
import type { ListFailure } from '../model/listFailure.ts';
import type { ClustersResponse } from '../model/inventoryTypes.ts';

export interface ClusterInventory {
  /** The last good answer: it stays when later ones fail. */
  readonly inventory?: ClustersResponse;
  /** Set while the newest answer is a failure. */
  readonly failure?: ListFailure;
  /** When the last good answer came; epoch milliseconds. */
  readonly loadedAtMs?: number;
  readonly isLoading: boolean;
  readonly reload: () => void;
}

const POLL_MS = 5_000;

/** Asks for the list while the page can be seen, one request at a time. */
export function useClusterInventory(client: ClustersClient): ClusterInventory {
  const [state, setState] = useState<Omit<ClusterInventory, 'reload'>>({ isLoading: true });
  const askNow = useRef<() => void>(() => undefined);

  useEffect(() => {
    const over = new AbortController();
    const isOver = () => over.signal.aborted;
    let isAsking = false;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const ask = async () => {
      if (isAsking || isOver()) return;
      isAsking = true;
      clearTimeout(timer);
      const result = await client.list();
      isAsking = false;
      if (isOver()) return;
      setState((previous) =>
        result.ok
          ? { inventory: result.response, loadedAtMs: Date.now(), isLoading: false }
          : { ...previous, failure: result.failure, isLoading: false },
      );
      if (document.visibilityState === 'visible') timer = setTimeout(() => void ask(), POLL_MS);
    };
    const onVisibilityChange = () => {
      if (document.visibilityState === 'visible') void ask();
      else clearTimeout(timer);
    };

    askNow.current = () => void ask();
    document.addEventListener('visibilitychange', onVisibilityChange);
    void ask();
    return () => {
      over.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisibilityChange);
    };
  }, [client]);

  const reload = useCallback(() => askNow.current(), []);
  return { ...state, reload };
}
