import { type BackendRoutes, createBackendRoutes } from './backendRoutes.ts';
import { createNodeDrain, type NodeDrain, type NodeDrainOptions } from './nodeDrain.ts';
import { createOwnRequests, type OwnRequestsOptions } from './ownRequests.ts';

/** What the dashboard's backend does by routes of its own, for discovered clusters (PX-45). */
export function createOwnRoutes(options: OwnRequestsOptions & Omit<NodeDrainOptions, 'requests'>): {
  readonly nodeDrain: NodeDrain;
  readonly backendRoutes: BackendRoutes;
} {
  const requests = createOwnRequests(options);
  return {
    nodeDrain: createNodeDrain({ ...options, requests }),
    backendRoutes: createBackendRoutes(requests),
  };
}
