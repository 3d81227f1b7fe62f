import { describe, expect, it, vi } from 'vitest';
import { sampleCluster, sampleInventory, sampleRoot } from '../../test/sampleInventory.ts';
import { buildRows } from '../model/clusterRow.ts';
import type { ClusterSummary, RootSummary } from '../model/inventoryTypes.ts';
import { buildColumns } from './clusterColumns.tsx';

vi.mock('@kinvolk/headlamp-plugin/lib', () => import('../../test/headlamp.tsx'));
vi.mock('@kinvolk/headlamp-plugin/lib/CommonComponents', () => import('../../test/headlamp.tsx'));

function valueOf(
  id: string,
  cluster: Partial<ClusterSummary>,
  root: Partial<RootSummary> = {},
): string | undefined {
  const [row] = buildRows(sampleInventory([sampleCluster(cluster)], [sampleRoot(root)]), []);
  const column = buildColumns((sentence) => sentence, false).find((candidate) => candidate.id === id);
  return row && column?.accessorFn?.(row);
}

describe('buildColumns', () => {
  const failing = { state: 'unreachable', message: 'refused', since: '2026-08-01T10:02:00Z' } as const;

  it.each<[string, Partial<ClusterSummary>, Partial<RootSummary>?]>([
    ['the state', { access: { ...failing, state: 'invalid' } }],
    ['the message', { access: { ...failing, message: 'no route' } }],
    ['the time', { access: { ...failing, since: '2026-08-01T10:03:00Z' } }],
    ['staleness', { access: failing, stale: true }],
    ['the time of staleness', { access: failing, stale: true }, { lastSyncedAt: '2026-08-01T10:00:00Z' }],
  ])(
    'gives a state another value when %s changes, else Headlamp would not draw it anew',
    (_what, cluster, root) => {
      const before = { access: failing, stale: root !== undefined };
      expect(valueOf('access', cluster, root)).not.toBe(valueOf('access', before));
      expect(valueOf('access', before)).toBe(valueOf('access', before));
    },
  );

  it('sorts by the name that people see, and by the word of a state', () => {
    expect(valueOf('name', {})).toMatch(/^Europe 3\n/);
    expect(valueOf('health', {})).toMatch(/^Healthy\n/);
  });

  it('gives a name another value when its cluster becomes another', () => {
    expect(valueOf('name', { name: 'b' })).not.toBe(valueOf('name', { name: 'a' }));
  });
});
