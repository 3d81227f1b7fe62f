import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ClustersResponse } from '../../sidecar/src/api/clusterTypes.ts';
import { type Demo, startDemo } from '../demo/startDemo.ts';
import { grantBySecretReader } from '../parts/access.ts';
import { launchBrowser } from '../parts/browser.ts';
import type { AccessProvider } from '../parts/hub.ts';
import { until } from '../parts/until.ts';

const artifacts = join(import.meta.dirname, '..', '..', 'artifacts');

let demo: Demo;
let browser: Browser;
/** Generated names by display name. */
let names: Readonly<Record<string, string>>;

beforeAll(async () => {
  mkdirSync(artifacts, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'sign-in-'));
  browser = await launchBrowser();
  demo = await startDemo({ port: undefined, clusters: 3, auth: 'hub', folder });
  const answer = await fetch(new URL('/cluster-inventory/v1/clusters', demo.url), {
    headers: { authorization: `Bearer ${demo.tokens['ana'] ?? ''}` },
  });
  const { clusters } = (await answer.json()) as ClustersResponse;
  names = Object.fromEntries(clusters.map(({ displayName, name }) => [displayName, name]));
  return async () => {
    await browser.close();
    await demo.stop();
    rmSync(folder, { recursive: true, force: true });
  };
});

async function withPage(name: string, use: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  try {
    await use(page);
  } finally {
    await page.screenshot({ path: join(artifacts, `${name}.png`) });
    await context.close();
  }
}

const open = (page: Page, path: string): Promise<unknown> => page.goto(new URL(path, demo.url).href);
const podsOf = (displayName: string): string => `/c/${names[displayName] ?? 'missing'}/pods`;

/** As a person does: asked for a token at a cluster's page. */
async function signIn(page: Page, user: string, path: string): Promise<void> {
  await open(page, path);
  await page.waitForURL(/\/token$/);
  await page.getByLabel('ID token').fill(demo.tokens[user] ?? '');
  await page.getByRole('button', { name: /authenticate/i }).click();
}

/** As Headlamp's own form and sign-out do. */
async function setToken(page: Page, token: string): Promise<void> {
  const body = JSON.stringify(JSON.stringify({ token }));
  const status = await page.evaluate<number>(
    `fetch('/clusters/main/set-token', { method: 'POST', headers: { 'content-type': 'application/json' }, body: ${body} }).then(({ status }) => status)`,
  );
  expect(status).toBe(200);
}

const listed = async (page: Page): Promise<string[]> => {
  const names = await page.getByRole('main').getByRole('link').allInnerTexts();
  return names.filter((name) => /payments|batch|main/.test(name)).sort();
};

describe('signing in', () => {
  it('[ID-10] shows nothing of the inventory before', async () => {
    await withPage('signed-out', async (page) => {
      await open(page, '/cluster-inventory');
      await page.getByText('Sign in').first().waitFor();
      expect(await listed(page)).toEqual(['main']);
    });
  });

  it('[ID-05, ID-16] at a cluster’s own page, with a token of the hub, opens that cluster; a user of two sees two', async () => {
    await withPage('signed-in-ben', async (page) => {
      await signIn(page, 'ben', podsOf('payments-prod-eu-1'));
      await page.getByRole('link', { name: 'hello' }).waitFor();
      await open(page, '/cluster-inventory');
      await page.getByRole('link', { name: 'payments-prod-us-1' }).waitFor();
      expect(await listed(page)).toEqual(['main', 'payments-prod-eu-1', 'payments-prod-us-1']);
      // The other cluster needs no other sign-in.
      await page.getByRole('link', { name: 'payments-prod-us-1' }).click();
      await page.getByRole('link', { name: 'hello' }).waitFor();
    });
  });

  it('[ID-17] a user who may only read is offered nothing else', async () => {
    await withPage('read-only', async (page) => {
      await signIn(page, 'ben', podsOf('payments-prod-eu-1'));
      await page.getByRole('link', { name: 'hello' }).click();
      await page.getByRole('button', { name: 'Show Logs' }).waitFor();
      for (const name of ['Terminal / Exec', 'Edit', 'Delete'])
        expect(await page.getByRole('button', { name, exact: true }).count()).toBe(0);
    });
    await withPage('read-write', async (page) => {
      await signIn(page, 'ana', podsOf('payments-prod-eu-1'));
      await page.getByRole('link', { name: 'hello' }).click();
      await page.getByRole('button', { name: 'Terminal / Exec' }).waitFor();
    });
  });

  it('[ID-16] a user who may see and not open is told why, and asked for no other token', async () => {
    await withPage('no-right', async (page) => {
      // The hub itself is no discovered cluster: she signs in there.
      await signIn(page, 'eve', '/c/main/pods');
      await page.waitForURL((url) => !url.pathname.endsWith('/token'));
      await open(page, '/cluster-inventory');
      await page.getByRole('link', { name: 'payments-prod-eu-1' }).waitFor();
      expect(await listed(page)).toEqual(['batch-gpu', 'main', 'payments-prod-eu-1', 'payments-prod-us-1']);
      await page.getByRole('link', { name: 'payments-prod-eu-1' }).click();
      await page.getByText("You don't have permissions").waitFor();
      await page.getByRole('button', { name: 'Show details' }).click();
      await page.getByText('does not let you get clusterprofiles/proxy').first().waitFor();
      expect(page.url()).toContain('/pods');
    });
  });

  it('[ID-04] ends with the sign-out: another user of the same browser starts from nothing', async () => {
    await withPage('two-users', async (page) => {
      await signIn(page, 'ana', podsOf('payments-prod-eu-1'));
      await page.getByRole('link', { name: 'hello' }).waitFor();
      await setToken(page, '');
      await open(page, '/cluster-inventory');
      await page.getByText('Sign in').first().waitFor();
      expect(await listed(page)).toEqual(['main']);
      await signIn(page, 'ben', podsOf('payments-prod-us-1'));
      await page.getByRole('link', { name: 'hello' }).waitFor();
      await open(page, '/cluster-inventory');
      await page.getByRole('link', { name: 'payments-prod-us-1' }).waitFor();
      expect(await listed(page)).toEqual(['main', 'payments-prod-eu-1', 'payments-prod-us-1']);
    });
  });
});

describe('[ID-08] signing in and out, seen in another tab without a reload', () => {
  const token = (user: string): string => demo.tokens[user] ?? '';

  /** Signs in, or out, in another tab, and waits for it here. Headlamp looks by itself every 10 s: not in time. */
  async function expectAfter(
    page: Page,
    other: Page,
    tokens: readonly string[],
    link: string,
  ): Promise<void> {
    await page.waitForRequest((request) => new URL(request.url()).pathname === '/config');
    for (const each of tokens) await setToken(other, each);
    const state = tokens.at(-1) === token('ana') ? 'visible' : 'detached';
    const cluster = page.getByRole('main').getByRole('link', { name: link }).first();
    await cluster.waitFor({ state, timeout: 8_000 });
  }

  it('the inventory', async () => {
    await withPage('tabs-inventory', async (page) => {
      const other = await page.context().newPage();
      await open(other, '/cluster-inventory');
      await open(page, '/cluster-inventory');
      await expectAfter(page, other, [token('ana')], 'batch-gpu');
      await expectAfter(page, other, [''], 'batch-gpu');
      expect(await listed(page)).toEqual(['main']);
    });
  });

  // Not signed out in between for long: with one cluster alone Headlamp leads past Home.
  it('Headlamp’s own Home', async () => {
    await withPage('tabs-home', async (page) => {
      const other = await page.context().newPage();
      await open(other, '/cluster-inventory');
      await setToken(other, token('ben'));
      await open(page, '/');
      await page
        .getByRole('main')
        .getByRole('link', { name: names['payments-prod-eu-1']?.slice(0, 30) ?? '' })
        .first()
        .waitFor();
      const name = names['batch-gpu'] ?? 'missing';
      await expectAfter(page, other, ['', token('ana')], name);
      await expectAfter(page, other, ['', token('ben')], name);
    });
  });
});

describe('what fails without the user’s fault asks the user for no token', () => {
  /** A profile of its own over the first spoke, with what it publishes changed. */
  async function publishOdd(
    name: string,
    change: (provider: AccessProvider) => AccessProvider,
  ): Promise<string> {
    const { hub, spokes } = demo.fleet;
    const [spoke] = spokes;
    if (!spoke) throw new Error('no spoke');
    const provider = await grantBySecretReader(hub, spoke, { secretName: name, token: `wrong-${name}` });
    await hub.createProfile({ name, displayName: name });
    await hub.patchStatus(name, { accessProviders: [change(provider)] });
    const find = async (): Promise<string | undefined> => {
      const answer = await fetch(new URL('/cluster-inventory/v1/clusters', demo.url), {
        headers: { authorization: `Bearer ${demo.tokens['ana'] ?? ''}` },
      });
      const { clusters } = (await answer.json()) as ClustersResponse;
      return clusters.find((each) => each.displayName === name)?.name;
    };
    await until(async () => (await find()) !== undefined, {
      timeoutMs: 10_000,
      message: `${name} is listed`,
    });
    return (await find()) ?? '';
  }

  async function expectExplained(name: string, path: string, reason: RegExp): Promise<void> {
    await withPage(name, async (page) => {
      await signIn(page, 'ana', podsOf('payments-prod-eu-1'));
      await page.getByRole('link', { name: 'hello' }).waitFor();
      await open(page, path);
      await page.getByText(reason).first().waitFor();
      expect(page.url()).not.toMatch(/\/token$/);
      expect(await page.getByRole('textbox').count()).toBe(0);
    });
  }

  it('[EX-25] a credential that the cluster rejects', async () => {
    const name = await publishOdd('rejected', (provider) => provider);
    await expectExplained('rejected', `/c/${name}/pods`, /cluster rejects the credential/);
  });

  it('[FA-30] a cluster that cannot be reached', async () => {
    const name = await publishOdd('unreachable', (provider) => ({
      ...provider,
      cluster: { ...provider.cluster, server: 'https://127.0.0.1:1' },
    }));
    await expectExplained('unreachable', `/c/${name}/pods`, /refuses connections/);
  });

  it('[ID-25] a cluster that lets the provider impersonate nobody', async () => {
    const [, spoke] = demo.fleet.spokes;
    if (!spoke) throw new Error('no second spoke');
    const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
    for (const { metadata } of await spoke.client.list(bindings))
      if (metadata.name.startsWith('cluster-inventory-impersonator'))
        await spoke.client.delete(`${bindings}/${metadata.name}`);
    await expectExplained('impersonation', podsOf('payments-prod-us-1'), /impersonate users/);
  });

  it('[ID-18, FA-02] a hub that is away: who was known goes on, who was not is told so', async () => {
    await withPage('hub-away', async (page) => {
      await signIn(page, 'ana', podsOf('payments-prod-eu-1'));
      await page.getByRole('link', { name: 'hello' }).waitFor();
      await demo.fleet.hub.stop();
      await open(page, podsOf('payments-prod-eu-1'));
      await page.getByRole('link', { name: 'hello' }).waitFor();
      await open(page, '/cluster-inventory');
      await page.getByText('could last be read').waitFor();
      await page.getByRole('link', { name: 'payments-prod-eu-1' }).waitFor();
    });
    const stranger = await fetch(
      new URL(`/clusters/${names['payments-prod-eu-1'] ?? ''}/version`, demo.url),
      {
        headers: { authorization: 'Bearer never-seen' },
      },
    );
    expect([stranger.status, stranger.headers.get('x-cluster-inventory-error')]).toEqual([
      502,
      'reviews-unavailable',
    ]);
  });
});
