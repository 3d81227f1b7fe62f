import { expect, it } from 'vitest';
import { sampleCluster, sampleInventory, sampleRoot } from '../../test/sampleInventory.ts';
import { applyChange } from './applyChange.ts';

const [a, b, c] = ['a', 'b', 'c'].map((name) => sampleCluster({ name, namespace: name }));
if (!a || !b || !c) throw new Error('no samples');
const before = sampleInventory([a, c]);

it('puts new clusters in their place, and takes the others as they are', () => {
  const after = applyChange(before, { version: 'v2', changed: [b], removed: [] });
  expect(after).toEqual({ ...before, version: 'v2', clusters: [a, b, c] });
  expect(after.clusters[0]).toBe(a);
  expect(after.roots).toBe(before.roots);
});

it('replaces what changed, and leaves out what went', () => {
  const changed = sampleCluster({ name: 'a', displayName: 'other' });
  const after = applyChange(before, { version: 'v2', changed: [changed], removed: ['c', 'unknown'] });
  expect(after.clusters).toEqual([changed]);
});

it('marks as stale what a root cannot be asked about, and takes the mark away again', () => {
  const failing = sampleRoot({ state: 'failing', failingNamespaces: ['c'] });
  const after = applyChange(before, { version: 'v2', changed: [], removed: [], roots: [failing] });
  expect(after.roots).toEqual([failing]);
  expect(after.clusters.map(({ stale }) => stale)).toEqual([false, true]);
  expect(after.clusters[0]).toBe(a);
  const all = sampleRoot({ failingNamespaces: ['*'] });
  const worse = applyChange(after, { version: 'v3', changed: [], removed: [], roots: [all] });
  expect(worse.clusters.map(({ stale }) => stale)).toEqual([true, true]);
  const well = applyChange(worse, { version: 'v4', changed: [], removed: [], roots: [sampleRoot()] });
  expect(well.clusters.map(({ stale }) => stale)).toEqual([false, false]);
});
