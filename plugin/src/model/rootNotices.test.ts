import { describe, expect, it } from 'vitest';
import { sampleCluster, sampleInventory, sampleRoot } from '../../test/sampleInventory.ts';
import type { RootSummary } from './inventoryTypes.ts';
import { buildRootNotices, CRD_COMMAND } from './rootNotices.ts';

function noticesOf(root: Partial<RootSummary>) {
  return buildRootNotices(sampleInventory([], [sampleRoot({ name: 'store/hub', ...root })]));
}

describe('buildRootNotices', () => {
  it('says nothing of a root whose clusters are listed', () => {
    expect(buildRootNotices(sampleInventory())).toEqual([]);
  });

  it('UI-07: tells starting, no CRD and empty apart', () => {
    expect(noticesOf({ state: 'starting' })).toEqual([{ kind: 'starting', root: 'store/hub' }]);
    expect(noticesOf({ state: 'no-crd' })).toEqual([{ kind: 'no-crd', root: 'store/hub' }]);
    expect(noticesOf({ namespaces: ['fleet', 'edge'] })).toEqual([
      { kind: 'empty', root: 'store/hub', namespaces: ['fleet', 'edge'] },
    ]);
  });

  it('UI-07: names a root that failed with the reason, and since when', () => {
    expect(
      noticesOf({
        state: 'failing',
        reason: { code: 'hub-unreachable', message: 'connection refused' },
        lastSyncedAt: '2026-08-01T10:02:00Z',
      }),
    ).toEqual([
      {
        kind: 'failing',
        root: 'store/hub',
        message: 'connection refused',
        since: '2026-08-01T10:02:00Z',
      },
    ]);
  });

  it('knows no time for a root that never answered', () => {
    expect(noticesOf({ state: 'failing' })).toEqual([{ kind: 'failing', root: 'store/hub', message: '' }]);
  });

  it('speaks of a failing root also while its clusters are still listed', () => {
    const notices = buildRootNotices(sampleInventory(undefined, [sampleRoot({ state: 'failing' })]));
    expect(notices).toMatchObject([{ kind: 'failing', root: 'in-cluster' }]);
  });

  it('judges each root by its own clusters, in their order', () => {
    const roots = ['store/b', 'in-cluster', 'store/a'].map((name) => sampleRoot({ name }));
    const notices = buildRootNotices(sampleInventory([sampleCluster()], roots));
    expect(notices.map(({ kind, root }) => `${kind} ${root}`)).toEqual(['empty store/b', 'empty store/a']);
  });

  it('leaves out a root in a state that it does not know', () => {
    expect(noticesOf({ state: 'paused' as RootSummary['state'] })).toEqual([]);
  });

  it('gives a command that installs the CRD', () => {
    expect(CRD_COMMAND).toMatch(/^kubectl apply -f https:\/\/\S+_clusterprofiles\.yaml$/);
  });
});
