import { describe, expect, it, vi } from 'vitest';
import { registered } from '../test/headlamp.tsx';
import './index.tsx';

vi.mock('@kinvolk/headlamp-plugin/lib', () => import('../test/headlamp.tsx'));
vi.mock('@kinvolk/headlamp-plugin/lib/CommonComponents', () => import('../test/headlamp.tsx'));

describe('the plugin', () => {
  it.each(['HOME', 'IN-CLUSTER'])('UI-08: has an entry in the sidebar %s', (sidebar) => {
    expect(registered.entries).toContainEqual(
      expect.objectContaining({
        sidebar,
        label: 'Cluster Inventory',
        url: '/cluster-inventory',
        useClusterURL: false,
      }),
    );
  });

  it('keeps the inventory current on every page', () => {
    expect(registered.actions).toHaveLength(1);
  });

  it('has a page at that address, which asks for no cluster and no sign-in', () => {
    expect(registered.routes).toEqual([
      expect.objectContaining({ path: '/cluster-inventory', useClusterURL: false, noAuthRequired: true }),
    ]);
  });

  it('UI-24: brings its icons along, since Headlamp fetches those that have only a name', () => {
    for (const entry of registered.entries) {
      expect(entry).toMatchObject({ icon: { body: expect.stringContaining('<path') as unknown } });
    }
  });
});
