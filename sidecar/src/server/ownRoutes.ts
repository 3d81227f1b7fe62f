import { type BackendRoutes, createBackendRoutes } from './backendRoutes.ts';
import { type CheckCluster, createCheckCluster } from './clusterCheck.ts';
import { createNodeDrain, type NodeDrain, type NodeDrainOptions } from './nodeDrain.ts';
import { createOwnRequests, type OwnRequestsOptions } from './ownRequests.ts';

/** What asks clusters by itself: the routes of the dashboard's backend (PX-45), and a check of one cluster. */
export function createOwnRoutes(options: OwnRequestsOptions & Omit<NodeDrainOptions, 'requests'>): {
  readonly nodeDrain: NodeDrain;
  readonly backendRoutes: BackendRoutes;
  readonly check: CheckCluster;
} {
  const requests = createOwnRequests(options);
  return {
    nodeDrain: createNodeDrain({ ...options, requests }),
    backendRoutes: createBackendRoutes(requests),
    check: createCheckCluster({ ...options, requests }),
  };
}
