import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Demo, startDemo } from '../demo/startDemo.ts';
import type { ClustersResponse } from '../../sidecar/src/api/clusterTypes.ts';
import { launchBrowser } from '../parts/browser.ts';
import { nodeName } from '../parts/kwok.ts';
import { until } from '../parts/until.ts';

const artifacts = join(import.meta.dirname, '..', '..', 'artifacts');

let demo: Demo;
let browser: Browser;

beforeAll(async () => {
  mkdirSync(artifacts, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'browser-'));
  browser = await launchBrowser();
  demo = await startDemo({ port: undefined, clusters: 3, auth: 'none', folder });
  return async () => {
    await browser.close();
    await demo.stop();
    rmSync(folder, { recursive: true, force: true });
  };
});

/** A page of a new browser profile; what the page throws fails the test. */
async function withPage(
  name: string,
  options: BrowserContextOptions,
  use: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const thrown: string[] = [];
  page.on('pageerror', (error) => thrown.push(error.message));
  try {
    await use(page);
    expect(thrown).toEqual([]);
  } finally {
    await page.screenshot({ path: join(artifacts, `${name}.png`) });
    await context.close();
  }
}

async function openList(page: Page): Promise<void> {
  await page.goto(new URL('/cluster-inventory', demo.url).href);
  await page.getByRole('link', { name: 'payments-prod-eu-1' }).waitFor();
}

/** The texts of a row's cells by the heads of their columns. */
async function readRow(page: Page, name: string): Promise<Record<string, string>> {
  const heads = await page.getByRole('columnheader').allInnerTexts();
  const cells = await page.getByRole('row').filter({ hasText: name }).getByRole('cell').allInnerTexts();
  return Object.fromEntries(
    heads.map((head, index) => [head.split('\n', 1)[0]?.trim() ?? '', (cells[index] ?? '').trim()]),
  );
}

const terminalText = async (page: Page): Promise<string> =>
  (await page.locator('.xterm-rows').allInnerTexts()).join('\n');

describe('the page Cluster Inventory', () => {
  it('[UI-01, UI-03] lists every cluster with its source, and a failing one with its reason', async () => {
    await withPage('list', {}, async (page) => {
      await page.goto(demo.url);
      await page
        .getByRole('button', { name: 'Cluster Inventory' })
        .or(page.getByRole('link', { name: 'Cluster Inventory' }))
        .first()
        .click();
      await page.getByRole('link', { name: 'payments-prod-eu-1' }).waitFor();
      for (const name of ['payments-prod-eu-1', 'payments-prod-us-1']) {
        expect(await readRow(page, name)).toMatchObject({
          Health: 'Healthy',
          Access: 'Ready',
          Source: 'Cluster Inventory',
        });
      }
      const failing = await readRow(page, 'batch-gpu');
      expect(failing).toMatchObject({ Source: 'Cluster Inventory' });
      expect(failing['Access']).toMatch(/^Credential failed\s+Provider "secretreader": the plugin exited/);
      expect((await readRow(page, 'main'))['Source']).toBe('Kubeconfig');
      expect(failing['Version']).toMatch(/^v1\.\d+/);
    });
  });

  it('asks for the list once, and shows what changes on the hub without asking again', async () => {
    await withPage('live', {}, async (page) => {
      let asked = 0;
      page.on('request', (request) => {
        if (new URL(request.url()).pathname === '/cluster-inventory/v1/clusters') asked++;
      });
      await openList(page);
      const renamed = page.getByRole('link', { name: 'another name' });
      for (const [displayName, state] of [
        ['another name', 'visible'],
        ['batch-gpu', 'detached'],
      ] as const) {
        await demo.fleet.hub.patchProfile('batch-gpu', { spec: { displayName } });
        await renamed.waitFor({ state });
      }
      expect(asked).toBe(1);
    });
  });

  it.each([
    ['list-dark', { colorScheme: 'dark' }],
    ['list-narrow', { viewport: { width: 400, height: 800 } }],
    ['list-narrow-dark', { viewport: { width: 400, height: 800 }, colorScheme: 'dark' }],
  ] as const)('shows every cluster without a scroll bar to the side: %s', async (name, options) => {
    await withPage(name, options, async (page) => {
      await openList(page);
      for (const each of ['payments-prod-eu-1', 'payments-prod-us-1', 'batch-gpu']) {
        await page.getByRole('link', { name: each }).waitFor();
      }
      // As text: the browser's types are not those of this program.
      const isTooWide =
        await page.evaluate<boolean>(`[...document.querySelectorAll('main, main *')].some((each) =>
        ['auto', 'scroll'].includes(getComputedStyle(each).overflowX) && each.scrollWidth > each.clientWidth + 1)`);
      expect(isTooWide).toBe(false);
    });
  });
});

describe('a cluster that nobody configured', () => {
  it('[PX-30] is a click away; its Pod runs, and its logs show and follow', async () => {
    await withPage('logs', {}, async (page) => {
      await openList(page);
      await page.getByRole('link', { name: 'payments-prod-eu-1' }).click();
      await page.getByRole('link', { name: 'cart' }).waitFor();
      expect((await readRow(page, 'cart'))['Status']).toContain('Running');
      await page.screenshot({ path: join(artifacts, 'pods.png') });
      await page.getByRole('link', { name: 'cart' }).click();
      await page.getByRole('button', { name: 'Show Logs' }).click();
      const lastRequest = async (): Promise<number> =>
        Math.max(
          0,
          ...[...(await terminalText(page)).matchAll(/request (\d+) served/g)].map(([, count]) =>
            Number(count),
          ),
        );
      await until(async () => (await lastRequest()) > 0, { timeoutMs: 20_000, message: 'the logs show' });
      const shown = await lastRequest();
      await until(async () => (await lastRequest()) > shown, {
        timeoutMs: 20_000,
        message: 'the logs follow',
      });
    });
  });

  it('[PX-30] shows a change of a Pod while the page is open', async () => {
    await withPage('watch', {}, async (page) => {
      await openList(page);
      await page.getByRole('link', { name: 'payments-prod-eu-1' }).click();
      await page.getByRole('link', { name: 'frontend' }).waitFor();
      const [spoke] = demo.fleet.spokes;
      if (!spoke) throw new Error('no spoke');
      const pods = '/api/v1/namespaces/default/pods';
      await spoke.client.create(pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'newcomer', namespace: 'default' },
        spec: { nodeName: 'node-1', containers: [{ name: 'app', image: 'app:1.0' }] },
      });
      await page.getByRole('link', { name: 'newcomer' }).waitFor();
      await spoke.client.delete(`${pods}/newcomer`);
      await page.getByRole('link', { name: 'newcomer' }).waitFor({ state: 'detached' });
    });
  });

  it('[PX-30] has a terminal that answers', async () => {
    await withPage('terminal', {}, async (page) => {
      await openList(page);
      await page.getByRole('link', { name: 'payments-prod-us-1' }).click();
      await page.getByRole('link', { name: 'hello' }).click();
      await page.getByRole('button', { name: 'Terminal / Exec' }).click();
      await until(async () => /[$#] *$/.test((await terminalText(page)).trimEnd()), {
        timeoutMs: 20_000,
        message: 'the shell prompts',
      });
      await page.locator('.xterm').click();
      await page.keyboard.type('echo answer-$((6*7))\n');
      await until(async () => (await terminalText(page)).includes('answer-42'), {
        timeoutMs: 20_000,
        message: 'the terminal answers',
      });
    });
  });

  it('says why it cannot be opened, and asks nobody for a token', async () => {
    await withPage('failing', {}, async (page) => {
      await openList(page);
      await page.getByRole('link', { name: 'batch-gpu' }).click();
      await page.getByText('Provider "secretreader": the plugin exited with code 1').waitFor();
      expect(await page.getByRole('textbox').count()).toBe(0);
      expect(page.url()).not.toMatch(/\/token$/);
    });
  });

  it('[DI-32] says so when no provider serves it, under the name that people see, and asks nobody for a token', async () => {
    const { hub } = demo.fleet;
    const displayName = 'Unserved / EU <b>50%</b>';
    await hub.createProfile({ name: 'unserved', displayName });
    await hub.patchStatus('unserved', { accessProviders: [] });
    await withPage('unserved', {}, async (page) => {
      await openList(page);
      await page.getByRole('link', { name: displayName, exact: true }).click();
      await page.getByText('names no access provider').waitFor();
      // Its text for people is in no address.
      expect(new URL(page.url()).pathname).toMatch(
        /^\/c\/cluster-inventory-store--[^/]+--default--unserved--[0-9a-f]{12}\b/,
      );
      expect(await page.getByRole('textbox').count()).toBe(0);
      expect(page.url()).not.toMatch(/\/token$/);
    });
    await hub.deleteProfile('unserved');
  });
});

describe('a node of such a cluster', () => {
  it('[PX-45] is drained by the button for it', async () => {
    const [, spoke] = demo.fleet.spokes;
    if (!spoke) throw new Error('no second spoke');
    const answer = await fetch(new URL('/cluster-inventory/v1/clusters', demo.url));
    const { clusters } = (await answer.json()) as ClustersResponse;
    const name = clusters.find(({ displayName }) => displayName === 'payments-prod-us-1')?.name ?? '';
    await withPage('drain', {}, async (page) => {
      await page.goto(new URL(`/c/${name}/nodes/${nodeName}`, demo.url).href);
      await page.getByRole('button', { name: 'Drain', exact: true }).click();
      await page.getByRole('dialog').getByText('Yes', { exact: true }).click();
      // What the page says when it was told that all is done.
      await page.getByText('Scheduling Disabled').first().waitFor();
      await page.getByRole('button', { name: 'Uncordon', exact: true }).waitFor();
      await until(async () => (await spoke.client.list('/api/v1/pods')).length === 0, {
        timeoutMs: 20_000,
        message: 'the node is empty',
      });
      await until(() => page.getByRole('button', { name: 'Drain', exact: true }).isEnabled(), {
        timeoutMs: 20_000,
        message: 'the page has seen the end of the drain',
      });
      expect(await page.getByText(/^error/).count()).toBe(0);
    });
  }, 90_000);
});
