/** The sidecar's `GET /cluster-inventory/v1/clusters`. Times are RFC 3339. */
export interface ClustersResponse {
  readonly apiVersion: 'cluster-inventory/v1';
  readonly clusters: readonly ClusterSummary[];
  readonly roots: readonly RootSummary[];
}

export interface RootSummary {
  readonly name: string;
  readonly state: 'starting' | 'synced' | 'no-crd' | 'failing';
  readonly stale: boolean;
  readonly lastSyncedAt?: string;
  readonly reason?: { readonly code: string; readonly message: string };
  /** `*` stands for all. */
  readonly namespaces: readonly string[];
}

export interface ClusterSummary {
  /** Generated: for addresses. */
  readonly name: string;
  /** `<root>/<namespace>/<profile name>` */
  readonly key: string;
  readonly root: string;
  readonly namespace: string;
  readonly profileName: string;
  readonly displayName: string;
  readonly uid: string;
  readonly manager: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly properties: readonly {
    readonly name: string;
    readonly value: string;
    readonly lastObservedTime?: string;
  }[];
  readonly health: {
    readonly state: HealthState;
    readonly reason?: string;
    readonly message?: string;
    readonly since?: string;
  };
  /** What the inventory says. */
  readonly version?: string;
  /** What the API server said when the sidecar last asked. */
  readonly observedVersion?: string;
  readonly access: {
    readonly state: AccessState;
    readonly stage?: string;
    readonly code?: string;
    readonly message?: string;
    readonly since?: string;
  };
  readonly provider?: string;
  readonly stale: boolean;
}

export type HealthState = 'healthy' | 'unhealthy' | 'unknown' | 'not-reported';

export type AccessState =
  | 'ready'
  | 'not-checked'
  | 'checking'
  | 'no-provider'
  | 'blocked'
  | 'credential-failed'
  | 'unreachable'
  | 'credential-rejected'
  | 'impersonation-refused'
  | 'invalid'
  | 'being-removed';
