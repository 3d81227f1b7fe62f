import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Options } from '../config/options.ts';
import { createHubSession, type HubSession } from '../dashboard/hubSession.ts';
import type { Clock } from '../foundation/clock.ts';
import { createGate, type Gate } from '../identity/gate.ts';
import { createHubReviews } from '../identity/hubReviews.ts';
import type { ExecUser } from '../inventory/hubCredential.ts';
import type { Root } from '../inventory/root.ts';
import { createReviewHub } from './reviewHub.ts';

/** Everything that is about users, under `--auth=hub`. */
export interface Users {
  readonly gate: Gate;
  readonly session: HubSession;
  setRoots(roots: readonly Root[]): void;
  close(): void;
}

export interface UsersSurroundings {
  readonly roots: readonly Root[];
  readonly execUser: ExecUser;
  readonly dashboardAgent: Dispatcher;
  readonly clock: Clock;
  readonly schemeOf: (request: IncomingMessage) => string;
}

/** @throws CodedError `options-invalid` unless there is exactly one root (ID-07) */
export function createUsers(
  options: Options,
  { roots, execUser, dashboardAgent, clock, schemeOf }: UsersSurroundings,
): Users {
  const hub = createReviewHub(roots, clock, execUser);
  const gate = createGate({
    reviews: createHubReviews(() => hub.client()),
    clock,
    hashKey: randomBytes(32),
    outageGraceMs: options.hubOutageGraceMs,
    streamGraceMs: options.streamGraceMs,
    proxyTokens: { trustedProxies: options.trustedProxies, tokenHeader: options.proxyAuth.tokenHeader },
  });
  const { dashboardUrl, dashboardHost, baseUrl, hubContextName } = options;
  const session = createHubSession({
    dashboardUrl,
    dashboardHost,
    dispatcher: dashboardAgent,
    baseUrl,
    hubContextName,
    clock,
    schemeOf,
    onRenewed: (previous, token) => {
      gate.renew(previous, token);
    },
    onSignOut: (token) => {
      gate.signOut(token);
    },
  });
  return {
    gate,
    session,
    setRoots: (next) => {
      hub.setRoots(next);
    },
    close: () => {
      hub.close();
    },
  };
}
