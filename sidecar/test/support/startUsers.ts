import { Agent } from 'undici';
import { type AccessPolicy, type AccessRules, podAccessPolicy } from '../../src/clusters/accessPolicy.ts';
import { createConfigEndpoint } from '../../src/dashboard/configEndpoint.ts';
import { createHubSession } from '../../src/dashboard/hubSession.ts';
import { createPassThrough } from '../../src/dashboard/passThrough.ts';
import { createFindViewer } from '../../src/dashboard/viewer.ts';
import type { Clock } from '../../src/foundation/clock.ts';
import { type Log, silentLog } from '../../src/foundation/log.ts';
import { createGate, type Gate } from '../../src/identity/gate.ts';
import type { User } from '../../src/identity/user.ts';
import { createApp } from '../../src/server/app.ts';
import type { TrafficLimits } from '../../src/server/trafficPlaces.ts';
import { createFakeReviews, type FakeReviews } from './fakeReviews.ts';
import { createManualClock, type ManualClock } from './manualClock.ts';
import { type RecordingUpstream, startRecordingUpstream, type UpstreamOptions } from './recordingUpstream.ts';
import { clusterAt, type Proxy, type ProxyOptions, startProxy } from './startProxy.ts';

/** The door, the hub behind it, and one cluster `a`, of which a test sees every byte. */
export interface UsersProxy {
  readonly clock: ManualClock;
  readonly reviews: FakeReviews;
  readonly gate: Gate;
  readonly upstream: RecordingUpstream;
  readonly proxy: Proxy;
  close(): Promise<void>;
}

export interface UsersOptions {
  /** By their tokens. */
  readonly users?: Readonly<Record<string, User>>;
  readonly allows?: FakeReviews['allows'];
  /** What the access policy says of everything. */
  readonly rules?: Partial<AccessRules>;
  readonly streamGraceMs?: number;
  readonly log?: Log;
  readonly trafficLimits?: Partial<TrafficLimits>;
  readonly upstream?: UpstreamOptions;
  /** Where signing in and `/config` lead. */
  readonly dashboardUrl?: URL;
}

/** The pod's policy, for clusters of the test on loopback addresses. */
export function policyWith(rules: Partial<AccessRules> = {}): AccessPolicy {
  return { ...podAccessPolicy, builtIn: { ...podAccessPolicy.builtIn, allowLoopback: true, ...rules } };
}

export async function startUsers(options: UsersOptions = {}): Promise<UsersProxy> {
  const { users, allows, rules, streamGraceMs = 3_600_000, dashboardUrl } = options;
  const clock = createManualClock();
  const reviews = createFakeReviews(users);
  if (allows) reviews.allows = allows;
  const gate = createGate({
    reviews,
    clock,
    hashKey: Buffer.from('key'),
    outageGraceMs: 300_000,
    streamGraceMs,
  });
  const upstream = await startRecordingUpstream(options.upstream);
  const proxy = await startProxy({
    clusters: { a: clusterAt(upstream) },
    clock,
    gate,
    policy: policyWith(rules),
    ...(options.log ? { log: options.log } : {}),
    ...(options.trafficLimits ? { trafficLimits: options.trafficLimits } : {}),
    ...(dashboardUrl ? connectDashboard(dashboardUrl, gate, clock) : {}),
  });
  return {
    clock,
    reviews,
    gate,
    upstream,
    proxy,
    async close() {
      await proxy.close();
      await upstream.close();
    },
  };
}

/** As the sidecar does it when it starts. */
function connectDashboard(
  dashboardUrl: URL,
  gate: Gate,
  clock: Clock,
): Required<Pick<ProxyOptions, 'session' | 'makeApp'>> {
  const dispatcher = new Agent();
  const schemeOf = (): string => 'http';
  const session = createHubSession({
    dashboardUrl,
    dashboardHost: '',
    dispatcher,
    baseUrl: '',
    hubContextName: 'main',
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
    session,
    makeApp: (registry) =>
      createApp({
        baseUrl: '',
        api: (_request, response) => response.end(),
        config: createConfigEndpoint({
          dashboardUrl,
          dashboardHost: '',
          dispatcher,
          findViewer: createFindViewer(registry, { gate, session }),
          hubContextName: 'main',
          clock,
          log: silentLog,
        }),
        dashboard: createPassThrough({
          dashboardUrl,
          dashboardHost: '',
          log: silentLog,
          schemeOf,
          copyCookies: (setCookies, request) => session.copyCookies(setCookies, request),
        }),
        log: silentLog,
      }),
  };
}
