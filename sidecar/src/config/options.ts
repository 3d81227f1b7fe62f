import { isIP } from 'node:net';
import { CodedError } from '../foundation/errors.ts';
import type { LogLevel } from '../foundation/log.ts';
import { findSelectorFault } from './labelSelector.ts';
import type { OptionName } from './optionDefinitions.ts';
import type { OptionTexts } from './readOptionTexts.ts';
import { parseTrustedProxies, type TrustedProxies } from './trustedProxies.ts';

export interface ListenAddress {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
}

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
  readonly namespaces: 'all' | 'default' | readonly string[];
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
    audit: read('audit', (text) => requireOneOf(text, auditModes)),
    auditLog: read('audit-log', (text) => text),
    logLevel: read('log-level', (text) => requireOneOf(text, ['debug', 'info', 'warn', 'error'] as const)),
    logFormat: read('log-format', (text) =>
      text === '' ? undefined : requireOneOf(text, ['json', 'text'] as const),
    ),
  });
}

function requireText(text: string): string {
  if (text === '') throw new Error('is required');
  return text;
}

function requireOneOf<Choice extends string>(text: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((each) => each === text);
  if (choice === undefined) throw new Error(`"${text}" is not one of ${choices.join(', ')}`);
  return choice;
}

function splitList(text: string): string[] {
  return text === '' ? [] : text.split(',').map((each) => each.trim());
}

/** DI-06. */
function parseNamespaces(text: string): Options['namespaces'] {
  const names = splitList(text);
  if (names.length === 0) return 'default';
  if (names.length === 1 && names[0] === '*') return 'all';
  for (const name of names) {
    if (name === '') throw new Error('has an empty entry');
    if (name === '*') throw new Error('* stands alone; it already means every namespace');
    if (name.length > 63 || !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)) {
      throw new Error(`"${name}" is not a namespace name`);
    }
  }
  return [...new Set(names)];
}

function parseSelector(text: string): string {
  const fault = findSelectorFault(text);
  if (fault !== undefined) throw new Error(fault);
  return text;
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Go's notation, as in `1m30s`; the result is milliseconds and above 0. */
function parseDuration(text: string): number {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text))
    throw new Error(`"${text}" is not a duration such as 30s or 5m`);
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(amount) * (unitMs[unit ?? ''] ?? 0);
  }
  if (total <= 0) throw new Error('must be above 0');
  return total;
}

function parseDurationOrZero(text: string): number {
  return text === '0' || text === '0s' ? 0 : parseDuration(text);
}

function parseOrigins(text: string): string[] {
  return splitList(text).map((each) => {
    const url = URL.parse(each);
    if (url?.origin !== each.toLowerCase() || !/^https?:$/.test(url.protocol))
      throw new Error(`"${each}" is not an origin such as https://headlamp.example.com`);
    return url.origin;
  });
}

/** No underscore: servers on the way take one for a dash, or drop the header. */
function parseHeaderName(text: string): string {
  const name = text.toLowerCase();
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) throw new Error(`"${text}" is not the name of a header`);
  if (
    /^(authorization|cookie|host|connection|upgrade|origin|transfer-encoding|content-length|x-forwarded-(for|host|proto)|sec-.*)$/.test(
      name,
    )
  )
    throw new Error(`${text} has a meaning of its own`);
  return name;
}

function parsePositiveInteger(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new Error(`"${text}" is not a number above 0`);
  return Number(text);
}

function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65535) throw new Error(`"${text}" is not HOST:PORT`);
  return { host: match[1] ?? match[2] ?? '', port };
}

function requireLoopback(address: ListenAddress): ListenAddress {
  const { host } = address;
  if (!isLoopback(host)) {
    throw new Error(`"${host}" is not a loopback address, and without sign-in nothing else is served`);
  }
  return address;
}

/** Whether only this machine can reach what listens there. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function parseDashboardUrl(text: string): URL {
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new Error(`"${text}" is not an http or https URL`);
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    throw new Error('has a path; --base-url says the path');
  return url;
}

function parseBaseUrl(text: string): string {
  const path = text.replace(/\/+$/, '');
  if (path !== '' && !/^(\/[A-Za-z0-9._~-]+)+$/.test(path))
    throw new Error(`"${text}" is not a path such as /headlamp`);
  if (path.split('/').some((segment) => segment === '.' || segment === '..'))
    throw new Error('has a dot segment');
  return path;
}
