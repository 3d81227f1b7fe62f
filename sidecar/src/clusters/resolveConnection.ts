import { isIP } from 'node:net';
import { CodedError } from '../foundation/errors.ts';
import { asText, type UnknownRecord } from '../foundation/unknownValue.ts';
import { matchesServerPattern } from '../config/serverPattern.ts';
import type { AccessRules } from './accessPolicy.ts';
import { isAddressAllowed } from './addressGuard.ts';
import { decodeCertificates } from './certificates.ts';
import type { ClusterConnection } from './connection.ts';

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
  const proxyUrl = resolveProxyUrl(cluster['proxy-url'], rules);
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
    ...(proxyUrl === undefined ? {} : { proxyUrl }),
    disableCompression: cluster['disable-compression'] === true,
    isAddressAllowed: (address) => isAddressAllowed(address, rules),
  };
}

function resolveServerUrl(value: unknown, rules: AccessRules): URL {
  const text = asText(value);
  if (text === undefined)
    throw new CodedError('server-invalid', 'The ClusterProfile has no API server address');
  // The URL parser would drop or repair these silently.
  if (/[\s\\]|[^\x20-\x7e]/.test(text))
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

function resolveProxyUrl(value: unknown, rules: AccessRules): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (!url || !['http:', 'https:', 'socks5:'].includes(url.protocol) || url.hostname === '') {
    throw new CodedError('proxy-url-invalid');
  }
  if (!rules.allowProxyUrl) throw new CodedError('proxy-url-refused');
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(hostname) !== 0 && !isAddressAllowed(hostname, rules))
    throw new CodedError('server-address-refused');
  // Not dialled yet (AC-20), and going around a proxy that was published would be worse than a reason.
  throw new CodedError(
    'proxy-url-refused',
    'The access policy allows a proxy, but clusters cannot be reached through one yet',
  );
}
