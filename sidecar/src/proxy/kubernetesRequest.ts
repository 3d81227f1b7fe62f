import { pathOf } from './target.ts';

/** What a request asks of an API server, as its own request info says (apimachinery `RequestInfo`). */
export interface KubernetesRequest {
  /** False for `/version`, `/healthz`, discovery and everything that cannot be read. */
  readonly isResource: boolean;
  readonly group: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  readonly isWatch: boolean;
  /** Nothing bounds how long it takes: watch, `log?follow`, exec, attach, port-forward, proxy (PX-25). */
  readonly isLongRunning: boolean;
  /** The path behind `proxy` is an app's, not the API server's. */
  readonly isProxySubresource: boolean;
}

const nothing: KubernetesRequest = {
  isResource: false,
  group: '',
  namespace: '',
  resource: '',
  subresource: '',
  name: '',
  isWatch: false,
  isLongRunning: false,
  isProxySubresource: false,
};

const namespaceSubresources: ReadonlySet<string> = new Set(['status', 'finalize']);
const streamingSubresources: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward', 'proxy']);

/** @param rest the raw path and query below the cluster. Anything that cannot be read is not a resource: fail closed. */
export function parseKubernetesRequest(rest: string): KubernetesRequest {
  const rawPath = pathOf(rest);
  const segments = decodeSegments(rawPath);
  if (segments === undefined) return nothing;
  const query = rest.slice(rawPath.length + 1);
  const [kind] = segments;
  const start = kind === 'api' ? 2 : kind === 'apis' ? 3 : undefined;
  if (start === undefined || segments.length <= start) return nothing;
  const group = kind === 'apis' ? (segments[1] ?? '') : '';
  // The old way to watch and to proxy: `/api/v1/watch/…`.
  const isPathWatch = segments[start] === 'watch';
  const isPathProxy = segments[start] === 'proxy';
  let at = isPathWatch || isPathProxy ? start + 1 : start;
  let namespace = '';
  if (segments[at] === 'namespaces' && segments.length > at + 1) {
    namespace = segments[at + 1] ?? '';
    if (segments.length > at + 2 && !namespaceSubresources.has(segments[at + 2] ?? '')) at += 2;
  }
  const resource = segments[at] ?? '';
  const name = segments[at + 1] ?? '';
  const subresource = segments[at + 2] ?? '';
  if (resource === '') return nothing;
  const isWatch = isPathWatch || isAsked(query, 'watch');
  const isProxySubresource = isPathProxy || subresource === 'proxy';
  const isFollow = subresource === 'log' && isAsked(query, 'follow');
  return {
    isResource: true,
    group,
    namespace,
    resource,
    subresource: isPathProxy ? 'proxy' : subresource,
    name,
    isWatch,
    isLongRunning: isWatch || isFollow || isProxySubresource || streamingSubresources.has(subresource),
    isProxySubresource,
  };
}

/** The segments without empty ones at the ends; decoded first and split then, as the API server does. */
function decodeSegments(rawPath: string): string[] | undefined {
  const path = decodePath(rawPath);
  if (path === undefined) return undefined;
  let start = 0;
  let end = path.length;
  while (path[start] === '/') start++;
  while (end > start && path[end - 1] === '/') end--;
  return path.slice(start, end).split('/');
}

const encodedOrHigh = /[%\u0080-\uffff]/;

/** As an API server decodes it: any byte may be encoded, also one that is no UTF-8; undefined for what it refuses. */
export function decodePath(rawPath: string): string | undefined {
  // Most have neither.
  if (!encodedOrHigh.test(rawPath)) return rawPath;
  if (/%(?![0-9a-f]{2})/i.test(rawPath)) return undefined;
  const bytes = rawPath.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** As the API server reads a boolean of the query: there and not said to be false. */
function isAsked(query: string, name: string): boolean {
  // Nor is it there in an encoding.
  if (!query.includes(name) && !query.includes('%')) return false;
  // A `?` in front would be left out here, and is a part of the first name to an API server.
  const value = new URLSearchParams(`&${query}`).get(name);
  return value !== null && value.toLowerCase() !== 'false' && value !== '0';
}
