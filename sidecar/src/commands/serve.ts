import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { createChangeFeed } from '../api/changeFeed.ts';
import { createVersionTexts } from '../api/inventoryVersion.ts';
import { createApiRouter } from '../api/router.ts';
import { createClusterRegistry } from '../clusters/registry.ts';
import type { Options } from '../config/options.ts';
import { isLoopback } from '../config/optionValues.ts';
import { createCredentials } from '../credentials/createCredentials.ts';
import { createRunPlugin } from '../credentials/runPlugin.ts';
import { createConfigEndpoint } from '../dashboard/configEndpoint.ts';
import { createPassThrough } from '../dashboard/passThrough.ts';
import { createFindViewer } from '../dashboard/viewer.ts';
import { type Clock, sleep } from '../foundation/clock.ts';
import type { Log } from '../foundation/log.ts';
import { Agent } from '../foundation/undici.ts';
import { createHubCredential } from '../inventory/hubCredential.ts';
import { createInventory } from '../inventory/inventory.ts';
import type { RootSource } from '../inventory/loadRoots.ts';
import { defaultProxyLimits } from '../proxy/limits.ts';
import { createApp } from '../server/app.ts';
import { createListener } from '../server/createListener.ts';
import { createClusterTraffic } from '../server/clusterTraffic.ts';
import { createDispatch } from '../server/dispatch.ts';
import { listen } from '../server/listen.ts';
import { createOwnAddresses } from '../server/ownAddresses.ts';
import { createOwnRoutes } from '../server/ownRoutes.ts';
import { createSessionAudit } from '../server/sessionAudit.ts';
import { createSignIn } from '../server/signIn.ts';
import { createTrafficPlaces } from '../server/trafficPlaces.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createAudit } from './createAudit.ts';
import { createExecUser } from './createExecUser.ts';
import { createOpenCluster } from './createOpenCluster.ts';
import { createUsers, type Users } from './createUsers.ts';
import { followAccess } from './followAccess.ts';
import { followRoots } from './followRoots.ts';
import { followServingPair } from './followServingPair.ts';
import { startAdmin } from './startAdmin.ts';

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Where the audit log goes without a file of its own; stderr without this. */
  readonly auditStream?: Writable;
}

export interface Sidecar {
  readonly port: number;
  readonly adminPort: number;
  /** No new connections; requests finish, and what is still open after `deadlineMs` ends (FA-42). */
  drain(deadlineMs: number): Promise<void>;
}

/**
 * Starts the sidecar: everything is made here and handed to what needs it.
 * @throws CodedError for options, files and addresses that cannot be used
 */
export async function serve(options: Options, surroundings: Surroundings): Promise<Sidecar> {
  const { environment, clock, random, log, auditStream: stream = process.stderr } = surroundings;
  const metrics = createMetrics(clock, () => ({ access, inventory, credentials, registry, audit }));
  const { requests } = metrics;
  const { audit, close: closeAudit } = await createAudit(options, { clock, log, stream, metrics: requests });
  const source: RootSource = { kubeconfig: options.kubeconfig, contexts: options.contexts, environment };
  const credentials = createCredentials({
    runPlugin: createRunPlugin({ clock, searchPath: environment['PATH'] }),
    environment,
    clock,
    random,
    log,
    limits: { timeoutMs: options.pluginTimeoutMs, maxConcurrent: options.pluginConcurrency },
    onRun: metrics.plugins.ran,
  });
  const access = await followAccess(options, {
    environment,
    clock,
    log,
    audit,
    onProviders: (file) => {
      registry.setProviders(file);
      credentials.endBackoff();
    },
    onPolicy: (policy) => {
      registry.setPolicy(policy);
    },
  });
  const registry = createClusterRegistry({
    policy: access.policy,
    providers: access.providers,
    now: () => clock.now(),
    openCluster: createOpenCluster(credentials, options, clock),
  });
  const feed = createChangeFeed(registry);
  const inventory = createInventory({
    namespaces: options.namespaces,
    labelSelector: options.labelSelector,
    noCrdIntervalMs: options.noCrdCacheTtlMs,
    clock,
    random,
    log,
    credentialFor: (root) => createHubCredential(root, clock, createExecUser(credentials)),
    onUpsert: (item) => {
      registry.upsert(item);
    },
    onDelete: (key) => {
      registry.remove(key);
    },
    onRootState: () => {
      feed.rootsChanged();
    },
  });
  let users: Users | undefined = undefined;
  const roots = await followRoots({
    source,
    intervalMs: options.rootReconcileIntervalMs,
    clock,
    log,
    onChange: (next) => {
      inventory.setRoots(next);
      users?.setRoots(next);
    },
  });

  const { dashboardUrl, dashboardHost, baseUrl } = options;
  const dashboardAgent = new Agent({ allowH2: false });
  let port = 0;
  const addresses = createOwnAddresses({
    isLoopback: isLoopback(options.listen.host),
    port: () => port,
    allowedOrigins: options.allowedOrigins,
    trustedProxies: options.trustedProxies,
  });
  if (options.auth !== 'none') {
    users = await createUsers(options, {
      roots: roots.roots,
      execUser: createExecUser(credentials),
      dashboardAgent,
      clock,
      log,
      metrics: metrics.reviews,
      ...addresses,
    });
  }
  const findViewer = createFindViewer(registry, users);
  const passThrough = createPassThrough({
    dashboardUrl,
    dashboardHost,
    hiddenHeaders: users?.hiddenHeaders ?? [],
    log,
    ...addresses,
    copyCookies: users?.session
      ? createSessionAudit({ gate: users.gate, session: users.session, ...addresses, audit })
      : () => [],
  });
  const traffic = createClusterTraffic({
    baseUrl,
    registry,
    gate: users?.gate,
    session: users?.session,
    withheldHeaders: options.proxyAuth.headers,
    limits: { ...defaultProxyLimits, responseHeadersTimeoutMs: options.responseHeaderTimeoutMs },
    places: createTrafficPlaces(options.trafficLimits),
    metrics: requests,
    clock,
  });
  const parts = { ...addresses, baseUrl, traffic, audit, clock, log };
  const { check, ...ownRoutes } = createOwnRoutes(parts);
  const app = createApp({
    baseUrl,
    api: createApiRouter({
      registry,
      inventory,
      feed,
      versions: createVersionTexts(randomBytes(16)),
      findViewer,
      check,
      clock,
    }),
    config: createConfigEndpoint({
      dashboardUrl,
      dashboardHost,
      dispatcher: dashboardAgent,
      hiddenHeaders: users?.hiddenHeaders ?? [],
      findViewer,
      hubContextName: users?.session && options.hubContextName,
      clock,
      log,
    }),
    dashboard: passThrough,
    metrics: requests,
    log,
  });
  const dispatch = createDispatch({
    ...parts,
    ...ownRoutes,
    signIn: users && createSignIn({ ...users, ...options }),
    app,
    dashboardUpgrade: (request, socket: Socket, head) => {
      passThrough.upgrade(request, socket, head);
    },
  });
  const servingPair =
    options.tls &&
    (await followServingPair(options.tls, {
      clock,
      log,
      onChange: (pair) => {
        listener.renewPair(pair);
      },
    }));
  const listener = createListener(dispatch, {
    ...options,
    clock,
    metrics: requests,
    pair: servingPair?.pair,
  });
  let draining = false;

  inventory.setRoots(roots.roots);
  port = await listen(listener.server, options.listen);
  const admin = await startAdmin(options, {
    inventory,
    isDraining: () => draining,
    readMetrics: () => metrics.read(),
    dispatcher: dashboardAgent,
    log,
  });
  const adminPort = admin.port;
  log.info('serving', { port, adminPort, dashboard: dashboardUrl.origin, roots: roots.roots.length });

  return {
    port,
    adminPort,
    async drain(deadlineMs) {
      draining = true;
      // Those who watch the inventory come back to another replica; nothing is to wait for them.
      feed.close();
      const finished = new Promise<void>((resolve) => {
        listener.server.close(() => {
          resolve();
        });
      });
      listener.server.closeIdleConnections();
      await Promise.race([finished, sleep(clock, deadlineMs)]);
      registry.close();
      listener.endSockets();
      roots.end();
      access.end();
      servingPair?.end();
      inventory.close();
      users?.close();
      await credentials.close();
      await dashboardAgent.destroy();
      await closeAudit();
      metrics.close();
      admin.close();
    },
  };
}
