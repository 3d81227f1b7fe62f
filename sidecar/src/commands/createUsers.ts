import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Options } from '../config/options.ts';
import { createHubSession, type HubSession } from '../dashboard/hubSession.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Log } from '../foundation/log.ts';
import { createGate, type Gate } from '../identity/gate.ts';
import { createHubReviews } from '../identity/hubReviews.ts';
import { measureReviews } from '../identity/measureReviews.ts';
import type { ExecUser } from '../inventory/hubCredential.ts';
import type { Root } from '../inventory/root.ts';
import type { ReviewMetrics } from '../telemetry/reviewMetrics.ts';
import { followProxySecret } from './followProxySecret.ts';
import { createReviewHub } from './reviewHub.ts';

/** Everything that is about users, under `--auth=hub` and `trusted-headers`. */
export interface Users {
  readonly gate: Gate;
  /** Undefined where a proxy in front says who users are: nobody signs in here. */
  readonly session: HubSession | undefined;
  /** Headers of a request that are not for the dashboard: whoever knows the secret can be anybody. */
  readonly hiddenHeaders: readonly string[];
  setRoots(roots: readonly Root[]): void;
  close(): void;
}

export interface UsersSurroundings {
  readonly roots: readonly Root[];
  readonly execUser: ExecUser;
  readonly dashboardAgent: Dispatcher;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: ReviewMetrics;
  readonly schemeOf: (request: IncomingMessage) => string;
}

/** @throws CodedError `options-invalid` unless there is exactly one root (ID-07), and for the secret of a proxy (ID-02) */
export async function createUsers(
  options: Options,
  { roots, execUser, dashboardAgent, clock, log, metrics, schemeOf }: UsersSurroundings,
): Promise<Users> {
  const { proxyAuth, trustedProxies } = options;
  const proxySecret =
    options.auth === 'trusted-headers'
      ? await followProxySecret(proxyAuth.secretFile, { clock, log })
      : undefined;
  const hub = createReviewHub(roots, clock, execUser);
  const gate = createGate({
    reviews: measureReviews(
      createHubReviews(() => hub.client()),
      { clock, metrics },
    ),
    clock,
    hashKey: randomBytes(32),
    outageGraceMs: options.hubOutageGraceMs,
    streamGraceMs: options.streamGraceMs,
    proxyTokens: { ...proxyAuth, trustedProxies },
    ...(proxySecret && {
      proxyUsers: { ...proxyAuth, trustedProxies, secret: proxySecret.secret },
    }),
  });
  const { dashboardUrl, dashboardHost, baseUrl, hubContextName } = options;
  const createSession = (): HubSession =>
    createHubSession({
      dashboardUrl,
      dashboardHost,
      dispatcher: dashboardAgent,
      baseUrl,
      hubContextName,
      clock,
      schemeOf,
      isKnown: (token) => gate.knows(token),
      onRenewed: (previous, token) => {
        gate.renew(previous, token);
      },
      onSignOut: (token) => {
        gate.signOut(token);
      },
    });
  return {
    gate,
    session: proxySecret ? undefined : createSession(),
    hiddenHeaders: proxySecret ? [proxyAuth.secretHeader] : [],
    setRoots: (next) => {
      hub.setRoots(next);
    },
    close: () => {
      proxySecret?.end();
      hub.close();
    },
  };
}
