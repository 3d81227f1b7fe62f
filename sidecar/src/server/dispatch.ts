import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { clusterNamePrefix } from '../clusters/clusterName.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { Log } from '../foundation/log.ts';
import { hasOneHost } from '../identity/checkHost.ts';
import { isOriginAllowed } from '../identity/checkOrigin.ts';
import { holdEarlyBytes } from '../proxy/earlyBytes.ts';
import { forwardRequest } from '../proxy/forwardRequest.ts';
import { forwardUpgrade } from '../proxy/forwardUpgrade.ts';
import { breakOff, writeStatus, writeStatusToSocket } from '../proxy/status.ts';
import { type RoutedTarget, routeTarget } from '../proxy/target.ts';
import { assertBodiless } from '../proxy/upgradeRequest.ts';
import type { AuditLog, AuditRecord } from '../telemetry/audit.ts';
import { assertNoBackendRoute, type BackendRoutes } from './backendRoutes.ts';
import type { ClusterTraffic } from './clusterTraffic.ts';
import type { NodeDrain } from './nodeDrain.ts';
import type { SignIn } from './signIn.ts';

export interface DispatchOptions {
  readonly baseUrl: string;
  readonly traffic: ClusterTraffic;
  /** Signs in and out under a discovered cluster's name; undefined where nobody is asked who they are. */
  readonly signIn: SignIn | undefined;
  readonly nodeDrain: NodeDrain;
  readonly backendRoutes: BackendRoutes;
  /** What is not under a discovered cluster. */
  readonly app: RequestListener;
  readonly dashboardUpgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => void;
  readonly isHostAllowed: (request: IncomingMessage) => boolean;
  /** The origins of the dashboard's own pages, as a request came in (ID-09). */
  readonly ownOrigins: (request: IncomingMessage) => readonly string[];
  /** Where a request came from, for the audit. */
  readonly sourceAddress: (request: IncomingMessage) => string | undefined;
  readonly audit: AuditLog;
  readonly log: Log;
}

export interface Dispatch {
  request(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void;
}

type Destination = Exclude<RoutedTarget, { readonly kind: 'refused' }>;

/**
 * The one place where a request finds its way, on the raw target and before any router sees it (PX-02). Requests and
 * upgrades take the same way.
 */
export function createDispatch(options: DispatchOptions): Dispatch {
  const { baseUrl, traffic, signIn, nodeDrain, backendRoutes, log } = options;

  /** @throws CodedError for what is refused here */
  const route = (request: IncomingMessage, audit: AuditRecord): Destination => {
    if (!hasOneHost(request) || !options.isHostAllowed(request)) throw new CodedError('host-refused');
    const target = routeTarget(request.url ?? '', { basePath: baseUrl, namePrefix: clusterNamePrefix });
    if (target.kind === 'refused') throw new CodedError(target.code);
    if (target.kind === 'cluster') audit.know().clusterName = target.name;
    const isRead =
      (request.method === 'GET' || request.method === 'HEAD') && request.headers.upgrade === undefined;
    const isNamed = target.kind === 'other' && namesOurCluster(request.url ?? '');
    const guarded =
      target.kind === 'cluster' || isNamed || !isRead || isGuardedPath(request.url ?? '', baseUrl);
    if (guarded && !isOriginAllowed(request, options.ownOrigins)) throw new CodedError('origin-refused');
    if (request.method === 'TRACE' || request.method === 'CONNECT') throw new CodedError('method-refused');
    if (isNamed && !nodeDrain.isStatus(request)) {
      // One sign-in on the hub serves all (ID-05); anything else is for the dashboard's own clusters.
      const asHub = isRead ? signIn?.asHubSignIn(request.url ?? '') : undefined;
      if (asHub === undefined) throw new CodedError('not-implemented');
      request.url = asHub;
    }
    return target;
  };

  const handleRequest = async (
    request: IncomingMessage,
    response: ServerResponse,
    audit: AuditRecord,
  ): Promise<void> => {
    const coding = request.headers['transfer-encoding'];
    if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
      // The parser takes the chunks off and leaves the rest, of which nobody would tell the cluster (TH-41).
      response.shouldKeepAlive = false;
      throw new CodedError('headers-refused');
    }
    const destination = route(request, audit);
    // The listener leaves it to whoever answers the request (PX-24).
    const sendContinue = (): void => {
      if (request.headers.expect !== undefined) response.writeContinue();
    };
    if (destination.kind !== 'cluster') {
      // This is nobody's decision but the dashboard's.
      sendContinue();
      const theirs = await nodeDrain.handle(request, response, audit);
      if (theirs) options.app(theirs, response);
      return;
    }
    const { name } = destination;
    const signingIn = signIn?.handle(request, response, destination.rest, audit);
    if (signingIn) await signingIn;
    const resolved = signingIn ? undefined : backendRoutes.resolve(request, response, destination, audit);
    const rest = resolved instanceof Promise ? await resolved : resolved;
    if (rest === undefined) {
      audit.answered(response.statusCode);
      audit.finish();
      return;
    }
    const prepared = await traffic.prepare(request, {
      name,
      rest,
      isUpgrade: false,
      client: response,
      onBodyWanted: sendContinue,
      // A cluster's own cookies are dropped: what is set here is what the browser gets.
      onRenewed: (renewed) => {
        renewed.addTo(response);
      },
      audit,
    });
    if (prepared.kind === 'answer') {
      writeJson(response, prepared.json);
      audit.answered(response.statusCode);
      audit.finish();
      return;
    }
    const { context, release } = prepared;
    try {
      await forwardRequest(request, response, context);
    } finally {
      release();
    }
    audit.finish();
  };

  const handleUpgrade = async (
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
    audit: AuditRecord,
  ): Promise<void> => {
    const destination = route(request, audit);
    // To the dashboard neither: what has no reader would hold it up for ever (PX-32).
    assertBodiless(request);
    if (destination.kind === 'api') throw new CodedError('path-unknown');
    if (destination.kind === 'other') {
      options.dashboardUpgrade(request, socket, head);
      return;
    }
    const { name, rest } = destination;
    assertNoBackendRoute(rest);
    const early = holdEarlyBytes(socket, head);
    try {
      const prepared = await traffic.prepare(request, {
        name,
        rest,
        isUpgrade: true,
        client: socket,
        onBodyWanted: () => undefined,
        // They go with the 101; a browser that is refused an upgrade gets them with its next request.
        onRenewed: () => undefined,
        audit,
      });
      // An upgrade has no body, so that there is nothing to answer it from.
      if (prepared.kind === 'answer') throw new CodedError('upgrade-invalid');
      await forwardUpgrade(request, socket, early, prepared.context).finally(prepared.release);
    } finally {
      early.release();
    }
    audit.finish();
  };

  const fail = (thrown: unknown, audit: AuditRecord): CodedError => {
    const error = asCodedError(thrown);
    audit.failed(error, true);
    audit.finish();
    if (error.code === 'internal-error') {
      log.error('a request failed', {
        requestId: audit.requestId,
        cause: error.cause instanceof Error ? (error.cause.stack ?? '') : String(error.cause),
      });
    }
    return error;
  };

  return {
    request(request, response) {
      const audit = options.audit.begin(options.sourceAddress(request));
      handleRequest(request, response, audit).catch((thrown: unknown) => {
        const error = fail(thrown, audit);
        if (response.headersSent) breakOff(response);
        else writeStatus(response, error);
      });
    },
    upgrade(request, socket, head) {
      // A client that leaves while its cluster is being asked must not end the process (S08).
      socket.on('error', () => {
        socket.destroy();
      });
      const audit = options.audit.begin(options.sourceAddress(request));
      handleUpgrade(request, socket, head, audit).catch((thrown: unknown) => {
        writeStatusToSocket(socket, fail(thrown, audit));
      });
    },
  };
}

/** @throws CodedError `body-invalid` for an answer to what is nested deeper than can be written */
function writeJson(response: ServerResponse, json: unknown): void {
  let text: string;
  try {
    text = JSON.stringify(json);
  } catch (cause) {
    throw new CodedError('body-invalid', undefined, { cause });
  }
  response.writeHead(201, {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(text);
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
