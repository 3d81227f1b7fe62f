import { isIP } from 'node:net';
import { CodedError } from '../foundation/errors.ts';
import { asText, type UnknownRecord } from '../foundation/unknownValue.ts';
import { matchesServerPattern } from '../config/serverPattern.ts';
import type { AccessRules } from './accessPolicy.ts';
import { isAddressAllowed } from './addressGuard.ts';
import { decodeCertificates } from './certificates.ts';
import type { ClusterConnection, ClusterProxy } from './connection.ts';

/**
 * The cluster's fields of an access provider, checked (AC-20 to AC-26).
 * @throws CodedError of stage `access`
 */
export function resolveConnection(cluster: UnknownRecord, rules: AccessRules): ClusterConnection {
  const url = resolveServerUrl(cluster['server'], rules);
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(hostname) !== 0 && !isAddressAllowed(hostname, rules))
    throw new CodedError('server-address-refused');
  const port = url.port === '' ? (url.protocol === 'http:' ? 80 : 443) : Number(url.port);
  if (rules.allowedServers?.some((pattern) => matchesServerPattern(pattern, { hostname, port })) === false)
    throw new CodedError('server-not-allowed');
  const caData = resolveCaData(cluster);
  const insecureSkipVerify = cluster['insecure-skip-tls-verify'] === true;
  if (insecureSkipVerify && caData !== undefined) throw new CodedError('ca-with-insecure');
  if (insecureSkipVerify && !rules.allowInsecure) throw new CodedError('insecure-refused');
  const serverName = resolveServerName(cluster['tls-server-name']);
  const proxy = resolveProxy(cluster['proxy-url'], rules);
  return {
    protocol: url.protocol === 'http:' ? 'http:' : 'https:',
    hostname,
    port,
    hostHeader: url.host,
    basePath: url.pathname.replace(/\/+$/, ''),
    query: url.search.replace(/^\?/, ''),
    tls: {
      ...(caData === undefined ? {} : { caData }),
      ...(serverName === undefined ? {} : { serverName }),
      insecureSkipVerify,
    },
    ...(proxy === undefined ? {} : { proxy }),
    disableCompression: cluster['disable-compression'] === true,
    isAddressAllowed: (address) => isAddressAllowed(address, rules),
  };
}

/** The URL parser would drop or repair these silently. */
const unfitForUrl = /[\s\\]|[^\x20-\x7e]/;

function resolveServerUrl(value: unknown, rules: AccessRules): URL {
  const text = asText(value);
  if (text === undefined)
    throw new CodedError('server-invalid', 'The ClusterProfile has no API server address');
  if (unfitForUrl.test(text))
    throw new CodedError('server-invalid', 'The API server address has characters that no URL has');
  const url = URL.parse(text);
  if (!url || url.hostname === '')
    throw new CodedError('server-invalid', 'The API server address is not a URL');
  if (url.username !== '' || url.password !== '')
    throw new CodedError('server-invalid', 'The API server address has user info in it');
  if (url.hash !== '') throw new CodedError('server-invalid', 'The API server address has a fragment');
  if (url.protocol === 'https:' || (url.protocol === 'http:' && rules.allowHttp)) return url;
  throw new CodedError(url.protocol === 'http:' ? 'server-not-https' : 'server-invalid');
}

function resolveCaData(cluster: UnknownRecord): string | undefined {
  if (asText(cluster['certificate-authority']) !== undefined) throw new CodedError('ca-path-refused');
  const value = cluster['certificate-authority-data'] ?? '';
  if (value === '') return undefined;
  if (typeof value !== 'string' || !/^[A-Za-z0-9+/=\s]+$/.test(value)) {
    throw new CodedError('ca-invalid', 'The certificate authority data is not base64');
  }
  if (decodeCertificates(value).length === 0)
    throw new CodedError('ca-invalid', 'The certificate authority data is not PEM after one base64 decoding');
  return value;
}

function resolveServerName(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string' || !/^[A-Za-z0-9_.*:-]{1,253}$/.test(value))
    throw new CodedError('tls-server-name-invalid');
  return value;
}

const proxyPorts: Readonly<Record<ClusterProxy['protocol'], number>> = {
  'http:': 80,
  'https:': 443,
  'socks5:': 1080,
};

function isProxyProtocol(protocol: string): protocol is ClusterProxy['protocol'] {
  return Object.hasOwn(proxyPorts, protocol);
}

function resolveProxy(value: unknown, rules: AccessRules): ClusterProxy | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const url = typeof value === 'string' && !unfitForUrl.test(value) ? URL.parse(value) : null;
  if (!url || !isProxyProtocol(url.protocol)) throw new CodedError('proxy-url-invalid');
  // The hosts of schemes that the parser does not know are not brought into their plain form.
  const hostname = URL.parse(`http://${url.hostname}/`)?.hostname.replace(/^\[|\]$/g, '');
  if (hostname === undefined) throw new CodedError('proxy-url-invalid');
  const credentials = resolveProxyCredentials(url);
  const port = url.port === '' ? proxyPorts[url.protocol] : Number(url.port);
  assertProxyAllowed({ hostname, port }, rules);
  if (isIP(hostname) !== 0 && !isAddressAllowed(hostname, rules))
    throw new CodedError('proxy-address-refused');
  return {
    protocol: url.protocol,
    hostname,
    port,
    ...(credentials === undefined ? {} : { credentials }),
  };
}

function assertProxyAllowed(
  proxy: { readonly hostname: string; readonly port: number },
  { allowProxyUrl }: AccessRules,
): void {
  if (allowProxyUrl === true) return;
  if (allowProxyUrl === false) throw new CodedError('proxy-url-refused');
  if (!allowProxyUrl.some((pattern) => matchesServerPattern(pattern, proxy)))
    throw new CodedError('proxy-url-refused', 'The access policy does not allow this proxy for the provider');
}

/** RFC 1929 has one byte for a length, and no user without a name. */
const maxSocksBytes = 255;

function resolveProxyCredentials({ protocol, username, password }: URL): ClusterProxy['credentials'] {
  if (username === '' && password === '') return undefined;
  try {
    const decoded = { username: decodeURIComponent(username), password: decodeURIComponent(password) };
    const lengths = [decoded.username, decoded.password].map((text) => Buffer.byteLength(text));
    if (protocol !== 'socks5:' || (username !== '' && lengths.every((length) => length <= maxSocksBytes)))
      return decoded;
  } catch {
    // Not percent-encoded text.
  }
  throw new CodedError('proxy-url-invalid', 'The user information of the proxy URL cannot be used');
}
