import type { ClusterConnection } from '../clusters/connection.ts';
import { createNameTable } from '../foundation/nameTable.ts';
import { type HeaderPairs, isHopByHop, type RawHeaders, readConnectionNames } from './headerPairs.ts';

export interface RequestHeaderOptions {
  readonly client: RawHeaders;
  /** The cluster's own. */
  readonly connection: Pick<ClusterConnection, 'protocol' | 'hostHeader' | 'disableCompression'>;
  /** Of the credential. */
  readonly authorization: string | undefined;
  /** Set last, so that nothing can remove them (PX-11). */
  readonly identity: HeaderPairs;
  /** Names in lower case that never pass, whatever the path (PX-12). */
  readonly withheld: ReadonlySet<string>;
  readonly requestId: string;
  /** The path behind is an app's: more headers pass (PX-12). */
  readonly isProxySubresource: boolean;
  /** The protocol of an upgrade, in the client's spelling. */
  readonly upgrade: string | undefined;
}

const passedNames: ReadonlySet<string> = new Set([
  'user-agent',
  'range',
  'cache-control',
  'x-request-id',
  'traceparent',
  'tracestate',
  'x-stream-protocol-version',
]);
const passedPrefixes = ['accept', 'content-', 'if-', 'kubectl-'];

/** Under a proxy subresource everything passes but what proves somebody's identity, or says who is in between. */
const refusedNames: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'forwarded',
  'kubeconfig',
  'forward-to',
  'proxy-to',
  'host',
  'expect',
  'audit-id',
]);
const refusedPrefixes = [
  'proxy-',
  'x-remote-',
  'x-forwarded-',
  'x-auth-request-',
  'x-headlamp',
  'impersonate-',
  'sec-websocket-',
];
const refusedParts = /_|token|jwt|assertion/;

/** Subprotocols of this form carry credentials (PX-35). */
const credentialProtocol = /^base64url\./i;

/**
 * The headers that the cluster sees, as a flat list of names and values. Whom the client asked to act as was read before
 * (PX-13): it goes on by `identity` alone.
 */
export function buildRequestHeaders(options: RequestHeaderOptions): string[] {
  const { client, connection, upgrade, authorization, withheld } = options;
  const lookUp = options.isProxySubresource ? knownNames.app : knownNames.api;
  const named = readConnectionNames(client);
  const built = ['Host', connection.hostHeader];
  for (let index = 0; index + 1 < client.length; index += 2) {
    const name = client[index] ?? '';
    const { lower, way } = lookUp(name);
    if (way === 'dropped' || withheld.has(lower) || named?.has(lower)) continue;
    const value = client[index + 1] ?? '';
    if (way === 'passed') built.push(name, value);
    else {
      const kept = treat(lower, value, options);
      if (kept !== undefined) built.push(name, kept);
    }
  }
  if (upgrade !== undefined) built.push('Connection', 'Upgrade', 'Upgrade', upgrade);
  if (authorization !== undefined) built.push('Authorization', authorization);
  built.push('Audit-ID', options.requestId);
  for (const [name, value] of options.identity) built.push(name, value);
  return built;
}

interface KnownName {
  readonly lower: string;
  readonly way: 'passed' | 'dropped' | 'special';
}

const knownNames = {
  app: createNameTable((name) => judge(name.toLowerCase(), true)),
  api: createNameTable((name) => judge(name.toLowerCase(), false)),
};

function judge(lower: string, isProxySubresource: boolean): KnownName {
  if (isHopByHop(lower)) return { lower, way: 'dropped' };
  if (lower === 'origin' || lower === 'accept-encoding' || lower.startsWith('sec-websocket-'))
    return { lower, way: 'special' };
  return { lower, way: isPassed(lower, isProxySubresource) ? 'passed' : 'dropped' };
}

/** The value that goes on of a header for which that depends on more than its name; undefined where none does. */
function treat(
  lower: string,
  value: string,
  { connection, upgrade, isProxySubresource }: RequestHeaderOptions,
): string | undefined {
  if (lower === 'accept-encoding') return connection.disableCompression ? undefined : value;
  if (lower === 'origin') {
    if (upgrade === undefined) return isPassed(lower, isProxySubresource) ? value : undefined;
    // An API server refuses a watch over WebSocket without an Origin; the client's was checked when it came in.
    return `${connection.protocol}//${connection.hostHeader}`;
  }
  if (upgrade === undefined) return undefined;
  return lower === 'sec-websocket-protocol' ? keepProtocols(value) || undefined : value;
}

function isPassed(name: string, isProxySubresource: boolean): boolean {
  if (refusedParts.test(name)) return false;
  if (passedNames.has(name) || passedPrefixes.some((prefix) => name.startsWith(prefix))) return true;
  return (
    isProxySubresource &&
    !refusedNames.has(name) &&
    !refusedPrefixes.some((prefix) => name.startsWith(prefix))
  );
}

function keepProtocols(value: string): string {
  return value
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== '' && !credentialProtocol.test(protocol))
    .join(', ');
}
