import { act, cleanup, configure, fireEvent, render, screen, within } from '@testing-library/react';
import { MemoryRouter } from 'react-router-dom';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { headlamp, resetHeadlamp } from '../../test/headlamp.tsx';
import { sampleAccess, sampleCluster, sampleInventory, sampleRoot } from '../../test/sampleInventory.ts';
import type { ClustersResponse } from '../model/inventoryTypes.ts';
import { CRD_COMMAND } from '../model/rootNotices.ts';
import { ClusterInventoryPage } from './ClusterInventoryPage.tsx';

vi.mock('@kinvolk/headlamp-plugin/lib', () => import('../../test/headlamp.tsx'));
vi.mock('@kinvolk/headlamp-plugin/lib/CommonComponents', () => import('../../test/headlamp.tsx'));

const SINCE = '2026-08-01T10:02:00.000Z';

function answer(inventory: ClustersResponse): void {
  headlamp.request = (path) =>
    path.includes('/events')
      ? new Promise(() => undefined)
      : Promise.resolve(
          new Response(JSON.stringify(inventory), { headers: { 'Content-Type': 'application/json' } }),
        );
}

function refuse(status: number): void {
  headlamp.request = () => Promise.reject(Object.assign(new Error('refused'), { status }));
}

const page = (
  <MemoryRouter>
    <ClusterInventoryPage />
  </MemoryRouter>
);

async function settle(): Promise<void> {
  await act(() => new Promise((resolve) => setTimeout(resolve, 20)));
}

async function renderList(inventory: ClustersResponse) {
  answer(inventory);
  const view = render(page);
  await screen.findByRole('table');
  return view;
}

function textsOf(role: 'columnheader' | 'cell'): string[] {
  return screen.getAllByRole(role).map(({ textContent }) => textContent);
}

// A first rendering takes more than the second it is given on a machine that is busy.
configure({ asyncUtilTimeout: 5_000 });

beforeEach(resetHeadlamp);

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe('ClusterInventoryPage', () => {
  it('UI-07: says that it is loading, and not that there is nothing', () => {
    render(page);
    expect(screen.getByRole('progressbar', { name: 'The clusters are being loaded.' })).toBeDefined();
    expect(screen.queryByText('There are no clusters to show.')).toBeNull();
  });

  it('waits for what the dashboard knows as well', async () => {
    headlamp.clusters = null;
    answer(sampleInventory());
    const { unmount } = render(page);
    await settle();
    expect(screen.getByRole('progressbar')).toBeDefined();
    headlamp.clusters = {};
    unmount();
    render(page);
    await screen.findByRole('table');
  });

  it('draws nothing before it has its texts', () => {
    headlamp.ready = false;
    expect(render(page).container.innerHTML).toBe('');
  });

  it('UI-07: says where it looked and found nothing', async () => {
    answer(sampleInventory([], [sampleRoot({ namespaces: ['fleet', 'edge'] })]));
    render(page);
    await screen.findByText('There are no clusters to show.');
    expect(
      screen.getByText('in-cluster has no ClusterProfile that you may see in the namespaces fleet, edge.'),
    ).toBeDefined();
  });

  it('UI-07: gives the command where the CRD is missing', async () => {
    answer(sampleInventory([], [sampleRoot({ name: 'store/hub', state: 'no-crd' })]));
    render(page);
    await screen.findByText('The hub store/hub has no ClusterProfile API.');
    expect(screen.getByText(CRD_COMMAND)).toBeDefined();
    expect(screen.getByText(/We look again every 30 seconds/)).toBeDefined();
  });

  it('UI-07: names the root that failed with its reason, above what is still known', async () => {
    const reason = { code: 'hub-unreachable', message: 'connection refused' };
    await renderList(
      sampleInventory(
        [sampleCluster({ stale: true })],
        [sampleRoot({ state: 'failing', reason, lastSyncedAt: SINCE })],
      ),
    );
    const alert = screen.getByRole('alert');
    expect(alert.textContent).toContain(
      `The inventory of in-cluster could last be read (since ${SINCE}) ago.`,
    );
    expect(alert.textContent).toContain('connection refused');
    expect(textsOf('cell')[1]).toBe(`HealthyStale for (since ${SINCE})`);
  });

  it("UI-07: says that the sidecar does not answer, shows the dashboard's own, and tries again", async () => {
    headlamp.clusters = { main: { name: 'main', meta_data: { source: 'incluster' } } };
    refuse(502);
    render(page);
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toContain('The Cluster Inventory sidecar does not answer.');
    expect(alert.textContent).toContain('only the clusters that the dashboard knows by itself');
    expect(screen.getByRole('link', { name: 'main' })).toBeDefined();

    answer(sampleInventory());
    fireEvent.click(within(alert).getByRole('button', { name: 'Try again' }));
    await screen.findByRole('link', { name: 'Europe 3' });
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it.each([
    [401, 'status', 'You are signed out.'],
    [403, 'alert', 'You may not see the Cluster Inventory.'],
    [404, 'alert', 'The Cluster Inventory sidecar is not there.'],
  ])('tells a %d apart', async (status, role, title) => {
    refuse(status);
    render(page);
    expect((await screen.findByText(title)).closest('[role]')?.getAttribute('role')).toBe(role);
  });

  it('has the columns of the list, and leads from the name to the Pods', async () => {
    await renderList(sampleInventory([sampleCluster({ version: 'v1.33.4' })]));
    expect(textsOf('columnheader')).toEqual([
      'Name',
      'Health',
      'Access',
      'Version',
      'Cluster manager',
      'Source',
    ]);
    expect(textsOf('cell')).toEqual([
      'Europe 3',
      'Healthy',
      'Ready',
      'v1.33.4',
      'fleet-manager',
      'Cluster Inventory',
    ]);
    expect(screen.getByRole('link', { name: 'Europe 3' }).getAttribute('href')).toBe(
      `/c/${sampleCluster().name}/pods`,
    );
  });

  it('UI-16: says the reason of a failing state as text, with since when, and in no tooltip', async () => {
    const message = 'Secret fleet/eu-prod-3 not found';
    const access = { state: 'credential-failed', message, since: SINCE } as const;
    const { container } = await renderList(sampleInventory([sampleCluster({ access })]));
    expect(textsOf('cell')[2]).toContain(`Credential failed${message} · (since`);
    expect(container.querySelector('td [title]')).toBeNull();
  });

  it('keeps the message of a state that does not fail to itself', async () => {
    const health = { state: 'healthy', message: 'all is well' } as const;
    await renderList(sampleInventory([sampleCluster({ health })]));
    expect(textsOf('cell')[1]).toBe('Healthy');
  });

  it('UI-03: shows a state by icon, colour and text', async () => {
    const access = sampleAccess({ state: 'unreachable' });
    await renderList(sampleInventory([sampleCluster({ health: { state: 'not-reported' }, access })]));
    const labels = ['Not reported', 'Unreachable'].map((word) => screen.getByText(word));
    expect(labels.map((label) => label.getAttribute('data-status'))).toEqual(['', 'error']);
    const icons = labels.map((label) => label.querySelector('svg path')?.getAttribute('d'));
    expect(icons[0]).toBeTruthy();
    expect(icons[1]).toBeTruthy();
    expect(icons[0]).not.toBe(icons[1]);
  });

  it('UI-22: shows markup in names and reasons as text', async () => {
    const markup = '<img src=x onerror=alert(1)>';
    const access = sampleAccess({ state: 'unreachable', message: markup, since: SINCE });
    const cluster = sampleCluster({ displayName: markup, manager: markup, access });
    const { container } = await renderList(
      sampleInventory([cluster, { ...cluster, name: 'b', namespace: markup }]),
    );
    expect(container.querySelector('img')).toBeNull();
    expect(screen.getAllByRole('link', { name: markup })).toHaveLength(2);
    expect(textsOf('cell')[2]).toBe(`Unreachable${markup} · (since ${SINCE})`);
    expect(textsOf('cell')[0]).toBe(`${markup}${markup} · in-cluster`);
  });

  it('UI-03: lets the worst hold on a narrow screen', async () => {
    vi.stubGlobal('matchMedia', () => ({ matches: true, addListener() {}, removeListener() {} }));
    const clusters = [
      sampleCluster({ name: 'a', displayName: 'A', health: { state: 'unhealthy' } }),
      sampleCluster({ name: 'b', displayName: 'B', access: sampleAccess({ state: 'unreachable' }) }),
    ];
    await renderList(sampleInventory(clusters));
    expect(textsOf('columnheader')).toEqual(['Name', 'State']);
    expect(textsOf('cell')).toEqual(['A', 'Unhealthy', 'B', 'Unreachable']);
  });

  it('UI-04: searches what is not shown as well', async () => {
    headlamp.query = 'TIER-gold';
    await renderList(
      sampleInventory([
        sampleCluster({ name: 'a', displayName: 'A', labels: { tier: 'tier-Gold' } }),
        sampleCluster({ name: 'b', displayName: 'B', labels: { tier: 'tier-Tin' } }),
      ]),
    );
    expect(screen.getAllByRole('link').map(({ textContent }) => textContent)).toEqual(['Alpha', 'A']);
  });

  it('UI-23: speaks German', async () => {
    headlamp.language = 'de';
    await renderList(sampleInventory([sampleCluster({ access: sampleAccess({ state: 'no-provider' }) })]));
    expect(textsOf('columnheader').slice(0, 3)).toEqual(['Name', 'Gesundheit', 'Zugang']);
    expect(textsOf('cell').slice(1, 3)).toEqual(['Gesund', 'Kein Provider']);
    expect(screen.getByText('1 Cluster ist aufgelistet.')).toBeDefined();
  });

  it('UI-25: says that the API is alpha, with a link', () => {
    render(page);
    const badge = screen.getByRole('link', { name: /^Alpha/ });
    expect(badge.getAttribute('href')).toBe('https://github.com/kubernetes-sigs/cluster-inventory-api');
    expect(badge.getAttribute('rel')).toContain('noopener');
  });

  it('announces how many clusters there are in one polite region', async () => {
    await renderList(sampleInventory());
    expect(screen.getAllByRole('status').map(({ textContent }) => textContent)).toEqual([
      '1 cluster is listed.',
    ]);
  });
});
