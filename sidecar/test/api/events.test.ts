import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClustersChange, ClustersResponse, StreamEnd } from '../../src/api/clusterTypes.ts';
import { CodedError } from '../../src/foundation/errors.ts';
import type { ResourceAttributes } from '../../src/identity/hubReviews.ts';
import { decodeClusterProfile } from '../../src/inventory/clusterProfile.ts';
import type { RootState } from '../../src/inventory/inventory.ts';
import { buildProfileKey } from '../../src/inventory/profileKey.ts';
import { type EventReader, openEvents, type ServerSentEvent } from '../support/eventReader.ts';
import { person } from '../support/fakeReviews.ts';
import { type ApiServer, somewhere, startApi } from '../support/startApi.ts';
import { until } from '../support/until.ts';

let api: ApiServer;
const readers: EventReader[] = [];

/** Who sees what: `ana` all, `ben` those named here. */
let seenByBen: Set<string>;

const allows = ({ name }: { readonly name: string }, attributes: ResourceAttributes): boolean => {
  if (attributes.subresource === 'proxy') return false;
  if (name === 'ana') return true;
  return name === 'ben' && attributes.verb === 'get' && seenByBen.has(attributes.name ?? '');
};

beforeEach(async () => {
  seenByBen = new Set(['b']);
  api = await startApi({
    clusters: ['a', 'b'],
    users: { 'ana-1': person('ana'), 'ben-1': person('ben'), 'eve-1': person('eve') },
  });
  api.reviews.allows = allows;
  api.reviews.rulesOf = (token) =>
    token === 'ben-1'
      ? [
          {
            verbs: ['get'],
            groups: ['multicluster.x-k8s.io'],
            resources: ['clusterprofiles'],
            names: [...seenByBen],
          },
        ]
      : [];
});

afterEach(async () => {
  for (const reader of readers.splice(0)) reader.leave();
  await api.close();
});

const headersOf = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

async function open(token: string, since = '', more: Record<string, string> = {}): Promise<EventReader> {
  const url = `${api.url}/events${since === '' ? '' : `?since=${since}`}`;
  const reader = await openEvents(url, { ...headersOf(token), ...more });
  readers.push(reader);
  return reader;
}

async function list(token: string): Promise<ClustersResponse> {
  const response = await fetch(`${api.url}/clusters`, { headers: headersOf(token) });
  return (await response.json()) as ClustersResponse;
}

const change = (event: ServerSentEvent | undefined): ClustersChange => event?.data as ClustersChange;
const namesOf = (clusters: readonly { readonly profileName: string }[]): string[] =>
  clusters.map(({ profileName }) => profileName);
const fail = (name: string): void => {
  api.proxy.entryOf(name).report(new CodedError('connection-refused'));
};
/** What is gathered goes. */
const gathered = (): void => {
  api.clock.advance(10);
};

describe('the event stream', () => {
  it('begins with the whole list, and then says what changed, came and went', async () => {
    const reader = await open('ana-1');
    expect(reader.status).toBe(200);
    expect(Object.fromEntries(reader.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'private, no-store, no-transform',
      'x-accel-buffering': 'no',
    });
    const [first] = await reader.waitForEvents(1);
    expect(first).toMatchObject({ event: 'state', data: await list('ana-1') });
    expect(namesOf((first?.data as ClustersResponse).clusters)).toEqual(['a', 'b']);

    fail('a');
    const [, second] = await reader.waitForEvents(2);
    expect(second?.event).toBe('clusters');
    expect(change(second)).toMatchObject({
      changed: [{ profileName: 'a', access: { state: 'unreachable', code: 'connection-refused' } }],
      removed: [],
    });
    expect(change(second)).not.toHaveProperty('roots');

    const { name } = api.proxy.entryOf('b');
    api.proxy.remove('b');
    api.proxy.publish('c', somewhere);
    gathered();
    const [, , third] = await reader.waitForEvents(3);
    expect(namesOf(change(third).changed)).toEqual(['c']);
    expect(change(third).removed).toEqual([name]);
    expect(third?.id).toBe(change(third).version);
    expect(await list('ana-1')).toMatchObject({ version: third?.id });
  });

  it('says nothing where nothing happened but that it is there, every 15 s', async () => {
    const reader = await open('ana-1', (await list('ana-1')).version);
    await until('it began', () => reader.comments === 1);
    api.clock.advance(14_999);
    api.clock.advance(1);
    await until('a comment', () => reader.comments === 2);
    expect(reader.events).toEqual([]);
  });

  it('goes on from a version, by either way of saying it, with what was missed', async () => {
    const { version } = await list('ana-1');
    fail('a');
    api.proxy.remove('b');
    for (const reader of [
      await open('ana-1', version),
      await open('ana-1', 'older', { 'Last-Event-ID': version }),
    ]) {
      const [first] = await reader.waitForEvents(1);
      // Another set of clusters may be seen than the version says: what changed is not all.
      expect(first?.event).toBe('state');
    }
    const after = await list('ana-1');
    fail('a');
    api.proxy.entryOf('a').report('ok');
    const reader = await open('ana-1', after.version);
    const [first] = await reader.waitForEvents(1);
    expect(first?.event).toBe('clusters');
    expect(change(first).changed).toMatchObject([{ profileName: 'a', access: { state: 'ready' } }]);
    const again = await open('ana-1', first?.id);
    await until('it began', () => again.comments === 1);
    expect(again.events).toEqual([]);
  });

  it('begins anew for the version of another replica, and for what is none', async () => {
    const other = await startApi({
      clusters: ['a', 'b'],
      users: { 'ana-1': person('ana') },
      key: Buffer.alloc(16, 1),
    });
    other.reviews.allows = allows;
    const response = await fetch(`${other.url}/clusters`, { headers: headersOf('ana-1') });
    const { version } = (await response.json()) as ClustersResponse;
    await other.close();
    for (const since of [version, 'nonsense', `${version}x`]) {
      const reader = await open('ana-1', since);
      expect((await reader.waitForEvents(1))[0]?.event).toBe('state');
    }
  });

  it('[ID-10, ID-15] shows each user their own, and not by a version that there is more', async () => {
    const before = await list('ben-1');
    expect(namesOf(before.clusters)).toEqual(['b']);
    const reader = await open('ben-1', before.version);
    await until('it began', () => reader.comments === 1);
    fail('a');
    api.proxy.publish('hidden', somewhere);
    const hidden = api.proxy.entryOf('hidden').name;
    gathered();
    api.proxy.remove('hidden');
    gathered();
    fail('b');
    const [first] = await reader.waitForEvents(1);
    expect(namesOf(change(first).changed)).toEqual(['b']);
    expect(JSON.stringify(reader.events)).not.toContain(hidden);
    api.proxy.remove('a');
    expect((await list('ben-1')).version).toBe(first?.id);
  });

  it('[ID-10] a right that the hub gives or takes shows within a minute', async () => {
    const reader = await open('ben-1');
    expect(namesOf(((await reader.waitForEvents(1))[0]?.data as ClustersResponse).clusters)).toEqual(['b']);
    seenByBen = new Set(['a']);
    api.clock.advance(60_000);
    const [, second] = await reader.waitForEvents(2);
    expect(namesOf(change(second).changed)).toEqual(['a']);
    expect(change(second).removed).toEqual([api.proxy.entryOf('b').name]);
  });

  it('[ID-10] a right that is taken shows within 70 s, whenever it was asked about before', async () => {
    await list('ben-1');
    api.clock.advance(30_000);
    const reader = await open('ben-1');
    await reader.waitForEvents(1);
    api.clock.advance(30_000);
    await list('ben-1');
    seenByBen = new Set();
    for (let passed = 0; passed < 70; passed += 10) {
      api.clock.advance(10_000);
      // The looks before take what is remembered.
      await list('ana-1');
    }
    const [, second] = await reader.waitForEvents(2);
    expect(change(second).removed).toEqual([api.proxy.entryOf('b').name]);
  });

  it('[ID-14] ends at once for a user whose session goes on as another’s', async () => {
    const reader = await open('ana-1');
    await reader.waitForEvents(1);
    api.gate.renew('ana-1', 'ben-1');
    const last = (await reader.waitForEnd()).at(-1)?.data as StreamEnd;
    expect(last.code).toBe('sign-in-required');
  });

  it('a cluster that comes later shows at once to those who may see it', async () => {
    seenByBen = new Set(['b', 'c']);
    const reader = await open('ben-1');
    await reader.waitForEvents(1);
    // Of a namespace that nobody asked about before.
    const profile = decodeClusterProfile({ metadata: { name: 'c', namespace: 'later', uid: 'c' } });
    if (!profile) throw new Error('not decoded');
    const root = 'store/hub';
    api.registry.upsert({ key: buildProfileKey(root, 'later', 'c'), root, profile });
    gathered();
    const [, second] = await reader.waitForEvents(2);
    expect(namesOf(change(second).changed)).toEqual(['c']);
  });

  it('[DI-28] says when a hub cannot be followed, of which namespaces, and when it can again', async () => {
    const state = (phase: 'failing' | 'synced'): RootState => ({
      root: 'store/hub',
      namespaces: [
        {
          namespace: 'fleet',
          state: {
            phase,
            since: 0,
            ...(phase === 'failing' ? { reason: { code: 'hub-unreachable', message: 'away' } } : {}),
          },
        },
        { namespace: 'other', state: { phase: 'synced', since: 0 } },
      ],
    });
    api.states = [state('synced')];
    const { version } = await list('ana-1');
    api.states = [state('failing')];
    api.feed.rootsChanged();
    const reader = await open('ana-1', version);
    const [first] = await reader.waitForEvents(1);
    expect(change(first)).toMatchObject({
      changed: [],
      roots: [{ name: 'store/hub', state: 'failing', stale: true, failingNamespaces: ['fleet'] }],
    });
    api.states = [state('synced')];
    api.feed.rootsChanged();
    gathered();
    const [, second] = await reader.waitForEvents(2);
    expect(change(second).roots).toMatchObject([{ state: 'synced', failingNamespaces: [] }]);
  });

  it('[ID-14] ends with the session, when its token is no longer accepted, and when the sidecar goes', async () => {
    const ends = async (reader: EventReader): Promise<string> =>
      ((await reader.waitForEnd()).at(-1)?.data as StreamEnd).code;
    const signedOut = await open('ana-1');
    await signedOut.waitForEvents(1);
    api.gate.signOut('ana-1');
    expect(await ends(signedOut)).toBe('sign-in-required');

    const expired = await open('ben-1');
    await expired.waitForEvents(1);
    api.reviews.users.delete('ben-1');
    api.clock.advance(60_000);
    expect(await ends(expired)).toBe('token-rejected');

    const left = await open('ana-1');
    await left.waitForEvents(1);
    api.feed.close();
    expect(await ends(left)).toBe('shutting-down');
    expect(await ends(await open('ana-1'))).toBe('shutting-down');
  });

  it('[ID-01, ID-10] is for nobody who is not known', async () => {
    const response = await fetch(`${api.url}/events`);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ kind: 'Status', reason: 'Unauthorized' });
  });

  it('a reader that is gone leaves nothing behind', async () => {
    const idle = api.clock.pending;
    const reader = await open('ana-1');
    await reader.waitForEvents(1);
    expect(api.clock.pending).toBeGreaterThan(idle);
    reader.leave();
    await until('its timers are gone', () => api.clock.pending === idle);
  });

  it('a reader that leaves while the hub is asked who it is leaves nothing behind', async () => {
    const idle = api.clock.pending;
    const { reviews } = api;
    const reviewToken = reviews.reviewToken.bind(reviews);
    const asked = Promise.withResolvers<undefined>();
    reviews.reviewToken = async (token) => {
      await asked.promise;
      return reviewToken(token);
    };
    const early = Array.from({ length: 128 }, () => new AbortController());
    const left = early.map(({ signal }) =>
      fetch(`${api.url}/events`, { headers: headersOf('ana-1'), signal }).catch(() => undefined),
    );
    await until('all came', async () => (await api.proxy.countConnections()) === 128);
    for (const reader of early) reader.abort();
    await Promise.all(left);
    await until('all left', async () => (await api.proxy.countConnections()) === 0);
    asked.resolve(undefined);
    expect((await open('ana-1')).status).toBe(200);
    api.feed.close();
    await until('its timers are gone', () => api.clock.pending === idle);
  });

  it('one user has 128 streams at most, others theirs', async () => {
    for (let count = 0; count < 128; count++) await open('ana-1');
    const refused = await open('ana-1');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('x-cluster-inventory-error')).toBe('too-many-streams');
    expect((await open('ben-1')).status).toBe(200);
    readers[0]?.leave();
    await until('a place is free', async () => (await open('ana-1')).status === 200);
  });
});
