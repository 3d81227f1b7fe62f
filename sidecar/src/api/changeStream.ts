import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { ClusterName } from '../clusters/clusterName.ts';
import type { ClusterRegistry } from '../clusters/registry.ts';
import type { Viewer } from '../dashboard/viewer.ts';
import { type Clock, sleep } from '../foundation/clock.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { RootState } from '../inventory/inventory.ts';
import { createBell } from './bell.ts';
import type { ChangeFeed } from './changeFeed.ts';
import type { ClustersChange, ClustersResponse, StreamEnd } from './clusterTypes.ts';
import { describeClusters, describeEach, describeRoot } from './describeClusters.ts';
import type { VersionTexts } from './inventoryVersion.ts';
import { createSight } from './sight.ts';

export interface ChangeStreamOptions {
  readonly feed: ChangeFeed;
  readonly versions: VersionTexts;
  readonly registry: Pick<ClusterRegistry, 'get'>;
  readonly states: () => readonly RootState[];
  readonly clock: Clock;
}

/** What a busy inventory sends together; the first change goes at once. */
const gatherMs = 10;
/** What one may see is remembered for 60 s (ID-10): rights that the hub gives or takes show at most this much later. */
const lookAgainMs = 10_000;
/** Keeps what is in between from taking the stream for dead (UI-20). */
const heartbeatMs = 15_000;

const headers = {
  'Content-Type': 'text/event-stream',
  // Nothing on the way is to gather or compress what should arrive now.
  'Cache-Control': 'private, no-store, no-transform',
  'X-Accel-Buffering': 'no',
};

/**
 * Server-sent events for one viewer, until they leave or may have no more (ID-14). A slow reader gets what changed
 * meanwhile together, so that nothing piles up here.
 * @param since a version; what cannot be resumed from there begins with the whole list
 * @throws CodedError before anything is sent
 */
export async function streamChanges(
  { feed, versions, registry, states, clock }: ChangeStreamOptions,
  response: ServerResponse,
  { viewer, since }: { readonly viewer: Viewer; readonly since: string },
): Promise<void> {
  // Who left while the hub was asked who they are is not told of again.
  if (response.destroyed) return;
  const over = new AbortController();
  const bell = createBell();
  const sight = createSight(viewer, registry);
  const pending = new Set<ClusterName>();
  /** Of the last change that was told. */
  let sequence = 0;
  let areRootsPending = false;
  let isLookDue = false;

  const end = (reason: CodedError): void => {
    over.abort(reason);
    bell.ring();
  };
  const leaveFeed = feed.subscribe({
    onCluster(name, change) {
      pending.add(name);
      // What came after a look is not known to it.
      if (change === 'added') isLookDue = true;
      bell.ring();
    },
    onRoots() {
      areRootsPending = true;
      bell.ring();
    },
    onEnd() {
      end(new CodedError('shutting-down'));
    },
  });
  const hold = viewer.hold();
  hold.signal.addEventListener('abort', () => {
    end(asCodedError(hold.signal.reason));
  });
  response.once('close', () => {
    end(new CodedError('connection-reset', 'The client went away'));
  });
  const cancelLooks = repeat(clock, lookAgainMs, () => {
    isLookDue = true;
    bell.ring();
  });
  const cancelHeartbeat = repeat(clock, heartbeatMs, () => {
    if (response.headersSent && !response.writableNeedDrain) response.write(':\n\n');
  });

  const versionNow = (): string => versions.format({ sequence, sight: sight.digest });
  const send = (event: string, data: ClustersResponse | ClustersChange): void => {
    response.write(`event: ${event}\nid: ${data.version}\ndata: ${JSON.stringify(data)}\n\n`);
  };

  const begin = async (): Promise<void> => {
    const { entries } = await sight.begin();
    const known = versions.parse(since);
    const missed = known?.sight === sight.digest ? feed.changedAfter(known.sequence) : undefined;
    response.writeHead(200, headers);
    if (known === undefined || missed === undefined) {
      areRootsPending = false;
      sequence = feed.latestOf(sight.shown);
      send('state', describeClusters(entries, states(), versionNow()));
      return;
    }
    ({ sequence } = known);
    for (const name of missed) pending.add(name);
    areRootsPending ||= feed.haveRootsChangedAfter(sequence);
    response.write(':\n\n');
    bell.ring();
  };

  const sendPending = (): void => {
    const { changed, removed } = sight.take(pending);
    pending.clear();
    if (changed.length === 0 && removed.length === 0 && !areRootsPending) return;
    sequence = Math.max(sequence, feed.latestOf([...changed.map(({ name }) => name), ...removed]));
    send('clusters', {
      version: versionNow(),
      changed: describeEach(changed, states()),
      removed,
      ...(areRootsPending ? { roots: states().map(describeRoot) } : {}),
    });
    areRootsPending = false;
  };

  const follow = async (): Promise<void> => {
    for (;;) {
      await bell.heard();
      if (response.writableNeedDrain && !over.signal.aborted)
        await once(response, 'drain', { signal: over.signal }).catch(() => undefined);
      if (over.signal.aborted) return;
      if (isLookDue) {
        isLookDue = false;
        for (const name of await sight.look()) pending.add(name);
      }
      sendPending();
      await sleep(clock, gatherMs, over.signal);
    }
  };

  try {
    await begin();
    await follow().catch((thrown: unknown) => {
      end(asCodedError(thrown));
    });
    const { code, message } = asCodedError(over.signal.reason);
    const last: StreamEnd = { code, message };
    response.end(`event: end\ndata: ${JSON.stringify(last)}\n\n`);
  } finally {
    leaveFeed();
    hold.release();
    cancelLooks();
    cancelHeartbeat();
  }
}

/** Calls `run` at an interval until it is cancelled. */
function repeat(clock: Clock, intervalMs: number, run: () => void): () => void {
  let cancel: () => void;
  const arm = (): void => {
    cancel = clock.after(intervalMs, () => {
      arm();
      run();
    });
  };
  arm();
  return () => {
    cancel();
  };
}
