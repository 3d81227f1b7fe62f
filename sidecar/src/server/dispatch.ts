import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ClusterEntry } from '../clusters/clusterEntry.ts';
import { clusterNamePrefix } from '../clusters/clusterName.ts';
import type { ClusterRegistry } from '../clusters/registry.ts';
import type { Clock } from '../foundation/clock.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { Log } from '../foundation/log.ts';
import { isHostAllowed } from '../identity/checkHost.ts';
import { isOriginAllowed } from '../identity/checkOrigin.ts';
import type { ForwardContext } from '../proxy/context.ts';
import { forwardRequest } from '../proxy/forwardRequest.ts';
import type { ProxyLimits } from '../proxy/limits.ts';
import { forwardUpgrade } from '../proxy/forwardUpgrade.ts';
import { breakOff, writeStatus, writeStatusToSocket } from '../proxy/status.ts';
import { routeTarget } from '../proxy/target.ts';

export interface DispatchOptions {
  readonly baseUrl: string;
  readonly registry: ClusterRegistry;
  /** What is not under a discovered cluster. */
  readonly app: RequestListener;
  readonly dashboardUpgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => void;
  /** The port that is listened on, for the check of Host and Origin. */
  readonly port: () => number;
  readonly limits: ProxyLimits;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Dispatch {
  request(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void;
}

type Destination =
  | { readonly kind: 'other' }
  | { readonly kind: 'cluster'; readonly entry: ClusterEntry; readonly rest: string };

/** Routes that the dashboard's backend answers by itself for its own clusters, and nobody for a discovered one (PX-45). */
const backendRoutes = /^\/(portforward|helm|serviceproxy|set-token)(\/|\?|$)/;

/**
 * The one place where a request finds its way, on the raw target and before any router sees it (PX-02). Requests and
 * upgrades take the same way.
 */
export function createDispatch(options: DispatchOptions): Dispatch {
  const { baseUrl, registry, limits, clock, log } = options;

  /** @throws CodedError for what is refused here */
  const route = (request: IncomingMessage): Destination => {
    const port = options.port();
    if (!isHostAllowed(request, port)) throw new CodedError('host-refused');
    const target = routeTarget(request.url ?? '', { basePath: baseUrl, namePrefix: clusterNamePrefix });
    if (target.kind === 'refused') throw new CodedError(target.code);
    const isRead =
      (request.method === 'GET' || request.method === 'HEAD') && request.headers.upgrade === undefined;
    const guarded = target.kind === 'cluster' || !isRead || isGuardedPath(request.url ?? '', baseUrl);
    if (guarded && !isOriginAllowed(request, `http://${(request.headers.host ?? '').toLowerCase()}`)) {
      throw new CodedError('origin-refused');
    }
    if (request.method === 'TRACE' || request.method === 'CONNECT') throw new CodedError('method-refused');
    if (target.kind === 'other') {
      if (namesOurCluster(request.url ?? '')) throw new CodedError('not-implemented');
      return { kind: 'other' };
    }
    const entry = registry.get(target.name);
    if (!entry) throw new CodedError('cluster-unknown');
    if (backendRoutes.test(target.rest)) throw new CodedError('not-implemented');
    return { kind: 'cluster', entry, rest: target.rest };
  };

  const buildContext = async (entry: ClusterEntry, rest: string): Promise<ForwardContext> => ({
    cluster: await entry.select(),
    clusterPrefix: `${baseUrl}/clusters/${encodeURIComponent(entry.name)}`,
    rest,
    identityHeaders: [],
    clock,
    limits,
    requestId: randomUUID(),
    onOutcome: (outcome) => {
      entry.report(outcome);
    },
  });

  const handleRequest = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const coding = request.headers['transfer-encoding'];
    if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
      // The parser takes the chunks off and leaves the rest, of which nobody would tell the cluster (TH-41).
      response.shouldKeepAlive = false;
      throw new CodedError('headers-refused');
    }
    const destination = route(request);
    if (destination.kind === 'other') {
      // The listener leaves it to whoever answers the request (PX-24); this is nobody's decision but the dashboard's.
      if (request.headers.expect !== undefined) response.writeContinue();
      options.app(request, response);
      return;
    }
    await forwardRequest(request, response, await buildContext(destination.entry, destination.rest));
  };

  const handleUpgrade = async (request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> => {
    const destination = route(request);
    if (destination.kind === 'other') {
      options.dashboardUpgrade(request, socket, head);
      return;
    }
    await forwardUpgrade(request, socket, head, await buildContext(destination.entry, destination.rest));
  };

  const codeOf = (thrown: unknown): CodedError => {
    const error = asCodedError(thrown);
    if (error.code === 'internal-error') {
      log.error('a request failed', {
        cause: error.cause instanceof Error ? (error.cause.stack ?? '') : String(error.cause),
      });
    }
    return error;
  };

  return {
    request(request, response) {
      handleRequest(request, response).catch((thrown: unknown) => {
        const error = codeOf(thrown);
        if (response.headersSent) breakOff(response);
        else writeStatus(response, error);
      });
    },
    upgrade(request, socket, head) {
      // A client that leaves while its cluster is being asked must not end the process (S08).
      socket.on('error', () => {
        socket.destroy();
      });
      handleUpgrade(request, socket, head).catch((thrown: unknown) => {
        writeStatusToSocket(socket, codeOf(thrown));
      });
    },
  };
}

/** `/config` and our API tell about clusters: no page of another origin reads them (ID-09). */
function isGuardedPath(target: string, baseUrl: string): boolean {
  const path = target.split('?', 1)[0] ?? '';
  return path === `${baseUrl}/config` || path.startsWith(`${baseUrl}/cluster-inventory/`);
}

/** The dashboard's own routes that take a cluster as a parameter, such as `/drain-node-status?cluster=…` (PX-02, PX-45). */
function namesOurCluster(target: string): boolean {
  const query = target.indexOf('?');
  if (query === -1) return false;
  return new URLSearchParams(target.slice(query + 1))
    .getAll('cluster')
    .some((name) => name.toLowerCase().startsWith(clusterNamePrefix));
}
