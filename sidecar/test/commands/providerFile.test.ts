import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { buildClusterName } from '../../src/clusters/clusterName.ts';
import { buildProfileKey } from '../../src/inventory/profileKey.ts';
import { type FakeHub, profileObject, startFakeHub } from '../support/fakeHub.ts';
import { createManualClock, type ManualClock } from '../support/manualClock.ts';
import { startSidecarWith, type TestSidecar } from '../support/startSidecar.ts';
import { until } from '../support/until.ts';

let clock: ManualClock;
let hub: FakeHub;
let sidecar: TestSidecar;

beforeEach(async () => {
  clock = createManualClock();
  hub = await startFakeHub();
  // Nobody listens there: only what the plugin did is of interest.
  const cluster = { server: 'https://127.0.0.1:1' };
  hub.items = [profileObject('a', {}, { status: { accessProviders: [{ name: 'p', cluster }] } })];
  const context = { server: hub.root.server, user: { token: 't' } };
  sidecar = await startSidecarWith({ clock, contexts: { hub: context } });
});

afterEach(async () => {
  const closed = sidecar.close();
  clock.advance(60_000);
  await closed;
  await hub.close();
});

/** What a request to the cluster is answered. */
async function ask(): Promise<string | null> {
  const name = buildClusterName(buildProfileKey('store/hub', 'default', 'a'));
  const response = await fetch(`http://127.0.0.1:${sidecar.port}/clusters/${name}/version`);
  return response.headers.get('x-cluster-inventory-error');
}

it('[EX-28] a changed provider file ends the waits of plugins that failed', async () => {
  const path = join(sidecar.folder, 'providers');
  const { providers } = JSON.parse(await readFile(path, 'utf8')) as {
    providers: [{ execConfig: { command: string } }];
  };
  const { command } = providers[0].execConfig;
  const answering = await readFile(command, 'utf8');
  await writeFile(command, '#!/bin/sh\nexit 1\n');
  await until('the profile is known', async () => (await ask()) === 'plugin-exited');
  await writeFile(command, answering);
  const other = { name: 'other', execConfig: { ...providers[0].execConfig, command: '/other' } };
  await writeFile(path, JSON.stringify({ providers: [...providers, other] }));
  expect(await ask()).toBe('plugin-exited');
  // The file is looked at; of the wait after the failure half is left.
  clock.advance(1000);
  await until('the plugin runs again', async () => (await ask()) === 'connection-refused');
});
