import { dropHopByHop, type HeaderPairs } from './headerPairs.ts';

export interface RequestHeaderOptions {
  readonly client: HeaderPairs;
  /** The cluster's `Host`. */
  readonly host: string;
  /** The cluster's own origin. */
  readonly origin: string;
  readonly token: string | undefined;
  /** Set last, so that nothing can remove them (PX-11). */
  readonly identity: HeaderPairs;
  /** Names in lower case that never pass, whatever the path (PX-12). */
  readonly withheld: ReadonlySet<string>;
  readonly requestId: string;
  /** The path behind is an app's: more headers pass (PX-12). */
  readonly isProxySubresource: boolean;
  /** `disable-compression` of the cluster: no answer is asked to be compressed. */
  readonly disableCompression: boolean;
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
  const { client, host, token, identity, requestId, upgrade } = options;
  const passed = dropHopByHop(client).flatMap(([name, value]): HeaderPairs => {
    const lower = name.toLowerCase();
    if (options.withheld.has(lower)) return [];
    // An API server refuses a watch over WebSocket without an Origin; the client's was checked when it came in.
    if (lower === 'origin' && upgrade !== undefined) return [[name, options.origin]];
    if (lower === 'sec-websocket-protocol') return upgrade === undefined ? [] : keepProtocols(name, value);
    if (lower.startsWith('sec-websocket-')) return upgrade === undefined ? [] : [[name, value]];
    if (lower === 'accept-encoding' && options.disableCompression) return [];
    return isPassed(lower, options.isProxySubresource) ? [[name, value]] : [];
  });
  const own: HeaderPairs = [
    ['Host', host],
    ...passed,
    ...(upgrade === undefined
      ? []
      : ([
          ['Connection', 'Upgrade'],
          ['Upgrade', upgrade],
        ] as const)),
    ...(token === undefined ? [] : ([['Authorization', `Bearer ${token}`]] as const)),
    ['Audit-ID', requestId],
    ...identity,
  ];
  return own.flat();
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

function keepProtocols(name: string, value: string): HeaderPairs {
  const kept = value
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== '' && !credentialProtocol.test(protocol));
  return kept.length === 0 ? [] : [[name, kept.join(', ')]];
}
