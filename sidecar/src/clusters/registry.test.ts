import { describe, expect, it } from 'vitest';
import { parseProviderFile, type ProviderFile } from '../config/providerFile.ts';
import type { Credential } from '../credentials/credential.ts';
import { CodedError } from '../foundation/errors.ts';
import { decodeClusterProfile } from '../inventory/clusterProfile.ts';
import type { InventoryItem } from '../inventory/inventory.ts';
import { buildProfileKey } from '../inventory/profileKey.ts';
import { type AccessPolicy, type AccessRules, desktopAccessPolicy } from './accessPolicy.ts';
import type { ClusterEntry } from './clusterEntry.ts';
import { buildClusterName } from './clusterName.ts';
import type { LiveCluster } from './liveCluster.ts';
import { createClusterRegistry, type ClusterRegistry } from './registry.ts';
import type { AccessCandidate } from './resolveAccess.ts';

interface Opened {
  readonly candidate: AccessCandidate;
  readonly closed: AbortSignal;
  readonly ended: string[];
}

/** A registry whose clusters are opened without sockets; `answer` is what each provider's plugin does. */
function createFixture(answer: Record<string, () => Promise<Credential>> = {}) {
  const opened: Opened[] = [];
  let now = 1000;
  const registry = createClusterRegistry({
    policy: desktopAccessPolicy,
    providers: providerFile('p', 'q'),
    now: () => now,
    openCluster(candidate, closed): LiveCluster {
      const ended: string[] = [];
      opened.push({ candidate, closed, ended });
      let held: Credential | undefined;
      const ask =
        answer[candidate.provider] ?? (() => Promise.resolve<Credential>({ token: 't', connectionKey: '' }));
      return {
        provider: candidate.provider,
        connection: candidate.connection,
        rules: candidate.rules,
        closed,
        credentials: {
          get: async () => (held ??= await ask()),
          current: () => held,
          reject: () => undefined,
          close: () => ended.push('credentials'),
        },
        connections: {
          send: () => {
            throw new Error('no sockets here');
          },
          close: () => ended.push('connections'),
        },
      };
    },
  });
  return { registry, opened, tick: (ms: number) => (now += ms) };
}

function providerFile(...names: string[]): ProviderFile {
  return parseProviderFile(
    JSON.stringify({
      providers: names.map((name) => ({
        name,
        execConfig: {
          apiVersion: 'client.authentication.k8s.io/v1',
          command: name,
          provideClusterInfo: true,
        },
      })),
    }),
  );
}

interface ItemOptions {
  readonly uid?: string;
  readonly server?: string;
  readonly providers?: readonly string[];
  readonly version?: string;
  readonly deletionTimestamp?: string;
}

function item(name: string, options: ItemOptions = {}): InventoryItem {
  const {
    uid = `uid-${name}`,
    server = 'https://api.example.com',
    providers = ['p'],
    version,
    deletionTimestamp,
  } = options;
  const profile = decodeClusterProfile({
    metadata: { name, namespace: 'fleet', uid, ...(deletionTimestamp ? { deletionTimestamp } : {}) },
    status: {
      version: { kubernetes: version },
      accessProviders: providers.map((each) => ({ name: each, cluster: { server } })),
    },
  });
  if (!profile) throw new Error('not decoded');
  return { key: buildProfileKey('store/hub', 'fleet', name), root: 'store/hub', profile };
}

function entryOf(registry: ClusterRegistry, name: string): ClusterEntry {
  const entry = registry.get(buildClusterName(buildProfileKey('store/hub', 'fleet', name)));
  if (!entry) throw new Error(`no ${name}`);
  return entry;
}

async function failureOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (thrown) {
    if (thrown instanceof CodedError) return thrown.code;
    throw thrown;
  }
  return 'ok';
}

const failing = () => Promise.reject(new CodedError('plugin-exited', 'it failed'));

describe('registry', () => {
  it('[DI-31] a name is a lookup key and nothing else', () => {
    const { registry } = createFixture();
    registry.upsert(item('a'));
    for (const name of ['..', '__proto__', 'constructor', 'toString', '', 'cluster-inventory-', 'a%2Fb']) {
      expect(registry.get(name)).toBeUndefined();
    }
  });

  it('[EX-31] discovering a cluster opens nothing and runs nothing', () => {
    const { registry, opened } = createFixture();
    for (let index = 0; index < 50; index++) registry.upsert(item(`p-${index}`));
    expect(registry.list()).toHaveLength(50);
    expect(opened).toHaveLength(0);
  });

  it('[AC-12, PX-04] an unreachable cluster is listed with its reason and cannot be selected', async () => {
    const { registry } = createFixture();
    registry.upsert(item('none', { providers: [] }));
    registry.upsert(item('other', { providers: ['unknown'] }));
    registry.upsert(item('bad', { server: 'nonsense' }));
    registry.upsert(item('metadata', { server: 'https://169.254.169.254' }));
    const states = Object.fromEntries(
      registry.list().map(({ profile, status }) => [profile.name, [status.state, status.code]]),
    );
    expect(states).toEqual({
      none: ['no-provider', 'no-access-provider'],
      other: ['no-provider', 'no-matching-provider'],
      bad: ['invalid', 'server-invalid'],
      metadata: ['blocked', 'server-address-refused'],
    });
    expect(await failureOf(entryOf(registry, 'none').select())).toBe('no-access-provider');
  });

  it('[AC-13] withdrawn access ends what is open at once and is never used again', async () => {
    const { registry, opened } = createFixture();
    registry.upsert(item('a'));
    await entryOf(registry, 'a').select();
    registry.upsert(item('a', { providers: [] }));
    expect(opened[0]?.closed.aborted).toBe(true);
    expect(opened[0]?.ended).toEqual(['credentials', 'connections']);
    expect(await failureOf(entryOf(registry, 'a').select())).toBe('no-access-provider');
    registry.upsert(item('a', { server: 'https://new.example.com' }));
    expect((await entryOf(registry, 'a').select()).connection.hostname).toBe('new.example.com');
    expect(opened).toHaveLength(2);
  });

  it('[FA-12, DI-33, TH-20] another server or another UID: nothing of the old one is used', async () => {
    const { registry, opened } = createFixture();
    registry.upsert(item('a'));
    await entryOf(registry, 'a').select();
    registry.upsert(item('a', { server: 'https://moved.example.com' }));
    expect((await entryOf(registry, 'a').select()).connection.hostname).toBe('moved.example.com');
    registry.upsert(item('a', { server: 'https://moved.example.com', uid: 'another' }));
    await entryOf(registry, 'a').select();
    expect(opened.map(({ closed }) => closed.aborted)).toEqual([true, true, false]);
    expect(opened[2]?.candidate.invocation.owner).toBe('another');
  });

  it('a change that says nothing about access leaves what is open alone', async () => {
    const { registry, opened } = createFixture();
    registry.upsert(item('a', { version: 'v1.33.0' }));
    await entryOf(registry, 'a').select();
    registry.upsert(item('a', { version: 'v1.34.0' }));
    await entryOf(registry, 'a').select();
    expect(opened).toHaveLength(1);
    expect(entryOf(registry, 'a').profile.version).toBe('v1.34.0');
  });

  it('[DI-34, FA-11] being removed ends streams and is a reason; removed is gone', async () => {
    const { registry, opened } = createFixture();
    registry.upsert(item('a'));
    await entryOf(registry, 'a').select();
    registry.upsert(item('a', { deletionTimestamp: '2026-01-01T00:00:00Z' }));
    expect(opened[0]?.closed.aborted).toBe(true);
    expect(entryOf(registry, 'a').status.state).toBe('being-removed');
    expect(await failureOf(entryOf(registry, 'a').select())).toBe('profile-being-removed');
    registry.remove(item('a').key);
    expect(registry.list()).toHaveLength(0);
  });

  it('[AC-14] the first plugin fails: the next provider serves, and the cluster says which', async () => {
    const { registry } = createFixture({ p: failing });
    registry.upsert(item('a', { providers: ['p', 'q'] }));
    expect(entryOf(registry, 'a').provider).toBe('p');
    expect((await entryOf(registry, 'a').select()).provider).toBe('q');
    expect(entryOf(registry, 'a').provider).toBe('q');
    expect(entryOf(registry, 'a').status.state).toBe('not-checked');
  });

  it('[AC-14, EX-31] what is selected is there at once until the access goes, and nothing runs for it', async () => {
    const { registry, opened } = createFixture();
    registry.upsert(item('a', { providers: ['p', 'q'] }));
    const entry = entryOf(registry, 'a');
    expect(entry.selectNow()).toBeUndefined();
    expect(opened).toEqual([]);
    const selected = await entry.select();
    expect(entry.selectNow()).toBe(selected);
    registry.upsert(item('a', { server: 'https://moved.example.com' }));
    expect(entry.selectNow()).toBeUndefined();
    registry.upsert(item('a', { providers: [] }));
    expect(entry.selectNow()).toBeUndefined();
  });

  it('[AC-14] one whose first plugin fails is not there at once: that is asked again before the next', async () => {
    const { registry } = createFixture({ p: failing });
    registry.upsert(item('a', { providers: ['p', 'q'] }));
    expect((await entryOf(registry, 'a').select()).provider).toBe('q');
    expect(entryOf(registry, 'a').selectNow()).toBeUndefined();
  });

  it('[FA-20] every plugin fails: the first one’s error is the reason, with its time', async () => {
    const { registry, tick } = createFixture({ p: failing });
    registry.upsert(item('a'));
    tick(500);
    expect(await failureOf(entryOf(registry, 'a').select())).toBe('plugin-exited');
    expect(entryOf(registry, 'a').status).toEqual({
      state: 'credential-failed',
      since: 1500,
      stage: 'credential',
      code: 'plugin-exited',
      message: 'it failed',
    });
    tick(500);
    await failureOf(entryOf(registry, 'a').select());
    expect(entryOf(registry, 'a').status.since).toBe(1500);
    entryOf(registry, 'a').report('ok');
    expect(entryOf(registry, 'a').status).toEqual({ state: 'ready', since: 2000 });
  });

  it('keeps the last 20 states of a cluster, the newest first, and none of one that had its name before', () => {
    const { registry, tick } = createFixture();
    registry.upsert(item('a'));
    for (let round = 0; round < 12; round++) {
      tick(1);
      entryOf(registry, 'a').report(new CodedError('connection-refused'));
      entryOf(registry, 'a').report(new CodedError('connection-refused'));
      tick(1);
      entryOf(registry, 'a').report('ok');
    }
    const { history, status } = entryOf(registry, 'a');
    expect(history).toHaveLength(20);
    expect(history[0]).toBe(status);
    expect(history.slice(0, 3)).toEqual([
      { state: 'ready', since: 1024 },
      expect.objectContaining({ state: 'unreachable', code: 'connection-refused', since: 1023 }),
      { state: 'ready', since: 1022 },
    ]);
    registry.upsert(item('a', { uid: 'another' }));
    expect(entryOf(registry, 'a').history).toEqual([{ state: 'not-checked', since: 1024 }]);
  });

  it('[EX-15] the diagnosis of a failure is that of its last time, which is no change of state', () => {
    const { registry, tick } = createFixture();
    registry.upsert(item('a'));
    for (const diagnosis of ['first', 'second']) {
      tick(1);
      entryOf(registry, 'a').report(new CodedError('plugin-exited', 'it failed', { diagnosis }));
    }
    expect(entryOf(registry, 'a').history).toEqual([
      expect.objectContaining({ code: 'plugin-exited', diagnosis: 'second', since: 1001 }),
      { state: 'not-checked', since: 1000 },
    ]);
  });

  it('tells its subscribers which cluster came, changed or went, until they leave', () => {
    const { registry } = createFixture();
    const told: string[] = [];
    const leave = registry.subscribe((name, change) => told.push(`${name} ${change}`));
    registry.upsert(item('a'));
    registry.upsert(item('b'));
    const [a, b] = [entryOf(registry, 'a').name, entryOf(registry, 'b').name];
    entryOf(registry, 'b').report(new CodedError('connection-refused'));
    entryOf(registry, 'b').report(new CodedError('connection-refused'));
    registry.remove(item('a').key);
    registry.setProviders(providerFile('q'));
    expect(told).toEqual([`${a} added`, `${b} added`, `${b} changed`, `${a} removed`, `${b} changed`]);
    leave();
    registry.remove(item('b').key);
    expect(told).toHaveLength(5);
  });

  it('what came of a request cut by a change says nothing about the access that there is now', () => {
    const { registry } = createFixture();
    registry.upsert(item('a'));
    entryOf(registry, 'a').report(new CodedError('profile-being-removed'));
    entryOf(registry, 'a').report(new CodedError('path-refused'));
    expect(entryOf(registry, 'a').status.state).toBe('not-checked');
    entryOf(registry, 'a').report(new CodedError('connection-refused'));
    expect(entryOf(registry, 'a').status.state).toBe('unreachable');
  });

  it('[AC-03] a changed provider file resolves every cluster anew and touches only what it changes', async () => {
    const { registry, opened } = createFixture();
    registry.upsert(item('a', { providers: ['p'] }));
    registry.upsert(item('b', { providers: ['q'] }));
    await entryOf(registry, 'a').select();
    await entryOf(registry, 'b').select();
    const before = registry.version;
    registry.setProviders(providerFile('q'));
    expect(registry.version).toBeGreaterThan(before);
    expect(entryOf(registry, 'a').status.code).toBe('no-matching-provider');
    expect(opened.map(({ closed }) => closed.aborted)).toEqual([true, false]);
    registry.setProviders(providerFile('p', 'q'));
    expect(entryOf(registry, 'a').status.state).toBe('not-checked');
  });

  it('[AC-26] a changed policy ends what it withdraws at once, and nothing else', async () => {
    const { registry, opened } = createFixture();
    registry.upsert(item('a', { server: 'https://a.example.com' }));
    registry.upsert(item('b', { server: 'https://b.example.com' }));
    await entryOf(registry, 'a').select();
    await entryOf(registry, 'b').select();
    const allow = (...allowedServers: string[]): void => {
      registry.setPolicy(withBuiltIn({ allowedServers }));
    };
    allow('a.example.com', 'b.example.com');
    allow('b.example.com', '*.example.com');
    expect(opened.map(({ closed }) => closed.aborted)).toEqual([false, false]);
    const before = registry.version;
    allow('b.example.com');
    expect(registry.version).toBeGreaterThan(before);
    expect(opened.map(({ closed }) => closed.aborted)).toEqual([true, false]);
    expect(opened[0]?.ended).toEqual(['credentials', 'connections']);
    expect(entryOf(registry, 'a').status).toMatchObject({
      state: 'blocked',
      stage: 'access',
      code: 'server-not-allowed',
    });
    expect(await failureOf(entryOf(registry, 'a').select())).toBe('server-not-allowed');
    registry.upsert(item('c', { server: 'https://c.example.com' }));
    expect(entryOf(registry, 'c').status.code).toBe('server-not-allowed');
    expect(opened).toHaveLength(2);
  });

  it.each<[string, Partial<AccessRules>]>([
    ['mode', { mode: 'impersonate' }],
    ['read-only', { readOnly: true }],
    ['what is exposed', { exposed: ['secrets'] }],
    ['what users are called', { users: { ...desktopAccessPolicy.builtIn.users, prefix: 'x:' } }],
    ['addresses', { allowLoopback: false }],
  ])('[ID-20] what was open under another rule ends: %s', async (_what, rules) => {
    const { registry, opened } = createFixture();
    registry.upsert(item('a'));
    const before = await entryOf(registry, 'a').select();
    registry.setPolicy(withBuiltIn(rules));
    expect(opened[0]?.closed.aborted).toBe(true);
    const after = await entryOf(registry, 'a').select();
    expect(before.rules).toEqual(desktopAccessPolicy.builtIn);
    expect(after.rules).toEqual({ ...desktopAccessPolicy.builtIn, ...rules });
  });

  it('[AC-26, EX-31] a refused cluster is listed as blocked, and its plugin is not run', async () => {
    let runs = 0;
    const { registry, opened } = createFixture({
      p: () => {
        runs++;
        return Promise.resolve({ token: 't', connectionKey: '' });
      },
    });
    registry.setPolicy({ ...desktopAccessPolicy, requireAllowedServers: true });
    registry.upsert(item('a'));
    expect(entryOf(registry, 'a').status).toMatchObject({ state: 'blocked', code: 'policy-refused' });
    expect(entryOf(registry, 'a').provider).toBe('p');
    expect(await failureOf(entryOf(registry, 'a').select())).toBe('policy-refused');
    expect([runs, opened.length]).toEqual([0, 0]);
  });
});

function withBuiltIn(rules: Partial<AccessRules>): AccessPolicy {
  return { ...desktopAccessPolicy, builtIn: { ...desktopAccessPolicy.builtIn, ...rules } };
}
