import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createExecUser } from '../../src/commands/createExecUser.ts';
import { createCredentials, type Credentials } from '../../src/credentials/createCredentials.ts';
import { createRunPlugin } from '../../src/credentials/runPlugin.ts';
import { systemClock } from '../../src/foundation/clock.ts';
import { silentLog } from '../../src/foundation/log.ts';
import { createHubCredential } from '../../src/inventory/hubCredential.ts';
import { createInventory, type Inventory } from '../../src/inventory/inventory.ts';
import type { Root } from '../../src/inventory/root.ts';
import { type FakeHub, startFakeHub } from '../support/fakeHub.ts';
import { writePlugin } from '../support/startSidecar.ts';
import { until } from '../support/until.ts';

let folder = '';
let hub: FakeHub;
let credentials: Credentials;
let inventory: Inventory;
let runs = 0;
let open = 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'exec-root-'));
  hub = await startFakeHub();
  runs = 0;
  open = 0;
  credentials = createCredentials({
    runPlugin: createRunPlugin({ clock: systemClock, searchPath: '' }),
    environment: { PATH: process.env['PATH'] },
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    onRun: () => {
      runs++;
    },
  });
  const execUser = createExecUser({
    ...credentials,
    sourceFor(invocation) {
      open++;
      const source = credentials.sourceFor(invocation);
      return {
        ...source,
        close() {
          open--;
          source.close();
        },
      };
    },
  });
  inventory = createInventory({
    namespaces: 'default',
    labelSelector: '',
    noCrdIntervalMs: 30_000,
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    credentialFor: (root) => createHubCredential(root, systemClock, execUser),
    onUpsert: () => undefined,
    onDelete: () => undefined,
    onRootState: () => undefined,
  });
});

afterEach(async () => {
  inventory.close();
  await credentials.close();
  await hub.close();
  await rm(folder, { recursive: true });
});

it('[DI-03] the plugin’s credential of a root ends with it, and stays while its root is watched anew', async () => {
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: await writePlugin(folder, 'of-the-hub'),
  };
  const root: Root = { ...hub.root, user: { exec } };
  inventory.setRoots([root]);
  await until('a watch', () => hub.watches.length === 1);
  expect(hub.requests.at(-1)?.authorization).toBe('Bearer of-the-hub');
  inventory.setRoots([{ ...root, defaultNamespace: 'other' }]);
  await until('the other watch', () => hub.watches.length === 2);
  expect([runs, open]).toEqual([1, 1]);
  inventory.setRoots([]);
  expect(open).toBe(0);
});
