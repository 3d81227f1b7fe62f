import type { ClusterSummary } from '../../../sidecar/src/api/clusterTypes.ts';

/** The sidecar's answer, typed where it is made. */
export type {
  ClustersChange,
  ClustersResponse,
  ClusterSummary,
  RootSummary,
} from '../../../sidecar/src/api/clusterTypes.ts';

export type HealthState = ClusterSummary['health']['state'];
export type AccessState = ClusterSummary['access']['state'];
