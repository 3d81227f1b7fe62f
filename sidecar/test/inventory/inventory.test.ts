import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterProfile } from '../../src/inventory/clusterProfile.ts';
import { createHubCredential } from '../../src/inventory/hubCredential.ts';
import { createInventory, type Inventory, type InventoryOptions } from '../../src/inventory/inventory.ts';
import type { Clock } from '../../src/foundation/clock.ts';
import { createLog, silentLog } from '../../src/foundation/log.ts';
import { type FakeHub, profileObject, sendJson, startFakeHub } from '../support/fakeHub.ts';
import { createManualClock, type ManualClock } from '../support/manualClock.ts';
import { until } from '../support/until.ts';

let hub: FakeHub;
let clock: ManualClock;
let inventory: Inventory;
let seen: Map<string, ClusterProfile>;
/** Every change in its order, as `+key` and `-key`. */
let changes: string[];

beforeEach(async () => {
  hub = await startFakeHub();
  clock = createManualClock();
  seen = new Map();
  changes = [];
});

afterEach(async () => {
  inventory.close();
  await hub.close();
});

function start(options: Partial<InventoryOptions> = {}): void {
  inventory = createInventory({
    namespaces: 'default',
    labelSelector: '!headlamp.dev/ignore',
    noCrdIntervalMs: 30_000,
    clock,
    random: () => 0.5,
    log: silentLog,
    credentialFor: (root) =>
      createHubCredential(root, clock, () => {
        throw new Error('no plugin here');
      }),
    onUpsert: ({ key, profile }) => {
      seen.set(key, profile);
      changes.push(`+${key}`);
    },
    onDelete: (key) => {
      seen.delete(key);
      changes.push(`-${key}`);
    },
    onRootState: () => undefined,
    ...options,
  });
  inventory.setRoots([hub.root]);
}

const names = (): string[] => [...seen.values()].map(({ name }) => name).sort();
const lists = (): URL[] =>
  hub.requests
    .map(({ url }) => url)
    .filter((url) => url.pathname.endsWith('clusterprofiles') && !url.searchParams.has('watch'));
const phase = (): string | undefined => inventory.states()[0]?.namespaces[0]?.state.phase;
const synced = (): Promise<void> =>
  until('synced with an open watch', () => phase() === 'synced' && hub.watches.length > 0);
/** The clock, which also notes each wait that it is asked for. */
const notingPauses = (pauses: number[]): Clock => ({
  now: () => clock.now(),
  after: (delayMs, run) => {
    // Not the limit of a request.
    if (delayMs !== 60_000) pauses.push(delayMs);
    return clock.after(delayMs, run);
  },
});
const latestWatch = () => {
  const watch = hub.watches.at(-1);
  if (!watch) throw new Error('no watch');
  return watch;
};

describe('list and watch', () => {
  it('[DI-20] lists in pages of 500 and holds all of them', async () => {
    hub.items = Array.from({ length: 1201 }, (_, index) => profileObject(`p-${index}`));
    start();
    await synced();
    expect(seen.size).toBe(1201);
    expect(lists().map((url) => [url.searchParams.get('limit'), url.searchParams.get('continue')])).toEqual([
      ['500', null],
      ['500', '500'],
      ['500', '1000'],
    ]);
  });

  it('[DI-20, DI-21] an expired continue token starts one full list; nothing changes before it is complete', async () => {
    hub.items = Array.from({ length: 600 }, (_, index) => profileObject(`p-${index}`));
    let sizeAtExpiry: number | undefined;
    hub.intercept = (_request, response, url) => {
      if (!url.searchParams.has('continue')) return false;
      sizeAtExpiry = seen.size;
      sendJson(response, 410, { kind: 'Status', code: 410, reason: 'Expired' });
      return true;
    };
    start();
    await synced();
    expect(sizeAtExpiry).toBe(0);
    expect(seen.size).toBe(600);
    expect(lists().at(-1)?.searchParams.has('limit')).toBe(false);
    expect(lists()).toHaveLength(3);
  });

  it('[DI-21] after a relist exactly what is missing goes', async () => {
    hub.items = [profileObject('a'), profileObject('b'), profileObject('c')];
    start();
    await synced();
    hub.items = [profileObject('b'), profileObject('c', { resourceVersion: '2' }), profileObject('d')];
    changes = [];
    latestWatch().send('ERROR', { kind: 'Status', code: 410, reason: 'Expired' });
    await until('the new list', () => {
      clock.advance(2000);
      return names().join() === 'b,c,d';
    });
    expect(changes.sort()).toEqual(['+store/hub/default/c', '+store/hub/default/d', '-store/hub/default/a']);
  });

  it('[DI-22] watches ask for bookmarks and 300 to 600 s; a bookmark moves the version and changes nothing', async () => {
    hub.items = [profileObject('a')];
    start();
    await synced();
    const query = latestWatch().url.searchParams;
    expect(query.get('allowWatchBookmarks')).toBe('true');
    expect(Number(query.get('timeoutSeconds'))).toBeGreaterThanOrEqual(300);
    expect(Number(query.get('timeoutSeconds'))).toBeLessThanOrEqual(600);
    expect(query.get('resourceVersion')).toBe('100');
    changes = [];
    latestWatch().send('BOOKMARK', {
      kind: 'ClusterProfile',
      apiVersion: 'multicluster.x-k8s.io/v1alpha1',
      metadata: { resourceVersion: '777' },
    });
    latestWatch().end();
    await until('the next watch', () => hub.watches.length === 2);
    expect(latestWatch().url.searchParams.get('resourceVersion')).toBe('777');
    expect(changes).toEqual([]);
    expect(lists()).toHaveLength(1);
  });

  it('[DI-23] a clean end is watched again without a list and without a pause', async () => {
    start();
    await synced();
    latestWatch().send('ADDED', profileObject('a', { resourceVersion: '101' }));
    await until('a', () => seen.size === 1);
    latestWatch().end();
    // No time passes on the clock: a pause would never end.
    await until('the next watch', () => hub.watches.length === 2);
    expect(latestWatch().url.searchParams.get('resourceVersion')).toBe('101');
    expect(lists()).toHaveLength(1);
  });

  it('[DI-23] an end at once and without an event is a failure that backs off', async () => {
    start();
    await synced();
    latestWatch().end();
    await until('failing', () => phase() === 'failing');
    expect(hub.watches).toHaveLength(1);
    clock.advance(2000);
    await until('the next watch', () => hub.watches.length === 2);
  });

  it.each([
    ['garbage', 'not json\n{"type":"ADDED","object":{"kind":"Pod"}}\n'],
    [
      'what it said before',
      `${JSON.stringify({ type: 'MODIFIED', object: profileObject('a', { resourceVersion: '100' }) })}\n`,
    ],
  ])('[DI-23, FA-05] an end at once behind %s is a failure too', async (_what, text) => {
    start();
    await synced();
    latestWatch().write(text);
    latestWatch().end();
    await until('failing', () => phase() === 'failing');
    expect(hub.watches).toHaveLength(1);
  });

  it.each([429, 500, 503])('[DI-24] %i backs off and goes on from the same version', async (status) => {
    start();
    await synced();
    let refused = 0;
    hub.intercept = (_request, response) => {
      refused++;
      sendJson(response, status, { kind: 'Status', code: status });
      return true;
    };
    latestWatch().reset();
    await until('failing', () => phase() === 'failing');
    clock.advance(2000);
    await until('refused', () => refused === 1);
    hub.intercept = undefined;
    await until('the next watch', () => {
      clock.advance(1000);
      return hub.watches.length === 2;
    });
    expect(latestWatch().url.searchParams.get('resourceVersion')).toBe('100');
    expect(lists()).toHaveLength(1);
  });

  it('[DI-25] the pauses are 0.8 s doubled to 30 s, each up to twice as long by chance', async () => {
    const pauses: number[] = [];
    hub.intercept = (_request, response) => {
      sendJson(response, 500, {});
      return true;
    };
    start({ clock: notingPauses(pauses) });
    await until('eight pauses', () => {
      clock.advance(45_000);
      return pauses.length >= 8;
    });
    expect(pauses.slice(0, 8)).toEqual([1200, 2400, 4800, 9600, 19_200, 38_400, 45_000, 45_000]);
  });

  it('[DI-25] after 2 min without a failure the pauses begin anew', async () => {
    const pauses: number[] = [];
    let refusals = 3;
    hub.intercept = (_request, response) => {
      if (refusals-- <= 0) return false;
      sendJson(response, 500, {});
      return true;
    };
    start({ clock: notingPauses(pauses) });
    await until('synced', () => {
      clock.advance(1000);
      return phase() === 'synced' && hub.watches.length > 0;
    });
    const short = (): number[] => pauses.filter((delayMs) => delayMs < 60_000);
    expect(short()).toEqual([1200, 2400, 4800]);
    clock.advance(120_001);
    latestWatch().reset();
    await until('a pause', () => short().length > 3);
    expect(short().at(-1)).toBe(1200);
  });

  it('[DI-26, FA-04] a silent watch is noticed by its deadline and asked anew', async () => {
    start();
    await synced();
    clock.advance(89_000);
    expect(phase()).toBe('synced');
    latestWatch().send('ADDED', profileObject('a', { resourceVersion: '101' }));
    await until('a', () => seen.size === 1);
    // A byte arms the deadline anew.
    clock.advance(89_000);
    expect(phase()).toBe('synced');
    clock.advance(2000);
    await until('the next watch', () => {
      clock.advance(1000);
      return hub.watches.length === 2;
    });
    expect(seen.size).toBe(1);
  });

  it('[DI-27] what is not a ClusterProfile is skipped and the stream goes on', async () => {
    start();
    await synced();
    const watch = latestWatch();
    watch.send('ADDED', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'x', namespace: 'default', uid: 'u' },
    });
    watch.send('ADDED', null);
    watch.send('ADDED', {
      apiVersion: 'config.projectsveltos.io/v1beta1',
      kind: 'ClusterProfile',
      metadata: { name: 'x', namespace: 'n', uid: 'u' },
    });
    watch.write('not json\n');
    watch.send('ADDED', profileObject('a', { resourceVersion: '105' }));
    await until('a', () => seen.size === 1);
    expect(names()).toEqual(['a']);
    expect(hub.watches).toHaveLength(1);
  });

  it('[FA-03] a watch cut in the middle of a line drops the half line and resumes', async () => {
    start();
    await synced();
    latestWatch().send('ADDED', profileObject('a', { resourceVersion: '105' }));
    latestWatch().write('{"type":"ADDED","object":{"apiVersion":"multicluster');
    await until('a', () => seen.size === 1);
    latestWatch().reset();
    await until('the next watch', () => {
      clock.advance(1000);
      return hub.watches.length === 2;
    });
    expect(latestWatch().url.searchParams.get('resourceVersion')).toBe('105');
    expect(names()).toEqual(['a']);
  });

  it('[FA-03] a line that comes in pieces is one', async () => {
    start();
    await synced();
    const event = (name: string): string => JSON.stringify({ type: 'ADDED', object: profileObject(name) });
    latestWatch().write(`${event('a')}\n${event('b').slice(0, 40)}`);
    await until('a', () => names().join() === 'a');
    latestWatch().write(`${event('b').slice(40)}\n${event('c')}\n`);
    await until('b and c', () => names().join() === 'a,b,c');
  });

  it('[DI-28] an outage empties nothing, and says when the hub last confirmed', async () => {
    hub.items = [profileObject('a')];
    start();
    await synced();
    const confirmedAt = clock.now();
    hub.intercept = (request) => {
      request.socket.destroy();
      return true;
    };
    latestWatch().reset();
    // Before time moves: the watch may only now be accepted, which confirms the list.
    await until('failing', () => phase() === 'failing');
    for (let round = 0; round < 5; round++) {
      clock.advance(60_000);
      await until('failing', () => phase() === 'failing');
    }
    expect(names()).toEqual(['a']);
    expect(inventory.states()[0]?.namespaces[0]?.state.confirmedAt).toBe(confirmedAt);
    expect(inventory.states()[0]?.namespaces[0]?.state.reason?.code).toBe('hub-unreachable');
  });

  it('[DI-28, FA-01] after an outage the list is confirmed as soon as the hub accepts the watch', async () => {
    start();
    await synced();
    hub.intercept = (_request, response) => {
      sendJson(response, 503, {});
      return true;
    };
    latestWatch().reset();
    await until('failing', () => phase() === 'failing');
    hub.intercept = undefined;
    clock.advance(2000);
    const recoveredAt = clock.now();
    // No event and no bookmark comes.
    await until('synced', () => phase() === 'synced');
    expect(hub.watches).toHaveLength(2);
    expect(lists()).toHaveLength(1);
    expect(inventory.states()[0]?.namespaces[0]?.state.confirmedAt).toBe(recoveredAt);
  });

  it('[OP-12] an outage is logged as what it is, with its reason', async () => {
    const lines: string[] = [];
    hub.intercept = (_request, response) => {
      sendJson(response, 503, {});
      return true;
    };
    start({
      log: createLog({
        format: 'json',
        level: 'warn',
        write: (line) => lines.push(line),
        now: () => clock.now(),
      }),
    });
    await until('a line', () => lines.length > 0);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      message: 'the hub cannot be followed',
      code: 'hub-unreachable',
      reason: 'the hub answers 503',
      root: 'store/hub',
    });
  });

  it('[DI-07] the selector is sent to the API server', async () => {
    start();
    await synced();
    expect(lists()[0]?.searchParams.get('labelSelector')).toBe('!headlamp.dev/ignore');
    expect(latestWatch().url.searchParams.get('labelSelector')).toBe('!headlamp.dev/ignore');
  });

  it('[DI-33] a profile created again under its name arrives with its new UID', async () => {
    start();
    await synced();
    latestWatch().send('ADDED', profileObject('a', { uid: 'one', resourceVersion: '101' }));
    latestWatch().send('DELETED', profileObject('a', { uid: 'one', resourceVersion: '102' }));
    latestWatch().send('ADDED', profileObject('a', { uid: 'two', resourceVersion: '103' }));
    await until('the second a', () => seen.get('store/hub/default/a')?.uid === 'two');
    expect(changes).toEqual(['+store/hub/default/a', '-store/hub/default/a', '+store/hub/default/a']);
  });
});

describe('the resource is not there', () => {
  const absent = (hubToChange: FakeHub): void => {
    hubToChange.intercept = (_request, response) => {
      sendJson(response, 404, { kind: 'Status', code: 404 });
      return true;
    };
  };

  it('[DI-10, DI-11] no group: no inventory, not a failure, asked again after the interval', async () => {
    absent(hub);
    start();
    await until('no-crd', () => phase() === 'no-crd');
    expect(inventory.isSettled()).toBe(true);
    hub.intercept = undefined;
    hub.items = [profileObject('a')];
    clock.advance(29_000);
    expect(seen.size).toBe(0);
    clock.advance(2000);
    await synced();
    expect(names()).toEqual(['a']);
  });

  it('[DI-12, FA-06] a CRD that goes while it is watched empties the list only after the second 404', async () => {
    hub.items = [profileObject('a')];
    start();
    await synced();
    let answers = 0;
    hub.intercept = (_request, response) => {
      answers++;
      sendJson(response, 404, { kind: 'Status', code: 404 });
      return true;
    };
    latestWatch().reset();
    await until('the first 404', () => {
      clock.advance(500);
      return answers === 1;
    });
    expect(names()).toEqual(['a']);
    await until('emptied', () => {
      clock.advance(500);
      return seen.size === 0;
    });
    expect(answers).toBe(2);
    expect(phase()).toBe('no-crd');
  });

  it.each([
    ['good answers', [404]],
    ['other faults', [404, 500, 404]],
  ])('[DI-12] 404 with %s between them empty nothing', async (_between, answers) => {
    hub.items = [profileObject('a')];
    start();
    await synced();
    for (let round = 0; round < 3; round++) {
      const waiting = [...answers];
      hub.intercept = (_request, response) => {
        const status = waiting.shift();
        if (status === undefined) return false;
        sendJson(response, status, { kind: 'Status', code: status });
        return true;
      };
      const before = hub.watches.length;
      // Long enough for a clean end.
      clock.advance(1000);
      latestWatch().end();
      await until('watched again', () => {
        clock.advance(500);
        return hub.watches.length > before && phase() === 'synced';
      });
    }
    expect(changes).toEqual(['+store/hub/default/a']);
  });

  it('[DI-13, FA-07] 403 is not "no CRD": the reason shows and what was there stays', async () => {
    hub.items = [profileObject('a')];
    start();
    await synced();
    hub.intercept = (_request, response) => {
      sendJson(response, 403, { kind: 'Status', code: 403 });
      return true;
    };
    latestWatch().send('ERROR', { kind: 'Status', code: 410 });
    await until('refused', () => {
      clock.advance(1000);
      return phase() === 'failing';
    });
    clock.advance(60_000);
    expect(names()).toEqual(['a']);
    expect(inventory.states()[0]?.namespaces[0]?.state.reason?.code).toBe('hub-refused');
  });

  it('[DI-14] the version that the hub serves is found by discovery', async () => {
    hub.intercept = (_request, response, url) => {
      if (url.pathname !== '/apis/multicluster.x-k8s.io') return false;
      sendJson(response, 200, {
        versions: [{ version: 'v1alpha9' }, { version: 'v1alpha2' }],
        preferredVersion: { version: 'v1alpha9' },
      });
      return true;
    };
    start();
    await synced();
    expect(lists()[0]?.pathname).toBe(
      '/apis/multicluster.x-k8s.io/v1alpha2/namespaces/default/clusterprofiles',
    );
  });
});

describe('[DI-40] a list of thousands', () => {
  const many = (): object[] => Array.from({ length: 1000 }, (_, index) => profileObject(`c-${index}`));

  it('is taken in slices, between which others have their turn', async () => {
    hub.items = many();
    let inOneTurn = 0;
    let longest = 0;
    const countTurns = (): void => {
      inOneTurn = 0;
      if (phase() !== 'synced') setImmediate(countTurns);
    };
    start({
      onUpsert: ({ key, profile }) => {
        seen.set(key, profile);
        longest = Math.max(longest, ++inOneTurn);
      },
    });
    countTurns();
    await synced();
    expect(seen.size).toBe(1000);
    expect(longest).toBeLessThanOrEqual(200);
  });

  it('leaves nothing behind when its root goes in the middle of it', async () => {
    hub.items = many();
    const went = new Promise<void>((resolve) => {
      start({
        onUpsert: ({ key, profile }) => {
          seen.set(key, profile);
          if (seen.size !== 150) return;
          setImmediate(() => {
            inventory.setRoots([]);
            resolve();
          });
        },
      });
    });
    await went;
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(seen.size).toBe(0);
  });
});

describe('namespaces and roots', () => {
  it('[DI-06] a list watches each namespace with a request of its own; all is one request without', async () => {
    start({ namespaces: ['a', 'b'] });
    await until('two watches', () => hub.watches.length === 2);
    expect(hub.watches.map(({ url }) => url.pathname.split('/')[5]).sort()).toEqual(['a', 'b']);
    inventory.close();
    start({ namespaces: 'all' });
    await until('a third watch', () => hub.watches.length === 3);
    expect(latestWatch().url.pathname).toBe('/apis/multicluster.x-k8s.io/v1alpha1/clusterprofiles');
  });

  it('[DI-04, FA-08] a root that does not answer holds up no other', async () => {
    const other = await startFakeHub('store/silent');
    other.intercept = () => true;
    try {
      hub.items = [profileObject('a')];
      start();
      inventory.setRoots([other.root, hub.root]);
      await until('a', () => seen.size === 1);
      expect(inventory.isSettled()).toBe(false);
    } finally {
      await other.close();
    }
  });

  it('[DI-03] a removed root’s clusters go; one that connects otherwise is watched anew and does not blink', async () => {
    hub.items = [profileObject('a'), profileObject('b')];
    start();
    await synced();
    changes = [];
    hub.items = [profileObject('b'), profileObject('c')];
    inventory.setRoots([{ ...hub.root, user: { token: 'another' } }]);
    await until('watched anew', () => names().join() === 'b,c');
    expect(changes.sort()).toEqual(['+store/hub/default/c', '-store/hub/default/a']);
    expect(hub.requests.at(-1)?.authorization).toBe('Bearer another');
    inventory.setRoots([]);
    expect(seen.size).toBe(0);
  });
});
