import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { promisify } from 'node:util';
import { type AccessPolicy, desktopAccessPolicy } from '../../src/clusters/accessPolicy.ts';
import { createClusterConnections } from '../../src/clusters/connections.ts';
import type { ClusterEntry } from '../../src/clusters/clusterEntry.ts';
import { buildClusterName, type ClusterName } from '../../src/clusters/clusterName.ts';
import { type ClusterRegistry, createClusterRegistry } from '../../src/clusters/registry.ts';
import { parseTrustedProxies } from '../../src/config/trustedProxies.ts';
import { type AuditMode, type Options, parseOptions } from '../../src/config/options.ts';
import { parseProviderFile } from '../../src/config/providerFile.ts';
import { readOptionTexts } from '../../src/config/readOptionTexts.ts';
import type { HubSession } from '../../src/dashboard/hubSession.ts';
import type { Credential, CredentialSource } from '../../src/credentials/credential.ts';
import { noCredential } from '../../src/credentials/noCredential.ts';
import { type Clock, systemClock } from '../../src/foundation/clock.ts';
import { type Log, silentLog } from '../../src/foundation/log.ts';
import type { Gate } from '../../src/identity/gate.ts';
import { decodeClusterProfile } from '../../src/inventory/clusterProfile.ts';
import { buildProfileKey, type ProfileKey } from '../../src/inventory/profileKey.ts';
import { defaultProxyLimits, type ProxyLimits } from '../../src/proxy/limits.ts';
import { createBackendRoutes } from '../../src/server/backendRoutes.ts';
import { createListener, type ListenerOptions, type ServingPair } from '../../src/server/createListener.ts';
import { type CheckCluster, createCheckCluster } from '../../src/server/clusterCheck.ts';
import { createClusterTraffic } from '../../src/server/clusterTraffic.ts';
import { createDispatch } from '../../src/server/dispatch.ts';
import { listen } from '../../src/server/listen.ts';
import { createNodeDrain, type NodeDrain } from '../../src/server/nodeDrain.ts';
import { createOwnAddresses } from '../../src/server/ownAddresses.ts';
import { createOwnRequests } from '../../src/server/ownRequests.ts';
import { createSignIn } from '../../src/server/signIn.ts';
import { createTrafficPlaces, type TrafficLimits } from '../../src/server/trafficPlaces.ts';
import { createAuditLog } from '../../src/telemetry/audit.ts';

export interface ProxyOptions {
  /** The `cluster` of the access provider of each profile, by the profile's name. */
  readonly clusters: Readonly<Record<string, object>>;
  readonly baseUrl?: string;
  readonly limits?: Partial<ProxyLimits>;
  /** Instead of the options' defaults. */
  readonly trafficLimits?: Partial<TrafficLimits>;
  readonly requestHeaderLimits?: Partial<ListenerOptions['requestHeaderLimits']>;
  /** Serves TLS. */
  readonly pair?: ServingPair;
  readonly clock?: Clock;
  /** Who is asked about users; nobody is asked without. */
  readonly gate?: Gate;
  readonly policy?: AccessPolicy;
  /** The dashboard's side of signing in. */
  readonly session?: HubSession;
  /** Instead of a dashboard that says its name. */
  readonly makeApp?: (registry: ClusterRegistry, check: CheckCluster) => RequestListener;
  readonly trustedProxies?: readonly string[];
  readonly withheldHeaders?: readonly string[];
  readonly auditMode?: AuditMode;
  readonly log?: Log;
}

/** A source of tokens `token-1`, `token-2`, …: the next one after each that was rejected. */
export interface FakeCredentials extends CredentialSource {
  readonly rejected: readonly (string | undefined)[];
  /** Answers instead, when it is there. */
  answer: (() => Promise<Credential>) | undefined;
}

export interface Proxy {
  readonly port: number;
  readonly host: string;
  /** What is answered here of the dashboard's own routes. */
  readonly drainRoutes: NodeDrain['routes'];
  /** Targets and upgrades that went to the dashboard. */
  readonly toDashboard: readonly string[];
  /** The lines of the audit log so far, as they are written. */
  readonly auditLines: readonly string[];
  /** Ends the audit log, with what is open. */
  closeAudit(): void;
  pathOf(name: string): string;
  entryOf(name: string): ClusterEntry;
  credentialsOf(name: string): FakeCredentials;
  /** The profile publishes another `cluster`. */
  publish(name: string, cluster: object): void;
  /** The profile goes from the inventory. */
  remove(name: string): void;
  /** A whole request: its line, Host, `Connection: close`, these headers, and the body. */
  request(line: string, headers?: readonly string[], body?: string): string;
  countConnections(): Promise<number>;
  close(): Promise<void>;
}

export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const { baseUrl = '', limits, clock = systemClock } = options;
  const defaults = readDefaults();
  const toDashboard: string[] = [];
  const auditLines: string[] = [];
  const audit = createAuditLog({
    mode: options.auditMode ?? 'writes',
    clock,
    write: (line) => auditLines.push(line),
  });
  const credentials = new Map(Object.keys(options.clusters).map((name) => [name, createFakeCredentials()]));
  const registry = createClusterRegistry({
    policy: options.policy ?? desktopAccessPolicy,
    providers: parseProviderFile(
      JSON.stringify({
        providers: [
          {
            name: 'provider',
            execConfig: {
              apiVersion: 'client.authentication.k8s.io/v1',
              command: 'none',
              provideClusterInfo: true,
            },
          },
        ],
      }),
    ),
    now: () => clock.now(),
    openCluster: ({ provider, connection, invocation, rules }, closed) => ({
      provider,
      rules,
      connection,
      closed,
      credentials: rules.mode === 'passthrough' ? noCredential : credentialsOf(invocation.owner),
      connections: createClusterConnections(connection, { clock }),
    }),
  });
  let port = 0;
  const addresses = createOwnAddresses({
    isLoopback: true,
    port: () => port,
    allowedOrigins: [],
    trustedProxies: parseTrustedProxies(options.trustedProxies ?? []),
  });
  const traffic = createClusterTraffic({
    baseUrl,
    registry,
    gate: options.gate,
    session: options.session,
    withheldHeaders: options.withheldHeaders ?? [],
    limits: { ...defaultProxyLimits, ...limits },
    places: createTrafficPlaces({ ...defaults.trafficLimits, ...options.trafficLimits }),
    clock,
  });
  const ownRequests = createOwnRequests({ traffic, audit, ...addresses });
  const nodeDrain = createNodeDrain({
    baseUrl,
    requests: ownRequests,
    clock,
    log: options.log ?? silentLog,
  });
  const dispatch = createDispatch({
    ...addresses,
    baseUrl,
    traffic,
    nodeDrain,
    backendRoutes: createBackendRoutes(ownRequests),
    signIn:
      options.gate &&
      createSignIn({ gate: options.gate, session: options.session, baseUrl, hubContextName: 'main' }),
    app:
      options.makeApp?.(registry, createCheckCluster({ requests: ownRequests, audit, ...addresses })) ??
      ((request, response) => {
        toDashboard.push(`${request.method ?? ''} ${request.url ?? ''}`);
        request.resume();
        request.on('end', () => response.end('dashboard'));
      }),
    dashboardUpgrade(request, socket: Socket) {
      toDashboard.push(`upgrade ${request.url ?? ''}`);
      socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\ndashboard');
    },
    audit,
    log: options.log ?? silentLog,
  });
  const listener = createListener(dispatch, {
    requestHeaderLimits: { ...defaults.requestHeaderLimits, ...options.requestHeaderLimits },
    pair: options.pair,
    clock,
  });

  function credentialsOf(name: string): FakeCredentials {
    const found = credentials.get(name);
    if (!found) throw new Error(`no cluster ${name}`);
    return found;
  }

  function publish(name: string, cluster: object): void {
    const profile = decodeClusterProfile({
      metadata: { name, namespace: 'fleet', uid: name },
      status: { accessProviders: [{ name: 'provider', cluster }] },
    });
    if (!profile) throw new Error('not decoded');
    registry.upsert({ key: keyOf(name), root: 'store/hub', profile });
  }
  for (const [name, cluster] of Object.entries(options.clusters)) publish(name, cluster);
  port = await listen(listener.server, { host: '127.0.0.1', port: 0 });

  return {
    port,
    host: `127.0.0.1:${port}`,
    drainRoutes: nodeDrain.routes,
    toDashboard,
    auditLines,
    closeAudit: () => {
      audit.close();
    },
    pathOf: (name) => `${baseUrl}/clusters/${nameOf(name)}`,
    entryOf(name) {
      const entry = registry.get(nameOf(name));
      if (!entry) throw new Error(`no cluster ${name}`);
      return entry;
    },
    credentialsOf,
    publish,
    remove: (name) => {
      registry.remove(keyOf(name));
    },
    request: (line, headers = [], body = '') =>
      [`${line} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Connection: close', ...headers, '', body].join('\r\n'),
    countConnections: () => promisify(listener.server.getConnections.bind(listener.server))(),
    close: () =>
      new Promise((resolve) => {
        listener.server.close(() => {
          resolve();
        });
        listener.endSockets();
        registry.close();
      }),
  };
}

function readDefaults(): Options {
  const line = readOptionTexts(['--cluster-inventory-provider-file=x'], {});
  if (line.kind !== 'options') throw new Error('no options');
  return parseOptions(line.texts, 'none');
}

/** What a profile publishes of an upstream of the test. */
export function clusterAt(
  { port, certificate }: { readonly port: number; readonly certificate: string },
  path = '',
  more: object = {},
): object {
  return {
    server: `https://127.0.0.1:${port}${path}`,
    'certificate-authority-data': Buffer.from(certificate).toString('base64'),
    ...more,
  };
}

function keyOf(name: string): ProfileKey {
  return buildProfileKey('store/hub', 'fleet', name);
}

function nameOf(name: string): ClusterName {
  return buildClusterName(keyOf(name));
}

function createFakeCredentials(): FakeCredentials {
  const rejected: (string | undefined)[] = [];
  const next = (): Credential => ({ token: `token-${rejected.length + 1}`, connectionKey: '' });
  let current = next();
  const source: FakeCredentials = {
    rejected,
    answer: undefined,
    get: () => (source.answer ?? (() => Promise.resolve(current)))(),
    current: () => (source.answer ? undefined : current),
    reject(credential) {
      if (credential !== current) return;
      rejected.push(credential.token);
      current = next();
    },
    close: () => undefined,
  };
  return source;
}
