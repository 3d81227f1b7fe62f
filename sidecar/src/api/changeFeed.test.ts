import { describe, expect, it } from 'vitest';
import type { ClusterName } from '../clusters/clusterName.ts';
import type { ClusterListener, ClusterRegistry } from '../clusters/registry.ts';
import { type ChangeFeed, createChangeFeed } from './changeFeed.ts';

/** A registry of names alone. */
function setUp(): { readonly feed: ChangeFeed; readonly tell: ClusterListener } {
  const present = new Set<string>();
  let listener: ClusterListener = () => undefined;
  const registry: Pick<ClusterRegistry, 'get' | 'subscribe'> = {
    get: (name) => (present.has(name) ? ({ name } as ReturnType<ClusterRegistry['get']>) : undefined),
    subscribe(next) {
      listener = next;
      return () => (listener = () => undefined);
    },
  };
  const feed = createChangeFeed(registry);
  return {
    feed,
    tell(name, change) {
      if (change === 'removed') present.delete(name);
      else present.add(name);
      listener(name, change);
    },
  };
}

const nameOf = (text: string): ClusterName => text as ClusterName;
const [a, b] = [nameOf('a'), nameOf('b')];

describe('the change feed', () => {
  it('numbers what changes, and says what changed after a number', () => {
    const { feed, tell } = setUp();
    tell(a, 'added');
    tell(b, 'added');
    const before = feed.latestOf([a, b]);
    tell(a, 'changed');
    expect(feed.changedAfter(before)).toEqual([a]);
    expect(feed.latestOf([b])).toBe(before);
    expect(feed.latestOf([a])).toBeGreaterThan(before);
    expect(feed.changedAfter(feed.latestOf([a]))).toEqual([]);
    expect(feed.changedAfter(0)).toEqual([a, b]);
  });

  it('knows roots apart', () => {
    const { feed, tell } = setUp();
    tell(a, 'added');
    const before = feed.latestOf([a]);
    feed.rootsChanged();
    expect([feed.haveRootsChangedAfter(before), feed.changedAfter(before)]).toEqual([true, []]);
    expect(feed.haveRootsChangedAfter(feed.latestOf([]))).toBe(false);
  });

  it('remembers 10,000 that went, and then only what there is', () => {
    const { feed, tell } = setUp();
    tell(a, 'added');
    tell(b, 'added');
    const early = feed.latestOf([a]);
    for (let index = 0; index < 10_000; index++) {
      tell(nameOf(String(index)), 'added');
      tell(nameOf(String(index)), 'removed');
    }
    expect(feed.changedAfter(early)).toHaveLength(10_001);
    tell(b, 'removed');
    // Who comes back from before that begins anew.
    expect(feed.changedAfter(early)).toBeUndefined();
    tell(a, 'changed');
    const late = feed.latestOf([a]) - 1;
    expect(feed.changedAfter(late)).toEqual([a]);
  });

  it('ends for all, and at once for those who come later', () => {
    const { feed, tell } = setUp();
    const told: string[] = [];
    const listen = (who: string): (() => void) =>
      feed.subscribe({
        onCluster: () => told.push(`${who} told`),
        onRoots: () => told.push(`${who} roots`),
        onEnd: () => told.push(`${who} ended`),
      });
    const leave = listen('first');
    listen('second');
    leave();
    tell(a, 'added');
    feed.rootsChanged();
    feed.close();
    listen('third');
    tell(b, 'added');
    expect(told).toEqual(['second told', 'second roots', 'second ended', 'third ended']);
  });
});
