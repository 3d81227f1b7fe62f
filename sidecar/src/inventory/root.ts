import type { UnknownRecord } from '../foundation/unknownValue.ts';

/** How the sidecar is known to a hub. A token file is read again when it changes (DI-15). */
export interface RootUser {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly basic?: { readonly username: string; readonly password: string };
  readonly clientCertificate?: { readonly certificate: string; readonly key: string };
  /** `user.exec` of a kubeconfig, as written there. */
  readonly exec?: UnknownRecord;
}

/** A hub: an API server that may hold ClusterProfiles. */
export interface Root {
  /** `in-cluster`, or `store/<context>` (DI-01, DI-02). */
  readonly name: string;
  readonly defaultNamespace: string;
  readonly server: string;
  /** PEM; absent means the default roots. */
  readonly ca?: string;
  readonly serverName?: string;
  readonly insecureSkipVerify: boolean;
  readonly proxyUrl?: string;
  readonly user: RootUser;
}
