/** What a credential plugin answered, checked (EX-12 to EX-17): a token, a client certificate, or both. */
export interface Credential {
  /** Sent as `Authorization: Bearer`; has only characters that a header may carry. */
  readonly token?: string;
  /** PEM text; key and certificate match. */
  readonly clientCertificate?: { readonly certificate: string; readonly key: string };
  /** Milliseconds since the epoch. Without it the credential stays until the cluster answers 401 (EX-22). */
  readonly expiresAt?: number;
  /**
   * A digest of the client certificate, or the empty string without one. Connections are kept by it: a changed
   * certificate closes the old ones, a changed token closes none (EX-26).
   */
  readonly connectionKey: string;
}

/** What the plugin is told about its cluster under `provideClusterInfo` (EX-04); field names as on the wire. */
export interface ExecClusterInfo {
  readonly server: string;
  readonly 'tls-server-name'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  readonly 'certificate-authority-data'?: string;
  readonly 'proxy-url'?: string;
  readonly 'disable-compression'?: boolean;
  /** The extension `client.authentication.k8s.io/exec`, verbatim (AC-30). */
  readonly config?: unknown;
}

/** One way of running a plugin: all that it is given, and thereby the key of its credential (EX-20). */
export interface PluginInvocation {
  /** The provider's name, for messages and metrics. */
  readonly provider: string;
  readonly command: string;
  readonly args: readonly string[];
  /** In order; the last of one name wins (EX-02). */
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly apiVersion: 'client.authentication.k8s.io/v1' | 'client.authentication.k8s.io/v1beta1';
  /** Only with `provideClusterInfo`. */
  readonly cluster?: ExecClusterInfo;
  readonly installHint?: string;
  /** UID of the ClusterProfile (or another owner's identity): a profile created again shares nothing (DI-33). */
  readonly owner: string;
  /** The owner as people know it, for the log: `<root>/<namespace>/<name>`, or the name of a root. */
  readonly ownerName: string;
  /** The plugin of a kubeconfig's own context: until it answered once, it waits apart from those of clusters (EX-30). */
  readonly isOfRoot?: true;
}

/** The credential of one cluster, kept fresh. */
export interface CredentialSource {
  /**
   * The current credential; runs the plugin when there is none (EX-21, EX-31).
   * @throws CodedError of stage `credential`
   */
  get(): Promise<Credential>;
  /** What `get` would give, where nobody has to wait for it; begins a renewal that is due, as `get` does. */
  current(): Credential | undefined;
  /**
   * The cluster answered 401 to `credential` (EX-25). Drops it if it is still the current one. A plugin that
   * answers the same one again has failed with `plugin-credential-rejected`.
   */
  reject(credential: Credential): void;
  /** The profile or its access is gone: the run under way ends, waiting callers fail with `plugin-ended`. */
  close(): void;
}
