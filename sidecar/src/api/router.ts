import { type Request, type Response, Router } from 'express';
import type { ClusterEntry } from '../clusters/clusterEntry.ts';
import type { ClusterRegistry } from '../clusters/registry.ts';
import type { FindViewer, Viewer } from '../dashboard/viewer.ts';
import type { Clock } from '../foundation/clock.ts';
import { CodedError } from '../foundation/errors.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { ChangeFeed } from './changeFeed.ts';
import { streamChanges } from './changeStream.ts';
import { describeClusters } from './describeClusters.ts';
import { describeDetail } from './describeDetail.ts';
import type { VersionTexts } from './inventoryVersion.ts';
import { createSight } from './sight.ts';
import { createStreamLimit } from './streamLimit.ts';

export interface ApiParts {
  readonly registry: ClusterRegistry;
  readonly inventory: Pick<Inventory, 'states'>;
  readonly feed: ChangeFeed;
  readonly versions: VersionTexts;
  readonly findViewer: FindViewer;
  /** Walks the stages of a cluster now, as whoever asks; what comes of it is its status. */
  readonly check: (request: Request, response: Response, name: string) => Promise<void>;
  readonly clock: Clock;
}

/** Tabs of a browser share none: each that is looked at has one. */
const streamLimits = { inAll: 4096, perUser: 128 };

/** `/cluster-inventory/v1`: what the plugin asks. docs/api/openapi.yaml describes it. */
export function createApiRouter(parts: ApiParts): Router {
  const { registry, inventory, feed, versions, findViewer, check, clock } = parts;
  const router = Router({ caseSensitive: true, strict: true });
  const streams = createStreamLimit(streamLimits);
  const states = (): ReturnType<Inventory['states']> => inventory.states();

  /** @throws CodedError `cluster-unknown`, also for one that they may not see (ID-15) */
  const findSeen = async (viewer: Viewer, name: string): Promise<ClusterEntry> => {
    const { isSeen } = await viewer.look();
    const entry = registry.get(name);
    if (!entry || !isSeen(entry)) throw new CodedError('cluster-unknown');
    return entry;
  };

  router.use((_request, response, next) => {
    response.set('Cache-Control', 'private, no-cache');
    response.set('Vary', 'Cookie, Authorization');
    next();
  });

  router.get('/clusters', async (request, response) => {
    const viewer = await findViewer(request, response);
    const sight = createSight(viewer, registry);
    const { entries } = await sight.begin();
    const version = versions.format({ sequence: feed.latestOf(sight.shown), sight: sight.digest });
    response.json(describeClusters(entries, states(), version));
  });

  router.get('/clusters/:name', async (request, response) => {
    const viewer = await findViewer(request, response);
    const entry = await findSeen(viewer, request.params.name);
    response.json(describeDetail(entry, states(), await viewer.mayUse(entry)));
  });

  router.post('/clusters/:name/check', async (request, response) => {
    const { name } = request.params;
    await check(request, response, name);
    // Whoever may use it need not see what the inventory says of it (ID-10).
    const entry = await findSeen(await findViewer(request, response), name);
    response.json(describeDetail(entry, states(), true));
  });

  router.get('/events', async (request, response) => {
    if (request.method === 'HEAD') throw new CodedError('method-refused');
    const viewer = await findViewer(request, response);
    const release = streams.take(viewer.caller?.user.name ?? '');
    const asked = request.get('Last-Event-ID') ?? request.query['since'];
    const since = typeof asked === 'string' ? asked : '';
    await streamChanges({ feed, versions, registry, states, clock }, response, { viewer, since }).finally(
      release,
    );
  });

  for (const [path, allowed] of methods) {
    router.all(path, (_request, response) => {
      response.set('Allow', allowed);
      throw new CodedError('method-refused');
    });
  }
  // Nothing below is the dashboard's: it would answer with its page.
  router.use(() => {
    throw new CodedError('path-unknown');
  });
  return router;
}

const methods = [
  ['/clusters', 'GET, HEAD'],
  ['/clusters/:name', 'GET, HEAD'],
  ['/clusters/:name/check', 'POST'],
  ['/events', 'GET'],
] as const;
