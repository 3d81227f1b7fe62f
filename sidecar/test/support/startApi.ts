import { type ChangeFeed, createChangeFeed } from '../../src/api/changeFeed.ts';
import { createVersionTexts } from '../../src/api/inventoryVersion.ts';
import { createApiRouter } from '../../src/api/router.ts';
import type { ClusterRegistry } from '../../src/clusters/registry.ts';
import { createFindViewer } from '../../src/dashboard/viewer.ts';
import { silentLog } from '../../src/foundation/log.ts';
import { createGate, type Gate } from '../../src/identity/gate.ts';
import type { User } from '../../src/identity/user.ts';
import type { RootState } from '../../src/inventory/inventory.ts';
import { createApp } from '../../src/server/app.ts';
import { createFakeReviews, type FakeReviews } from './fakeReviews.ts';
import { createManualClock, type ManualClock } from './manualClock.ts';
import { type Proxy, startProxy } from './startProxy.ts';
import { policyWith } from './startUsers.ts';

/** The API for users of a hub that a test speaks for, with clusters that go nowhere. */
export interface ApiServer {
  readonly clock: ManualClock;
  readonly reviews: FakeReviews;
  readonly gate: Gate;
  readonly proxy: Proxy;
  readonly feed: ChangeFeed;
  readonly registry: ClusterRegistry;
  /** Of `/cluster-inventory/v1`. */
  readonly url: string;
  /** How the roots are followed; tell the feed of a change. */
  states: readonly RootState[];
  close(): Promise<void>;
}

export interface ApiServerOptions {
  readonly clusters: readonly string[];
  /** By their tokens. */
  readonly users: Readonly<Record<string, User>>;
  /** Of the versions, where two servers are to be told apart. */
  readonly key?: Uint8Array;
}

export const somewhere = { server: 'https://api.example.com' };

export async function startApi({
  clusters,
  users,
  key = Buffer.alloc(16),
}: ApiServerOptions): Promise<ApiServer> {
  const clock = createManualClock();
  const reviews = createFakeReviews(users);
  const gate = createGate({
    reviews,
    clock,
    hashKey: Buffer.from('key'),
    outageGraceMs: 300_000,
    streamGraceMs: 0,
  });
  let made: Pick<ApiServer, 'feed' | 'registry'> | undefined;
  const proxy = await startProxy({
    clusters: Object.fromEntries(clusters.map((name) => [name, somewhere])),
    clock,
    gate,
    policy: policyWith(),
    makeApp(registry, check) {
      const feed = createChangeFeed(registry);
      made = { feed, registry };
      return createApp({
        baseUrl: '',
        api: createApiRouter({
          registry,
          inventory: { states: () => [...server.states] },
          feed,
          versions: createVersionTexts(key),
          findViewer: createFindViewer(registry, { gate, session: undefined }),
          check,
          clock,
        }),
        config: () => undefined,
        dashboard: () => undefined,
        log: silentLog,
      });
    },
  });
  if (!made) throw new Error('not made');
  const server: ApiServer = {
    clock,
    reviews,
    gate,
    proxy,
    ...made,
    url: `http://${proxy.host}/cluster-inventory/v1`,
    states: [],
    close: () => proxy.close(),
  };
  return server;
}
