import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { Agent } from 'undici';
import { createApiRouter } from '../api/router.ts';
import type { AccessPolicy } from '../clusters/accessPolicy.ts';
import { createClusterConnections } from '../clusters/connections.ts';
import { createClusterRegistry } from '../clusters/registry.ts';
import type { Options } from '../config/options.ts';
import type { ProviderFile } from '../config/providerFile.ts';
import { createCredentials, type Credentials } from '../credentials/createCredentials.ts';
import { buildKubeconfigInvocation } from '../credentials/kubeconfigInvocation.ts';
import { noCredential } from '../credentials/noCredential.ts';
import { createRunPlugin } from '../credentials/runPlugin.ts';
import { createConfigEndpoint } from '../dashboard/configEndpoint.ts';
import { createPassThrough } from '../dashboard/passThrough.ts';
import { type Clock, sleep } from '../foundation/clock.ts';
import { CodedError } from '../foundation/errors.ts';
import type { Log } from '../foundation/log.ts';
import { createHubCredential, type ExecUser } from '../inventory/hubCredential.ts';
import { createInventory } from '../inventory/inventory.ts';
import type { RootSource } from '../inventory/loadRoots.ts';
import { defaultProxyLimits } from '../proxy/limits.ts';
import { writeStatus, writeStatusToSocket } from '../proxy/status.ts';
import { createAdminApp } from '../server/adminApp.ts';
import { createApp } from '../server/app.ts';
import { createListener } from '../server/createListener.ts';
import { createDispatch } from '../server/dispatch.ts';
import { listen } from '../server/listen.ts';
import { buildAccessPolicy } from './buildAccessPolicy.ts';
import { accessPolicyAt, followConfigFile, providerFileAt } from './configFile.ts';
import { findConfigWarnings } from './configWarnings.ts';
import { followRoots } from './followRoots.ts';

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
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
  const { environment, clock, random, log } = surroundings;
  const source: RootSource = { kubeconfig: options.kubeconfig, contexts: options.contexts, environment };
  const credentials = createCredentials({
    runPlugin: createRunPlugin({ clock, searchPath: environment['PATH'] }),
    environment,
    clock,
    random,
    log,
    limits: { timeoutMs: options.pluginTimeoutMs, maxConcurrent: options.pluginConcurrency },
  });
  let providerFile: ProviderFile;
  let policy: AccessPolicy;
  const warn = (): void => {
    for (const warning of findConfigWarnings(providerFile, policy)) log.warn(warning);
  };
  const providers = await followConfigFile(providerFileAt(options.providerFile), {
    clock,
    log,
    onChange(content) {
      providerFile = content;
      warn();
      registry.setProviders(content);
      credentials.endBackoff();
    },
  });
  providerFile = providers.content;
  const accessPolicy =
    options.accessPolicy === ''
      ? undefined
      : await followConfigFile(accessPolicyAt(options.accessPolicy), {
          clock,
          log,
          onChange(content) {
            policy = buildAccessPolicy(options, environment, content);
            warn();
            registry.setPolicy(policy);
          },
        });
  policy = buildAccessPolicy(options, environment, accessPolicy?.content);
  warn();
  const registry = createClusterRegistry({
    policy,
    providers: providerFile,
    now: () => clock.now(),
    openCluster: ({ provider, connection, invocation, rules }, closed) => ({
      provider,
      rules,
      connection,
      closed,
      credentials: rules.mode === 'passthrough' ? noCredential : credentials.sourceFor(invocation),
      connections: createClusterConnections(connection),
    }),
  });
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
    onRootState: () => undefined,
  });
  const roots = await followRoots({
    source,
    intervalMs: options.rootReconcileIntervalMs,
    clock,
    log,
    onChange: (next) => {
      inventory.setRoots(next);
    },
  });

  const { dashboardUrl, dashboardHost, baseUrl } = options;
  const dashboardAgent = new Agent({ allowH2: false });
  const passThrough = createPassThrough({
    dashboardUrl,
    dashboardHost,
    log,
    onUnreachable(_request, response) {
      const error = new CodedError('dashboard-unreachable');
      if (!('writeHead' in response)) writeStatusToSocket(response, error);
      else if (response.headersSent) response.destroy();
      else writeStatus(response, error);
    },
  });
  const app = createApp({
    baseUrl,
    api: createApiRouter(registry, inventory),
    config: createConfigEndpoint({
      dashboardUrl,
      dashboardHost,
      dispatcher: dashboardAgent,
      registry,
      clock,
    }),
    dashboard: passThrough,
    log,
  });
  let port = 0;
  const dispatch = createDispatch({
    baseUrl,
    registry,
    app,
    dashboardUpgrade: (request, socket: Socket, head) => {
      passThrough.upgrade(request, socket, head);
    },
    port: () => port,
    limits: defaultProxyLimits,
    clock,
    log,
  });
  const listener = createListener(dispatch);
  let draining = false;
  const admin = createServer(
    createAdminApp({
      inventory,
      isDraining: () => draining,
      isDashboardAnswering: async () => {
        const { statusCode, body } = await dashboardAgent.request({
          origin: dashboardUrl.origin,
          path: `${baseUrl}/`,
          method: 'HEAD',
          ...(dashboardHost === '' ? {} : { headers: { host: dashboardHost } }),
          headersTimeout: 2000,
        });
        await body.dump();
        return statusCode < 500;
      },
    }),
  );

  inventory.setRoots(roots.roots);
  port = await listen(listener.server, options.listen);
  const adminPort = await listen(admin, options.adminListen);
  log.info('serving', { port, adminPort, dashboard: dashboardUrl.origin, roots: roots.roots.length });

  return {
    port,
    adminPort,
    async drain(deadlineMs) {
      draining = true;
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
      providers.end();
      accessPolicy?.end();
      inventory.close();
      await credentials.close();
      await dashboardAgent.destroy();
      admin.close();
      admin.closeAllConnections();
    },
  };
}

/** A kubeconfig's own plugin proves the sidecar to the hub; it runs as the clusters' plugins do. */
function createExecUser(credentials: Credentials): ExecUser {
  return (root, exec) => {
    const kept = credentials.sourceFor(buildKubeconfigInvocation(root, exec));
    let current: Awaited<ReturnType<typeof kept.get>> | undefined;
    return {
      async get() {
        current = await kept.get();
        return current;
      },
      renew() {
        if (current) kept.reject(current);
      },
    };
  };
}
