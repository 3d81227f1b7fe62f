import { type AccessPolicy, type AccessRules, podAccessPolicy } from '../../src/clusters/accessPolicy.ts';
import { createGate, type Gate } from '../../src/identity/gate.ts';
import type { User } from '../../src/identity/user.ts';
import { createFakeReviews, type FakeReviews } from './fakeReviews.ts';
import { createManualClock, type ManualClock } from './manualClock.ts';
import { type RecordingUpstream, startRecordingUpstream } from './recordingUpstream.ts';
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

export interface UsersOptions extends Pick<ProxyOptions, 'makeApp' | 'session'> {
  /** By their tokens. */
  readonly users?: Readonly<Record<string, User>>;
  readonly allows?: FakeReviews['allows'];
  /** What the access policy says of everything. */
  readonly rules?: Partial<AccessRules>;
  readonly streamGraceMs?: number;
}

/** The pod's policy, for clusters of the test on loopback addresses. */
export function policyWith(rules: Partial<AccessRules> = {}): AccessPolicy {
  return { ...podAccessPolicy, builtIn: { ...podAccessPolicy.builtIn, allowLoopback: true, ...rules } };
}

export async function startUsers(options: UsersOptions = {}): Promise<UsersProxy> {
  const { users, allows, rules, streamGraceMs = 3_600_000, makeApp, session } = options;
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
  const upstream = await startRecordingUpstream();
  const proxy = await startProxy({
    clusters: { a: clusterAt(upstream) },
    clock,
    gate,
    policy: policyWith(rules),
    ...(makeApp ? { makeApp } : {}),
    ...(session ? { session } : {}),
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
