/** The answers of `/cluster-inventory/v1`, typed once for both sides. Times are RFC 3339 in UTC. */
export interface ClustersResponse {
  readonly apiVersion: 'cluster-inventory/v1';
  readonly clusters: readonly ClusterSummary[];
  readonly roots: readonly RootSummary[];
}

export interface Reason {
  /** From the registry of errors; docs/errors.md explains each. */
  readonly code: string;
  readonly message: string;
}

export interface RootSummary {
  /** `in-cluster` or `store/<context>`. */
  readonly name: string;
  readonly state: 'starting' | 'synced' | 'no-crd' | 'failing';
  /** What is listed of this root may be out of date. */
  readonly stale: boolean;
  /** When the hub last confirmed the list. */
  readonly lastSyncedAt?: string;
  readonly reason?: Reason;
  /** `*` stands for all. */
  readonly namespaces: readonly string[];
}

export interface ClusterSummary {
  /** For addresses: `/c/<name>/…` and `/clusters/<name>/…`, percent-encoded. */
  readonly name: string;
  /** `<root>/<namespace>/<profile name>`. */
  readonly key: string;
  readonly root: string;
  readonly namespace: string;
  readonly profileName: string;
  /** What people see; may hold anything, and is not unique. */
  readonly displayName: string;
  readonly uid: string;
  readonly manager: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly properties: readonly {
    readonly name: string;
    readonly value: string;
    readonly lastObservedTime?: string;
  }[];
  /** What the inventory says: the condition `ControlPlaneHealthy`. */
  readonly health: {
    readonly state: 'healthy' | 'unhealthy' | 'unknown' | 'not-reported';
    readonly reason?: string;
    readonly message?: string;
    readonly since?: string;
  };
  /** The Kubernetes version that the inventory says. */
  readonly version?: string;
  /** What the sidecar knows of the way to the cluster. */
  readonly access: {
    readonly state:
      | 'ready'
      | 'not-checked'
      | 'no-provider'
      | 'invalid'
      | 'blocked'
      | 'credential-failed'
      | 'unreachable'
      | 'credential-rejected'
      | 'impersonation-refused'
      | 'being-removed';
    /** Where it failed. */
    readonly stage?: 'profile' | 'access' | 'credential' | 'connection' | 'api' | 'permission';
    readonly code?: string;
    readonly message?: string;
    readonly since?: string;
  };
  /** The access provider that serves, or whose fault it is that none does. */
  readonly provider?: string;
  /** The hub could not confirm this entry lately. */
  readonly stale: boolean;
}
