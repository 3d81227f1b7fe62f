import { Router } from 'express';
import type { FindSeenClusters } from '../dashboard/seenClusters.ts';
import { CodedError } from '../foundation/errors.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { describeClusters } from './describeClusters.ts';

/** `/cluster-inventory/v1`: what the plugin asks. */
export function createApiRouter(findSeen: FindSeenClusters, inventory: Inventory): Router {
  const router = Router({ caseSensitive: true, strict: true });
  router.get('/clusters', async (request, response) => {
    response.set('Cache-Control', 'private, no-cache');
    response.set('Vary', 'Cookie, Authorization');
    const { entries } = await findSeen(request, response);
    response.json(describeClusters(entries, inventory.states()));
  });
  router.all('/clusters', (_request, response) => {
    response.set('Allow', 'GET, HEAD');
    throw new CodedError('method-refused');
  });
  // Nothing below is the dashboard's: it would answer with its page.
  router.use(() => {
    throw new CodedError('path-unknown');
  });
  return router;
}
