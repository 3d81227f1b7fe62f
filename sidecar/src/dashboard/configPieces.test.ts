import { describe, expect, it } from 'vitest';
import { createClusterEntry } from '../../test/support/clusterEntry.ts';
import type { ClusterEntry } from '../clusters/clusterEntry.ts';
import { buildClusterName } from '../clusters/clusterName.ts';
import { buildProfileKey } from '../inventory/profileKey.ts';
import { createClusterPieces, type Piece } from './configPieces.ts';

const entry = (name: string, { uid = 'u', resourceVersion = '1', version = 'v1' } = {}): ClusterEntry =>
  createClusterEntry(buildClusterName(buildProfileKey('in-cluster', 'fleet', name)), name, {
    metadata: { uid, resourceVersion },
    status: { version: { kubernetes: version } },
  });

const fleet = Array.from({ length: 500 }, (_, index) => entry(`c-${String(index).padStart(3, '0')}`));
const read = (pieces: readonly Piece[]): unknown =>
  JSON.parse(
    `[${Buffer.concat(pieces.map(({ bytes }) => bytes))
      .toString()
      .slice(1)}]`,
  );
const namesIn = (pieces: readonly Piece[]): string[] =>
  (read(pieces) as { name: string }[]).map(({ name }) => name);
const names = (entries: readonly ClusterEntry[]): string[] => entries.map(({ name }) => name);
const countNew = (pieces: readonly Piece[], before: readonly Piece[]): number =>
  pieces.filter((piece) => !before.includes(piece)).length;

describe('[PX-44] the clusters of /config in pieces', () => {
  it('are all clusters, in their order', () => {
    const pieces = createClusterPieces().write(fleet, '', true);
    expect(namesIn(pieces)).toEqual(names(fleet));
    expect(pieces.length).toBeGreaterThan(10);
  });

  it.each([
    ['changed', entry('c-250', { resourceVersion: '2', version: 'v2' })],
    ['was created again', entry('c-250', { uid: 'v', version: 'v2' })],
  ])('only the piece of a cluster that %s is written anew', (_what, changed) => {
    const all = createClusterPieces();
    const before = all.write(fleet, '', true);
    const now = fleet.with(250, changed);
    const after = all.write(now, '', true);
    expect(countNew(after, before)).toBe(1);
    expect(read(after)).toEqual(read(createClusterPieces().write(now, '', true)));
    expect(countNew(all.write(now, '', true), after)).toBe(0);
  });

  it('what comes and what goes moves no others', () => {
    const all = createClusterPieces();
    for (const index of [0, 1, 250, 499]) {
      const before = all.write(fleet, '', true);
      const fewer = fleet.toSpliced(index, 1);
      const without = all.write(fewer, '', true);
      expect(namesIn(without)).toEqual(names(fewer));
      expect(countNew(without, before)).toBeLessThanOrEqual(1);
      const again = all.write(fleet, '', true);
      expect(countNew(again, without)).toBeLessThanOrEqual(2);
      expect(namesIn(again)).toEqual(names(fleet));
    }
  });

  it('[ID-10] who sees a part has that part, and what all see stays', () => {
    const all = createClusterPieces();
    const before = all.write(fleet, '', true);
    const part = fleet.slice(7, 300);
    const seen = all.write(part, '', false);
    expect(namesIn(seen)).toEqual(names(part));
    expect(countNew(seen, before)).toBeLessThanOrEqual(2);
    expect(countNew(all.write(fleet, '', true), before)).toBe(0);
  });

  it('[ID-05] another way to sign in is in all of them', () => {
    const all = createClusterPieces();
    all.write(fleet, '', true);
    expect(read(all.write(fleet, 'oidc', false))).toEqual(
      names(fleet).map((name) => expect.objectContaining({ name, auth_type: 'oidc' }) as unknown),
    );
    expect(read(all.write(fleet, '', true))).toContainEqual(expect.objectContaining({ auth_type: '' }));
  });

  it('the same text has the same digest, and another one another', () => {
    const digests = (entries: readonly ClusterEntry[]): string[] =>
      createClusterPieces()
        .write(entries, '', true)
        .map(({ digest }) => digest);
    expect(digests(fleet)).toEqual(digests([...fleet]));
    expect(digests([entry('a')])).not.toEqual(digests([entry('a', { version: 'v2' })]));
  });

  it('of no cluster there are none', () => {
    expect(createClusterPieces().write([], '', true)).toEqual([]);
  });
});
