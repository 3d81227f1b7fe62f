import type { AccessState } from '../clusters/clusterStatus.ts';

/** The answers of `/cluster-inventory/v1`, typed once for both sides. Times are RFC 3339 in UTC. */
export interface ClustersResponse {
  readonly apiVersion: 'cluster-inventory/v1';
  /** Opaque; as `since` of the event stream it asks for what changed after it. */
  readonly version: string;
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
  /** While it is stale: when the hub last confirmed the list. Else it would tell of changes that not everybody may see. */
  readonly lastSyncedAt?: string;
  readonly reason?: Reason;
  /** `*` stands for all. */
  readonly namespaces: readonly string[];
  /** Those of them that the hub cannot be asked about now: their clusters are stale. */
  readonly failingNamespaces: readonly string[];
}

export type StageName = 'profile' | 'access' | 'credential' | 'connection' | 'api' | 'permission';

export interface AccessSummary {
  readonly state: AccessState;
  /** Where it failed. */
  readonly stage?: StageName;
  readonly code?: string;
  readonly message?: string;
  /** Since when this state holds. */
  readonly since: string;
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
  readonly access: AccessSummary;
  /** The access provider that serves, or whose fault it is that none does. */
  readonly provider?: string;
  /** The hub could not confirm this entry lately. */
  readonly stale: boolean;
}

/** `GET …/clusters/<name>`, and what `POST …/clusters/<name>/check` found. */
export interface ClusterDetail extends ClusterSummary {
  /** In the order in which they are walked; what comes after a failed one is not known. */
  readonly stages: readonly StageSummary[];
  /** Its last states, the newest first; 20 at most. */
  readonly transitions: readonly AccessSummary[];
  readonly conditions: readonly ConditionSummary[];
  /** The names that the profile publishes, in its order. */
  readonly accessProviders: readonly string[];
  /** Whether the one who asks may send reads to it. */
  readonly mayUse: boolean;
  /** What the plugin wrote last, redacted; for those who may use the cluster. */
  readonly diagnosis?: string;
}

export interface StageSummary {
  readonly stage: StageName;
  readonly state: 'ok' | 'failed' | 'not-checked';
  /** Of a failed one. */
  readonly code?: string;
  readonly message?: string;
  readonly since?: string;
}

export interface ConditionSummary {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

/** The event `clusters` of `…/events`. */
export interface ClustersChange {
  /** As of this event. */
  readonly version: string;
  /** New ones, and those of which something changed. */
  readonly changed: readonly ClusterSummary[];
  /** Names of those that went, or may no longer be seen. */
  readonly removed: readonly string[];
  /** All of them, when something about one changed. What is stale follows from `failingNamespaces`. */
  readonly roots?: readonly RootSummary[];
}

/** The event `end`: why no more will come. */
export interface StreamEnd {
  readonly code: string;
  readonly message: string;
}
