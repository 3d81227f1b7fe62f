import { STATUS_CODES } from 'node:http';
import type { ClusterConnection } from '../clusters/connection.ts';
import { CodedError } from '../foundation/errors.ts';
import { createNameTable } from '../foundation/nameTable.ts';
import { dropHopByHop, isHopByHop, type RawHeaders, readConnectionNames } from './headerPairs.ts';

/** What a cluster may not tell the dashboard's browser (PX-15). */
const dropped: ReadonlySet<string> = new Set([
  'set-cookie',
  'set-cookie2',
  'clear-site-data',
  'service-worker-allowed',
  'alt-svc',
  'strict-transport-security',
  'x-reload',
  'www-authenticate',
  'refresh',
  'link',
  'nel',
  'report-to',
  'reporting-endpoints',
  'sourcemap',
  'x-sourcemap',
  'set-login',
  'content-security-policy',
  'content-security-policy-report-only',
  'x-content-type-options',
  'x-cluster-inventory-error',
]);

export interface ResponseHeaderOptions {
  readonly upstream: RawHeaders;
  readonly status: number;
  readonly connection: ClusterConnection;
  /** `<base>/clusters/<name>`: where the cluster is in the browser's addresses. */
  readonly clusterPrefix: () => string;
  /** What was asked for behind the prefix. */
  readonly rest: string;
}

/**
 * The headers that the browser sees.
 * @throws CodedError `redirect-refused` (PX-17, CVE-2022-3172)
 */
export function buildResponseHeaders({
  upstream,
  status,
  connection,
  clusterPrefix,
  rest,
}: ResponseHeaderOptions): string[] {
  const named = readConnectionNames(upstream);
  const kept: string[] = [];
  let hasCacheControl = false;
  for (let index = 0; index + 1 < upstream.length; index += 2) {
    const name = upstream[index] ?? '';
    const { lower, way } = lookUp(name);
    if (way === 'dropped' || named?.has(lower)) continue;
    const value = upstream[index + 1] ?? '';
    if (way === 'passed') kept.push(name, value);
    else if (lower === 'content-length') {
      // None has a body, and a proxy in front that waits for one would take the next answer for it (RFC 9110, 8.6).
      if (status !== 204) kept.push(name, value);
    } else if (lower === 'cache-control') {
      hasCacheControl = true;
      kept.push(name, isCacheable(value) ? 'private, no-cache' : value);
    } else {
      const location = rewriteLocation(value, { connection, clusterPrefix, rest });
      if (location !== undefined) kept.push(name, location);
      else if (status >= 300 && status < 400) throw new CodedError('redirect-refused');
    }
  }
  if (!hasCacheControl) kept.push('Cache-Control', 'no-store');
  // No answer of a cluster is ever rendered as a page of the dashboard's origin (PX-16).
  kept.push('X-Content-Type-Options', 'nosniff', 'Content-Security-Policy', "default-src 'none'; sandbox");
  return kept;
}

interface KnownName {
  readonly lower: string;
  readonly way: 'passed' | 'dropped' | 'special';
}

const special: ReadonlySet<string> = new Set(['cache-control', 'content-length', 'location']);

const lookUp = createNameTable((name): KnownName => {
  const lower = name.toLowerCase();
  return { lower, way: isDropped(lower) ? 'dropped' : special.has(lower) ? 'special' : 'passed' };
});

function isDropped(lowerName: string): boolean {
  return isHopByHop(lowerName) || dropped.has(lowerName) || lowerName.startsWith('access-control-');
}

/** What frames, routes or authenticates is no trailer (RFC 9110, 6.5.1); what no head may say none of them may either. */
const notInTrailers: ReadonlySet<string> = new Set([
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'host',
  'location',
]);

export function keepTrailers(trailers: RawHeaders): [name: string, value: string][] {
  if (trailers.length === 0) return [];
  return dropHopByHop(trailers).filter(([name]) => {
    const lower = name.toLowerCase();
    return !isDropped(lower) && !notInTrailers.has(lower);
  });
}

const uncacheable = /(?:^|,)\s*(?:private|no-store|no-cache)\s*(?:,|$)/i;

/**
 * Whether a cache could give it to somebody else unasked. API servers call their OpenAPI documents `public, immutable`;
 * here they are for those alone who may open the cluster, and who that is no cache knows: not from a cookie.
 */
function isCacheable(cacheControl: string): boolean {
  return !uncacheable.test(cacheControl);
}

/** Back under the cluster's prefix, or undefined for what leads out of the cluster. */
function rewriteLocation(
  location: string,
  { connection, clusterPrefix, rest }: Omit<ResponseHeaderOptions, 'upstream' | 'status'>,
): string | undefined {
  const origin = `${connection.protocol}//${connection.hostHeader}`;
  // `//host` and `/\host` are addresses of another host to a browser.
  if (/^[/\\][/\\]/.test(location) || /[\\\s]/.test(location)) return undefined;
  const absolute = location.startsWith('/') ? location : stripOrigin(location, origin);
  if (absolute === undefined) return undefined;
  if (!absolute.startsWith('/')) {
    const below = resolveRelative(absolute, rest);
    return below === undefined ? undefined : `${clusterPrefix()}${below}`;
  }
  const { basePath } = connection;
  if (
    basePath !== '' &&
    absolute !== basePath &&
    !absolute.startsWith(`${basePath}/`) &&
    !absolute.startsWith(`${basePath}?`)
  ) {
    return undefined;
  }
  const below = absolute.slice(basePath.length);
  const path = below.split(/[?#]/, 1)[0] ?? '';
  return hasDotSegments(path) ? undefined : `${clusterPrefix()}${below}`;
}

function stripOrigin(location: string, origin: string): string | undefined {
  if (!location.toLowerCase().startsWith(origin.toLowerCase())) return location;
  const below = location.slice(origin.length);
  return below === '' ? '/' : below.startsWith('/') ? below : undefined;
}

/**
 * A relative reference, from what was asked for (RFC 3986, 5.2), or undefined for one with a scheme or a way out of the
 * cluster. Nobody else resolves it: to a browser the cluster's root, asked for without a slash, lies beside its siblings.
 */
function resolveRelative(reference: string, rest: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(reference)) return undefined;
  const [, path = '', suffix = ''] = /^([^?#]*)(.*)$/s.exec(reference) ?? [];
  const [, askedPath = '', askedQuery = ''] = /^([^?]*)(.*)$/s.exec(rest) ?? [];
  const base = askedPath === '' ? '/' : askedPath;
  if (path === '') return `${base}${suffix.startsWith('?') ? '' : askedQuery}${suffix}`;
  const resolved = base.split('/').slice(1, -1);
  const steps = path.split('/');
  for (const [index, step] of steps.entries()) {
    const isUp = isDotDot(step);
    if (isUp && resolved.pop() === undefined) return undefined;
    const isDot = /^(\.|%2e)$/i.test(step);
    if (!isUp && !isDot) resolved.push(step);
    else if (index === steps.length - 1) resolved.push('');
  }
  return `/${resolved.join('/')}${suffix}`;
}

function isDotDot(segment: string): boolean {
  return /^(\.|%2e){2}$/i.test(segment);
}

function hasDotSegments(path: string): boolean {
  return path.split('/').some(isDotDot);
}

const plainText = /^[\x20-\x7e]+$/;

/** The cluster's words for a status, unless no status line could hold them; they come from nobody that is trusted. */
export function readReason(message: string | undefined, status: number): string {
  return message !== undefined && plainText.test(message) ? message : (STATUS_CODES[status] ?? '');
}
