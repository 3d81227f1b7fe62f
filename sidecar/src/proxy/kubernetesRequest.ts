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
  const [rawPath, rawQuery] = splitOnce(rest, '?');
  const segments = decodeSegments(rawPath);
  if (segments === undefined) return nothing;
  // A `?` in front would be left out here, and is a part of the first name to an API server.
  const query = new URLSearchParams(`&${rawQuery}`);
  const [kind] = segments;
  const start = kind === 'api' ? 2 : kind === 'apis' ? 3 : undefined;
  if (start === undefined || segments.length <= start) return nothing;
  const group = kind === 'apis' ? (segments[1] ?? '') : '';
  let parts = segments.slice(start);
  // The old way to watch and to proxy: `/api/v1/watch/…`.
  const isPathWatch = parts[0] === 'watch';
  const isPathProxy = parts[0] === 'proxy';
  if (isPathWatch || isPathProxy) parts = parts.slice(1);
  let namespace = '';
  if (parts[0] === 'namespaces' && parts.length > 1) {
    namespace = parts[1] ?? '';
    if (parts.length > 2 && !namespaceSubresources.has(parts[2] ?? '')) parts = parts.slice(2);
  }
  const [resource = '', name = '', subresource = ''] = parts;
  if (resource === '') return nothing;
  const isWatch = isPathWatch || isTrue(query.get('watch'));
  const isProxySubresource = isPathProxy || subresource === 'proxy';
  const isFollow = subresource === 'log' && isTrue(query.get('follow'));
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

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** The segments without empty ones at the ends; decoded first and split then, as the API server does. */
function decodeSegments(rawPath: string): string[] | undefined {
  const segments = decodePath(rawPath)?.split('/');
  if (segments === undefined) return undefined;
  const first = segments.findIndex((segment) => segment !== '');
  return segments.slice(first, segments.findLastIndex((segment) => segment !== '') + 1);
}

/** As an API server decodes it: any byte may be encoded, also one that is no UTF-8; undefined for what it refuses. */
export function decodePath(rawPath: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(rawPath)) return undefined;
  const bytes = rawPath.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** As the API server reads a boolean of the query: there and not said to be false. */
function isTrue(value: string | null): boolean {
  return value !== null && value.toLowerCase() !== 'false' && value !== '0';
}
