import { readFile } from 'node:fs/promises';
import { watchFileText } from '../config/watchedFile.ts';
import type { Clock } from '../foundation/clock.ts';
import { asCodedError } from '../foundation/errors.ts';
import type { Log } from '../foundation/log.ts';
import { kubeconfigFiles, loadRoots, type RootSource } from '../inventory/loadRoots.ts';
import type { Root } from '../inventory/root.ts';

const lookIntervalMs = 1000;

export interface RootFollower {
  readonly source: RootSource;
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly onChange: (roots: readonly Root[]) => void;
}

/**
 * The roots at start, when a kubeconfig changes, and at an interval (DI-03). A kubeconfig that became invalid changes
 * nothing. @throws CodedError `kubeconfig-invalid` at start
 */
export async function followRoots({
  source,
  intervalMs,
  clock,
  log,
  onChange,
}: RootFollower): Promise<{ readonly roots: readonly Root[]; readonly end: () => void }> {
  const roots = await loadRoots(source);
  let ended = false;
  const reconcile = async (): Promise<void> => {
    try {
      const next = await loadRoots(source);
      if (!ended) onChange(next);
    } catch (thrown) {
      log.error('the kubeconfig is not usable, the roots stay', { reason: asCodedError(thrown).message });
    }
  };
  let cancelInterval: () => void;
  const arm = (): void => {
    cancelInterval = clock.after(intervalMs, () => {
      void reconcile().then(() => {
        if (!ended) arm();
      });
    });
  };
  arm();
  const watches = await Promise.all(
    kubeconfigFiles(source).map(async (path) =>
      watchFileText({
        path,
        clock,
        intervalMs: lookIntervalMs,
        initialText: await readFile(path, 'utf8').catch(() => undefined),
        onChange: () => void reconcile(),
      }),
    ),
  );
  return {
    roots,
    end() {
      ended = true;
      cancelInterval();
      for (const endWatch of watches) endWatch();
    },
  };
}
