/** What leads to a cluster where nothing else does (AC-24). */
export interface ClusterProxy {
  readonly protocol: 'http:' | 'https:' | 'socks5:';
  /** Without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** The user information of its URL, decoded; told to the proxy alone. */
  readonly credentials?: { readonly username: string; readonly password: string };
}

/** Where a cluster's API server is and how it is to be trusted: the checked outcome of AC-20 to AC-25. */
export interface ClusterConnection {
  readonly protocol: 'https:' | 'http:';
  /** Without brackets, as `tls.connect` and `net.connect` take it. */
  readonly hostname: string;
  readonly port: number;
  /** `Host` of requests: with brackets for IPv6, without the scheme's own port. */
  readonly hostHeader: string;
  /** Put in front of every path once, without a trailing slash; empty for none (PX-03). */
  readonly basePath: string;
  /** Joined to every query once, without `?`; empty for none (PX-03). */
  readonly query: string;
  readonly tls: {
    /** Base64 of PEM certificates, checked; absent means the default roots (AC-22). Decoded when it is needed. */
    readonly caData?: string;
    /** For SNI and verification, where it is not the hostname. */
    readonly serverName?: string;
    readonly insecureSkipVerify: boolean;
  };
  /** Only where the access policy allows it (AC-24). */
  readonly proxy?: ClusterProxy;
  /** Ask for answers without compression (`disable-compression`). */
  readonly disableCompression: boolean;
  /** Whether a resolved address may be dialled (AC-25); the address that was checked is the one dialled. */
  readonly isAddressAllowed: (address: string) => boolean;
}
