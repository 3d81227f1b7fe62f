import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { buildClusterName } from '../../src/clusters/clusterName.ts';
import { buildProfileKey } from '../../src/inventory/profileKey.ts';
import { type FakeHub, profileObject, startFakeHub } from '../support/fakeHub.ts';
import { startSidecar, type TestSidecar } from '../support/startSidecar.ts';
import { until } from '../support/until.ts';

let hub: FakeHub;
let sidecar: TestSidecar;

beforeEach(async () => {
  hub = await startFakeHub();
  const cluster = { server: 'https://127.0.0.1:1' };
  hub.items = [profileObject('a', {}, { status: { accessProviders: [{ name: 'p', cluster }] } })];
  const context = { server: hub.root.server, user: { token: 't' } };
  sidecar = await startSidecar({ hub: context }, '--plugin-timeout=100ms');
  await writeFile(join(sidecar.folder, 'plugin-of-the-provider'), '#!/bin/sh\nsleep 60\n');
});

afterEach(async () => {
  await sidecar.close();
  await hub.close();
});

it('[EX-29] a plugin runs no longer than the option says', async () => {
  const name = buildClusterName(buildProfileKey('store/hub', 'default', 'a'));
  const ask = async (): Promise<string | null> => {
    const signal = AbortSignal.timeout(10_000);
    const { headers } = await fetch(`http://127.0.0.1:${sidecar.port}/clusters/${name}/version`, { signal });
    return headers.get('x-cluster-inventory-error');
  };
  await until('the profile is known', async () => (await ask()) !== 'cluster-unknown');
  expect(await ask()).toBe('plugin-timeout');
});
