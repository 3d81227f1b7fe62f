import { Router } from 'express';
import type { ClusterRegistry } from '../clusters/registry.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { describeClusters } from './describeClusters.ts';

/** `/cluster-inventory/v1`: what the plugin asks. */
export function createApiRouter(registry: ClusterRegistry, inventory: Inventory): Router {
  const router = Router({ caseSensitive: true, strict: true });
  router.get('/clusters', (_request, response) => {
    response.set('Cache-Control', 'private, no-cache');
    response.json(describeClusters(registry.list(), inventory.states()));
  });
  return router;
}
