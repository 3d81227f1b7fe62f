import { createHopByHopTest, type HeaderPairs } from './headerPairs.ts';

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
  const { client, upgrade, token, isProxySubresource } = options;
  const isHopByHop = createHopByHopTest(client);
  const built = ['Host', options.host];
  for (const [name, value] of client) {
    const lower = name.toLowerCase();
    if (isHopByHop(lower) || options.withheld.has(lower)) continue;
    // An API server refuses a watch over WebSocket without an Origin; the client's was checked when it came in.
    if (lower === 'origin' && upgrade !== undefined) built.push(name, options.origin);
    else if (lower === 'sec-websocket-protocol') {
      const kept = upgrade === undefined ? '' : keepProtocols(value);
      if (kept !== '') built.push(name, kept);
    } else if (lower.startsWith('sec-websocket-')) {
      if (upgrade !== undefined) built.push(name, value);
    } else if (lower === 'accept-encoding' && options.disableCompression) continue;
    else if (isPassed(lower, isProxySubresource)) built.push(name, value);
  }
  if (upgrade !== undefined) built.push('Connection', 'Upgrade', 'Upgrade', upgrade);
  if (token !== undefined) built.push('Authorization', `Bearer ${token}`);
  built.push('Audit-ID', options.requestId);
  for (const [name, value] of options.identity) built.push(name, value);
  return built;
}

/** What was decided about a name before: there are few, and anybody may make up more. */
const maxDecided = 500;
const decided = { app: new Map<string, boolean>(), api: new Map<string, boolean>() };

function isPassed(name: string, isProxySubresource: boolean): boolean {
  const known = isProxySubresource ? decided.app : decided.api;
  let passes = known.get(name);
  if (passes === undefined) {
    passes = decide(name, isProxySubresource);
    if (known.size >= maxDecided) known.clear();
    known.set(name, passes);
  }
  return passes;
}

function decide(name: string, isProxySubresource: boolean): boolean {
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
