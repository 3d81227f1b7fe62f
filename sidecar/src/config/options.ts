import { CodedError } from '../foundation/errors.ts';
import type { LogLevel } from '../foundation/log.ts';
import type { OptionName } from './optionDefinitions.ts';
import {
  type ListenAddress,
  type Namespaces,
  parseBaseUrl,
  parseDashboardUrl,
  parseDuration,
  parseDurationOrZero,
  parseHeaderName,
  parseIntegerWithin,
  parseListenAddress,
  parseNamespaces,
  parseOrigins,
  parsePositiveInteger,
  parseSelector,
  parseTimeout,
  requireLoopback,
  requireOneOf,
  requireText,
  splitList,
} from './optionValues.ts';
import type { OptionTexts } from './readOptionTexts.ts';
import { parseTrustedProxies, type TrustedProxies } from './trustedProxies.ts';

const authModes = ['hub', 'trusted-headers', 'none'] as const;

/** How users are known: by the hub (ID-01), by the word of a proxy in front (ID-02), or not at all (ID-03). */
export type AuthMode = (typeof authModes)[number];

const auditModes = ['writes', 'all'] as const;

/** Which requests to clusters the audit log has a line for (ID-30). */
export type AuditMode = (typeof auditModes)[number];

/** What an authenticating proxy in front says about users, and where. Names are in lower case. */
export interface ProxyAuthOptions {
  readonly tokenHeader: string;
  readonly usernameHeader: string;
  readonly groupHeader: string;
  readonly secretHeader: string;
  /** All of these names. */
  readonly headers: readonly string[];
  /** Empty for none. */
  readonly secretFile: string;
}

/** All options, checked. Durations are milliseconds. */
export interface Options {
  readonly providerFile: string;
  /** Empty for the built-in defaults. */
  readonly accessPolicy: string;
  /** `all`, `default` (the root's own namespace), or names. */
  readonly namespaces: Namespaces;
  readonly labelSelector: string;
  readonly rootReconcileIntervalMs: number;
  readonly noCrdCacheTtlMs: number;
  readonly kubeconfig: string;
  readonly contexts: readonly string[];
  readonly listen: ListenAddress;
  readonly adminListen: ListenAddress;
  readonly dashboardUrl: URL;
  readonly dashboardHost: string;
  /** Empty, or with a leading and without a trailing slash. */
  readonly baseUrl: string;
  /** Undefined for plain http. */
  readonly tls: { readonly certificatePath: string; readonly keyPath: string } | undefined;
  readonly trustedProxies: TrustedProxies;
  readonly proxyAuth: ProxyAuthOptions;
  readonly auth: AuthMode;
  /** The dashboard's name of the hub (ID-07). */
  readonly hubContextName: string;
  /** In lower case; empty for the request's own (ID-09). */
  readonly allowedOrigins: readonly string[];
  readonly hubOutageGraceMs: number;
  /** 0 for none. */
  readonly streamGraceMs: number;
  readonly pluginTimeoutMs: number;
  readonly pluginConcurrency: number;
  /** How much of what may be under way at a time (PX-28). */
  readonly trafficLimits: {
    readonly maxStreams: number;
    readonly maxStreamsPerCluster: number;
    readonly maxStreamsPerUser: number;
    readonly maxRequestsPerCluster: number;
  };
  /** What a client may send before it is known what it asks (PX-27). */
  readonly requestHeaderLimits: { readonly maxBytes: number; readonly timeoutMs: number };
  readonly connectTimeoutMs: number;
  readonly responseHeaderTimeoutMs: number;
  readonly audit: AuditMode;
  /** Empty for stderr. */
  readonly auditLog: string;
  readonly logLevel: LogLevel;
  readonly logFormat: 'json' | 'text' | undefined;
}

/**
 * @param defaultAuth what holds where `--auth` says nothing: `hub` in a pod
 * @throws CodedError `options-invalid` that names the option as it was given
 */
export function parseOptions(texts: OptionTexts, defaultAuth: AuthMode): Options {
  const read = <Value>(name: OptionName, parse: (text: string) => Value): Value => {
    const { text, from } = texts[name];
    try {
      return parse(text);
    } catch (cause) {
      throw new CodedError(
        'options-invalid',
        `${from}: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      );
    }
  };
  const auth = read('auth', (text) => (text === '' ? defaultAuth : requireOneOf(text, authModes)));
  // Where nobody is asked who they are, nobody from elsewhere may come in (ID-03).
  const parseListen = (text: string): ListenAddress => {
    const address = parseListenAddress(text);
    return auth === 'none' ? requireLoopback(address) : address;
  };
  const readTls = (): Options['tls'] => {
    const certificatePath = read('tls-cert-path', (text) => text);
    const keyPath = read('tls-key-path', (text) => {
      if ((text === '') !== (certificatePath === '')) throw new Error('goes together with --tls-cert-path');
      return text;
    });
    return certificatePath === '' ? undefined : { certificatePath, keyPath };
  };
  const requireForHeaders = (text: string): string => {
    if (text === '' && auth === 'trusted-headers') throw new Error('is required with --auth=trusted-headers');
    return text;
  };
  const readProxyAuth = (): ProxyAuthOptions => {
    const taken = new Set<string>();
    const readName = (option: OptionName): string =>
      read(option, (text) => {
        const name = parseHeaderName(text);
        if (taken.has(name)) throw new Error(`${text} is already taken by another option`);
        taken.add(name);
        return name;
      });
    return {
      tokenHeader: readName('proxy-auth-token-header'),
      usernameHeader: readName('proxy-auth-username-header'),
      groupHeader: readName('proxy-auth-group-header'),
      secretHeader: readName('proxy-auth-secret-header'),
      headers: [...taken],
      secretFile: read('proxy-auth-secret-file', requireForHeaders),
    };
  };
  return Object.freeze({
    providerFile: read('cluster-inventory-provider-file', requireText),
    accessPolicy: read('access-policy', (text) => text),
    namespaces: read('cluster-inventory-namespaces', parseNamespaces),
    labelSelector: read('cluster-inventory-label-selector', parseSelector),
    rootReconcileIntervalMs: read('cluster-inventory-root-reconcile-interval', parseDuration),
    noCrdCacheTtlMs: read('cluster-inventory-no-crd-cache-ttl', parseDuration),
    kubeconfig: read('kubeconfig', (text) => text),
    contexts: read('contexts', (text) => splitList(text)),
    listen: read('listen', parseListen),
    adminListen: read('admin-listen', parseListen),
    dashboardUrl: read('dashboard-url', parseDashboardUrl),
    dashboardHost: read('dashboard-host', (text) => text),
    baseUrl: read('base-url', parseBaseUrl),
    tls: readTls(),
    trustedProxies: read('trusted-proxies', (text) =>
      parseTrustedProxies(splitList(requireForHeaders(text))),
    ),
    proxyAuth: readProxyAuth(),
    auth,
    hubContextName: read('hub-context-name', requireText),
    allowedOrigins: read('allowed-origins', parseOrigins),
    hubOutageGraceMs: read('hub-outage-grace', parseDurationOrZero),
    streamGraceMs: read('stream-grace', parseDurationOrZero),
    pluginTimeoutMs: read('plugin-timeout', parseDuration),
    pluginConcurrency: read('plugin-concurrency', parsePositiveInteger),
    trafficLimits: {
      maxStreams: read('max-streams', parsePositiveInteger),
      maxStreamsPerCluster: read('max-streams-per-cluster', parsePositiveInteger),
      maxStreamsPerUser: read('max-streams-per-user', parsePositiveInteger),
      maxRequestsPerCluster: read('max-requests-per-cluster', parsePositiveInteger),
    },
    requestHeaderLimits: {
      maxBytes: read('max-request-header-bytes', parseIntegerWithin(8 * 1024, 1024 * 1024)),
      timeoutMs: read('request-header-timeout', parseTimeout),
    },
    connectTimeoutMs: read('connect-timeout', parseTimeout),
    responseHeaderTimeoutMs: read('response-header-timeout', parseTimeout),
    audit: read('audit', (text) => requireOneOf(text, auditModes)),
    auditLog: read('audit-log', (text) => text),
    logLevel: read('log-level', (text) => requireOneOf(text, ['debug', 'info', 'warn', 'error'] as const)),
    logFormat: read('log-format', (text) =>
      text === '' ? undefined : requireOneOf(text, ['json', 'text'] as const),
    ),
  });
}
