import { describe, expect, it } from 'vitest';
import { sampleCluster, sampleInventory, sampleRoot } from '../../test/sampleInventory.ts';
import { buildRows, type ClusterRow } from './clusterRow.ts';
import type { ClusterSummary } from './inventoryTypes.ts';

const main = { name: 'main', meta_data: { source: 'incluster' } };
const discoveredInConfig = {
  name: sampleCluster().name,
  meta_data: { source: 'cluster_inventory', clusterInventory: { displayName: 'Europe 3' } },
};

function rowOf(changes: Partial<ClusterSummary>): ClusterRow {
  const [row] = buildRows(sampleInventory([sampleCluster(changes)]), []);
  if (!row) throw new Error('There is no row.');
  return row;
}

describe('buildRows', () => {
  it("UI-01: lists every cluster once, the dashboard's own included", () => {
    const rows = buildRows(sampleInventory(), [main, discoveredInConfig]);
    expect(rows.map(({ name, source }) => [name, source])).toEqual([
      [sampleCluster().name, 'cluster-inventory'],
      ['main', 'in-cluster'],
    ]);
  });

  it('UI-01: lists what the dashboard knows while the sidecar does not answer', () => {
    const rows = buildRows(undefined, [main, discoveredInConfig]);
    expect(rows).toMatchObject([
      { displayName: 'Europe 3', source: 'cluster-inventory', access: { state: 'not-checked' } },
      { displayName: 'main', health: { state: 'not-reported' } },
    ]);
  });

  it('drops a cluster that the sidecar lists no more, though the dashboard still has it', () => {
    expect(buildRows(sampleInventory([]), [discoveredInConfig])).toEqual([]);
  });

  it('takes over what the inventory and the sidecar say', () => {
    const row = rowOf({
      version: 'v1.33.4',
      health: {
        state: 'unhealthy',
        reason: 'EtcdDown',
        message: 'etcd is down',
        since: '2026-08-01T10:00:00Z',
      },
      access: { state: 'credential-failed', code: 'plugin-failed', since: '2026-08-01T10:02:00Z' },
    });
    expect(row).toMatchObject({
      displayName: 'Europe 3',
      manager: 'fleet-manager',
      version: 'v1.33.4',
      health: { state: 'unhealthy', message: 'etcd is down', since: '2026-08-01T10:00:00Z' },
      access: { state: 'credential-failed', message: 'plugin-failed', since: '2026-08-01T10:02:00Z' },
    });
  });

  it('UI-16: falls back to reason and code where there is no message', () => {
    expect(rowOf({ health: { state: 'unknown', reason: 'LeaseExpired' } }).health.message).toBe(
      'LeaseExpired',
    );
    expect(
      rowOf({ access: { state: 'blocked', since: '2026-08-01T10:00:00.000Z', code: 'policy' } }).access
        .message,
    ).toBe('policy');
  });

  it('UI-09: adds namespace and root where the display name is not unique', () => {
    const twin = sampleCluster({ name: 'b', namespace: 'edge', root: 'store/hub' });
    const other = sampleCluster({ name: 'c', displayName: 'Asia 1' });
    const rows = buildRows(sampleInventory([sampleCluster(), twin, other]), []);
    expect(rows.map(({ displayName, qualifier }) => [displayName, qualifier])).toEqual([
      ['Asia 1', undefined],
      ['Europe 3', 'edge · store/hub'],
      ['Europe 3', 'fleet · in-cluster'],
    ]);
  });

  it("UI-09: adds them also where one of the dashboard's own has the same name", () => {
    const rows = buildRows(sampleInventory([sampleCluster({ displayName: 'main' })]), [main]);
    expect(rows.map(({ name, qualifier }) => [name, qualifier])).toEqual([
      [sampleCluster().name, 'fleet · in-cluster'],
      ['main', undefined],
    ]);
  });

  it.each([
    ['display name', 'europe 3'],
    ['profile name', 'profile-of-europe'],
    ['namespace', 'fleet-ns'],
    ['manager', 'fleet-manager'],
    ['label value', 'tier-gold'],
    ['property value', 'zone-7f'],
    ['generated name', '0123456789ab'],
  ])('UI-04: is found by %s', (_what, query) => {
    const { searchText } = rowOf({
      profileName: 'profile-of-Europe',
      namespace: 'Fleet-NS',
      labels: { tier: 'Tier-Gold' },
      properties: [{ name: 'zone.example.test', value: 'Zone-7F' }],
    });
    expect(searchText).toContain(query);
  });

  it('UI-04: finds no words across two values', () => {
    expect(rowOf({ labels: { a: 'blue', b: 'green' } }).searchText).not.toContain('bluegreen');
  });

  it('marks as stale what the hub did not confirm, with the time if that is known', () => {
    const stale = sampleCluster({ stale: true });
    const lastSyncedAt = '2026-08-01T10:02:00Z';
    const roots = [sampleRoot({ name: 'store/other', lastSyncedAt: 'other' }), sampleRoot({ lastSyncedAt })];
    expect(buildRows(sampleInventory([stale], roots), [])[0]?.stale).toEqual({ since: lastSyncedAt });
    expect(buildRows(sampleInventory([stale]), [])[0]?.stale).toEqual({});
    expect(buildRows(sampleInventory(undefined, roots), [])[0]?.stale).toBeUndefined();
  });

  it('orders names as people count', () => {
    const names = ['spoke-10', 'spoke-9', 'Spoke-1'];
    const clusters = names.map((displayName) => sampleCluster({ name: displayName, displayName }));
    const rows = buildRows(sampleInventory(clusters), []);
    expect(rows.map(({ displayName }) => displayName)).toEqual(['Spoke-1', 'spoke-9', 'spoke-10']);
  });

  it('UI-17: keeps rows of one name in place when the answer has another order', () => {
    const clusters = ['b', 'a', 'c'].map((name) => sampleCluster({ name }));
    const order = (list: ClusterSummary[]) => buildRows(sampleInventory(list), []).map(({ name }) => name);
    expect(order(clusters)).toEqual(order(clusters.toReversed()));
  });

  it('keeps markup in a name as it is', () => {
    const displayName = '<img src=x onerror=alert(1)>';
    expect(rowOf({ displayName }).displayName).toBe(displayName);
  });
});
